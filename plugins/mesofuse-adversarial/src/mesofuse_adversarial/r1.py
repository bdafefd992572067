"""The logistic objective of critics and generator, with a gradient penalty on real slices."""

from __future__ import annotations

import torch
from torch.nn.functional import softplus

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import R1Options


class R1:
    """Non-saturating logistic loss with the R1 penalty after Mescheder, Geiger & Nowozin (2018).

    With softplus(t) = ln(1 + eᵗ), the critic minimises mean softplus(C(fake)) + mean softplus(−C(real)) +
    γ/2 · mean ‖∇C(real)‖₂²; the generator minimises the sum over axes of mean softplus(−C(fake)).
    """

    def __init__(self, options: R1Options, problem: Problem) -> None:
        self._penalty = options.penalty

    def critic_term(self, step: CriticStep) -> torch.Tensor:
        """Return the critic's objective, a scalar."""
        real = step.real.detach().requires_grad_(self._penalty > 0)
        scores = step.critic(real)
        term = softplus(step.critic(step.fake)).mean() + softplus(-scores).mean()
        if self._penalty == 0:
            return term
        (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
        return term + self._penalty / 2 * gradient.square().flatten(1).sum(1).mean()

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return the generator's objective summed over axes, or None where no critic scored."""
        terms = [softplus(-scores).mean() for scores in step.scores.values()]
        return torch.stack(terms).sum() if terms else None
