"""The Wasserstein objective of critics and generator, with a gradient penalty."""

from __future__ import annotations

import torch

from mesofuse.interfaces.critic import Critic
from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import WassersteinGPOptions


class WassersteinGP:
    """WGAN-GP after Gulrajani et al. (2017).

    The critic minimises mean C(fake) − mean C(real) + λ·mean (‖∇C(u)‖₂ − 1)², u at random places on the lines between
    real and generated slices: as many pairs, drawn at random, as the smaller batch has slices. The generator minimises
    the sum over axes of −mean C(fake).
    """

    def __init__(self, options: WassersteinGPOptions, problem: Problem) -> None:
        self._penalty = options.penalty

    def critic_term(self, step: CriticStep) -> torch.Tensor:
        """Return the critic's objective, a scalar."""
        term = step.critic(step.fake).mean() - step.critic(step.real).mean()
        if self._penalty == 0:
            return term
        return term + self._penalty * gradient_penalty(step.critic, step.real, step.fake, step.rng)

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return minus the mean scores summed over axes, or None where no critic scored."""
        means = [scores.mean() for scores in step.scores.values()]
        return -sum(means[1:], means[0]) if means else None


def gradient_penalty(critic: Critic, real: torch.Tensor, fake: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return mean (‖∇C(u)‖₂ − 1)² over random interpolates u, differentiable by the critic's parameters."""
    count = min(len(real), len(fake))
    real, fake = _draw(real, count, rng), _draw(fake, count, rng)
    share = torch.rand((count, 1, 1, 1), generator=rng, device=real.device, dtype=real.dtype)
    between = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norm: torch.Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (norm - 1).square().mean()


def _draw(slices: torch.Tensor, count: int, rng: torch.Generator) -> torch.Tensor:
    return slices[torch.randperm(len(slices), generator=rng, device=rng.device)[:count].to(slices.device)]
