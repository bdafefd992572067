"""The hinge objective of critics and generator."""

from __future__ import annotations

import torch
from torch.nn.functional import relu

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import HingeOptions


class Hinge:
    """Hinge loss as in Miyato, Kataoka, Koyama & Yoshida (2018).

    The critic minimises mean max(0, 1 + C(fake)) + mean max(0, 1 − C(real)); the generator minimises the sum over axes
    of −mean C(fake). It has no penalty: give it critics with spectral normalisation.
    """

    def __init__(self, options: HingeOptions, problem: Problem) -> None:
        pass

    def critic_term(self, step: CriticStep) -> torch.Tensor:
        """Return the critic's objective, a scalar."""
        return relu(1 + step.critic(step.fake)).mean() + relu(1 - step.critic(step.real)).mean()

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return minus the mean scores summed over axes, or None where no critic scored."""
        means = [scores.mean() for scores in step.scores.values()]
        return -torch.stack(means).sum() if means else None
