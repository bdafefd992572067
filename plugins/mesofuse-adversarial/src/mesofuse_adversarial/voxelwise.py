"""The tie to the scan: what the instrument would show of the result must be what it has shown."""

from __future__ import annotations

import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import VoxelwiseOptions


class Voxelwise:
    """Voxel-wise loss after Dahari et al. (2023).

    With d the degraded probabilities, f the low-resolution phases as one-hot and m their number, the error is
    m/2 · mean (d − f)² over batch, phases and voxels; the term is weight · error, or 0 where error ≤ tolerance.
    One-sided, voxels where the scan shows its phase 0 count as exact. Voxels within the degradation's halo of the
    region's sides are left out where others remain.
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
            UserError: No degradation is set.
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
        difference = step.degradation(step.probabilities, step.region)[(..., *inner)] - field
        if self._options.one_sided:
            difference = difference * (1 - field[:, :1])
        error = step.share.average(difference.square().mean()) * (self._phases / 2)
        return self._options.weight * error * (error.detach() > self._options.tolerance)
