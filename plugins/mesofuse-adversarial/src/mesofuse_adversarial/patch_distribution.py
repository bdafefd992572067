"""Matching the distribution of the image's patches by random projections, at several scales."""

from __future__ import annotations

import torch
from torch.nn import functional

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import PatchDistributionOptions


class PatchDistribution:
    """Sliced Wasserstein distance between the patches of the result's planes and those of the image.

    For each direction of planes and each scale f (planes and image crops averaged over f² pixels), patches of
    ``patch``² pixels (smaller ones where planes are) are projected on ``projections`` random directions of unit length;
    the sorted projections of the result are compared with as many quantiles of the image's. The term is weight · mean
    |difference|², a mean over projections and ranks, a sum over the scales, a mean over the directions of planes. Both
    are first divided by the standard deviation of the image's projections, so that fine and coarse texture count alike.

    Sources: patch distributions by sliced Wasserstein distances, Elnekave and Weiss (2022, GPDM); sorted random
    projections of texture, Pitié, Kokaram and Dahyot (2005).

    Args:
        options: Patches, scales, projections.
        problem: What voxels hold.
    """

    def __init__(self, options: PatchDistributionOptions, problem: Problem) -> None:
        self._options = options
        self._channels = problem.channels

    def critic_term(self, step: CriticStep) -> None:
        """Return None: critics have no part in this."""
        return None

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return the term, a scalar; None where the step has no image crops."""
        made_of = step.probabilities
        device = made_of.device
        seed = 0 if step.rng is None else int(step.rng.integers(2**62))
        rng = torch.Generator(device="cpu").manual_seed(seed)
        terms = []
        for axis, crops in step.real.items():
            planes = made_of.movedim(2 + axis, 1).flatten(0, 1)
            chosen = torch.randperm(len(planes), generator=rng)[: self._options.planes].sort().values
            planes = planes[chosen.to(device)]
            for scale in self._options.scales:
                edge = min(self._options.patch, *(n // scale for n in (*planes.shape[2:], *crops.shape[2:])))
                if edge < 1:
                    continue
                shape = (self._options.projections, self._channels, edge, edge)
                kernels = torch.randn(shape, generator=rng).to(device)
                kernels = kernels / kernels.flatten(1).norm(dim=1)[:, None, None, None]
                found, wanted = (
                    functional.conv2d(functional.avg_pool2d(x, scale) if scale > 1 else x, kernels)
                    .transpose(0, 1)
                    .flatten(1)
                    for x in (planes, crops)
                )
                terms.append(self._distance(found, wanted, rng) / len(step.real))
        return self._options.weight * step.share.average(torch.stack(terms).sum()) if terms else None

    def _distance(self, found: torch.Tensor, wanted: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return the mean squared difference of the sorted values of each row, in units of the image's variance."""
        count = min(found.shape[1], wanted.shape[1], self._options.positions)
        picked = [
            values[:, torch.randperm(values.shape[1], generator=rng)[:count].to(values.device)]
            for values in (found, wanted)
        ]
        made, real = (values.sort(dim=1).values for values in picked)
        spread = real.var(dim=1, keepdim=True) + self._options.floor
        return ((made - real).square() / spread).mean()
