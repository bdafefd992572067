"""The tie to the scan: what the instrument would show of the result must be what it has shown."""

from __future__ import annotations

import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import seen
from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import VoxelwiseOptions


class Voxelwise:
    """Voxel-wise loss after Dahari et al. (2023).

    With d the degraded probabilities, f the scan phases as one-hot and m their number, the error is
    m/2 · mean (d − f)² over batch, phases and voxels; the term is weight · error, or 0 where error ≤ tolerance.
    One-sided, voxels where the scan shows its phase 0 count as exact. Voxels within the degradation's halo of the
    region's sides are left out where others remain.

    Where a wrong phase leads clearly, the sharp softmax in d is flat and the squared error has no gradient: a generator
    that begins with two phases exchanged stays so. With ``linear`` > 0, linear · mean max(0, maxⱼ sⱼ − s) is added to
    the error, s the share of the scan's phase in a voxel (the degradation's `shares`, or d where it has none) and sⱼ
    those of the others: it pulls evenly from however far, and is 0 where the scan's phase leads.
    """

    def __init__(self, options: VoxelwiseOptions, problem: Problem) -> None:
        self._options = options
        self._phases = len(problem.low_phases)

    def critic_term(self, step: CriticStep) -> None:
        """Return None: critics have no part in this."""
        return None

    def generator_term(self, step: GeneratorStep) -> torch.Tensor:
        """Return the term, a scalar.

        Raises:
            UserError: If no degradation is set.
        """
        if step.degradation is None:
            raise UserError(
                "The loss 'voxelwise' compares with the scan and needs a degradation, but none is set; "
                "name one, such as blur-downsample, or leave the loss out."
            )
        inner = tuple(
            slice(h, n - h) if n > 2 * h else slice(None)
            for h, n in zip(step.degradation.halo, step.region.shape, strict=True)
        )
        field = step.field[(..., *inner)]
        counted = 1 - field[:, :1] if self._options.one_sided else torch.ones_like(field[:, :1])
        difference = (step.degradation(step.probabilities, step.region)[(..., *inner)] - field) * counted
        error = difference.square().mean() * (self._phases / 2)
        if self._options.linear:
            shares = seen(step.degradation)
            lead = _lead(shares(step.probabilities, step.region)[(..., *inner)], field)
            error = error + self._options.linear * (lead * counted).mean()
        error = step.share.average(error)
        return self._options.weight * error * (error.detach() > self._options.tolerance)


def _lead(shares: torch.Tensor, field: torch.Tensor) -> torch.Tensor:
    """Return by how much the largest wrong share exceeds that of the scan's phase, at least 0: (batch, 1, *region)."""
    own = (shares * field).sum(1, keepdim=True)
    others = shares.masked_fill(field > 0.5, 0).amax(1, keepdim=True)
    return (others - own).clamp(min=0)
