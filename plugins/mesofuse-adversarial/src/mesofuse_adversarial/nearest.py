"""The model of an undersampled scan: each scan voxel shows the phase at its centre, unblurred."""

from __future__ import annotations

import numpy as np
import torch

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Triple
from mesofuse_adversarial.options import NearestOptions
from mesofuse_adversarial.weighting import Taps, reduce_axis, shown


class Nearest(torch.nn.Module):
    """The high-resolution voxel ⌊(i+½)·s⌋, that holds the centre of scan voxel i, on each axis.

    The probabilities of the image phases that each scan phase shows are summed; they are not
    sharpened, because one voxel mixes nothing.
    """

    halo: Triple
    test_scales = (2, 4, (2.5, 3, 1.25), (1, 5.33, 1.6))

    def __init__(self, options: NearestOptions, problem: Problem) -> None:
        super().__init__()
        self._problem = problem
        # Below scale 2 a centre may lie in the last voxel, that a non-integer scale gives to the next one.
        z, y, x = (0 if scale.is_integer() or scale >= 2 else 1 for scale in problem.scale)
        self.halo = (z, y, x)

    def shares(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Return the same as `forward`: what a voxel sees is what it shows."""
        return self.forward(probabilities, region)

    def forward(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Return the probability that each scan phase shows: (batch, low phases, *region.shape).

        Args:
            probabilities: (batch, phases, *region.scaled(scale).shape).
            region: The scan voxels that they fill.
        """
        x = probabilities
        for axis, scale in enumerate(self._problem.scale):
            start, stop = region.start[axis], region.stop[axis]
            index = np.floor((np.arange(start, stop)[:, None] + 0.5) * scale + 1e-6).astype(np.int64)
            x = reduce_axis(x, axis + 2, Taps(index, np.ones(index.shape)), start, scale)
        return shown(x, self._problem)
