"""The Wasserstein objective of critics and generator, with a gradient penalty."""

from __future__ import annotations

import torch

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import WassersteinGPOptions

PLACES = 2**20
"""Places where the first of some slices at equal distances may lie."""


class WassersteinGP:
    """WGAN-GP after Gulrajani et al. (2017).

    The critic minimises mean C(fake) − mean C(real) + λ·mean (‖∇C(u)‖₂ − 1)², u at random places on the lines between
    real and generated slices: as many pairs as the smaller batch has slices, those of the larger one at equal distances
    from a random start. The generator minimises the sum over axes of −mean C(fake).
    """

    def __init__(self, options: WassersteinGPOptions, problem: Problem) -> None:
        self._penalty = options.penalty

    def critic_term(self, step: CriticStep) -> torch.Tensor:
        """Return the critic's objective, a scalar."""
        term = step.critic(step.fake).mean() - step.critic(step.real).mean()
        if self._penalty == 0:
            return term
        return term + self._penalty * gradient_penalty(step)

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return minus the mean scores summed over axes, or None where no critic scored."""
        means = [scores.mean() for scores in step.scores.values()]
        return -sum(means[1:], means[0]) if means else None


def gradient_penalty(step: CriticStep) -> torch.Tensor:
    """Return mean (‖∇C(u)‖₂ − 1)² over random interpolates u, differentiable by the critic's parameters."""
    count, device = min(len(step.real), len(step.fake)), step.real.device
    start = torch.randint(PLACES, (), generator=step.rng, device=device)
    real, fake = spread(step.real, count, start), spread(step.fake, count, start)
    whole = torch.rand((count * step.share.world, 1, 1, 1), generator=step.rng, device=device, dtype=real.dtype)
    place = step.share.part(whole)
    between = (place * real + (1 - place) * fake).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(step.critic(between).sum(), between, create_graph=True)
    norm: torch.Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (norm - 1).square().mean()


def spread(slices: torch.Tensor, count: int, start: torch.Tensor | int) -> torch.Tensor:
    """Return ``count`` slices at equal distances, from ``start`` / `PLACES` of a distance on; each is equally likely.

    In whole numbers, so that parts of a batch give the parts of what the whole batch gives.
    """
    places = torch.arange(count, device=slices.device) * PLACES + start
    return slices[places * len(slices) // (count * PLACES)]
