"""The model of an ideal box detector: each scan voxel sees the mean of the space it fills."""

from __future__ import annotations

import math

import numpy as np
import torch

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Triple
from mesofuse_adversarial.options import AreaAverageOptions
from mesofuse_adversarial.weighting import Taps, reduce_axis, shown


class AreaAverage(torch.nn.Module):
    """Mean of the phases over the space of each low-resolution voxel, then a softmax.

    The high-resolution phases that each low-resolution phase shows are summed and averaged over [i·s, (i+1)·s) on each
    axis, a high-resolution voxel that a non-integer scale s cuts counting with its share. The result is
    softmax(sharpness · fractions).
    """

    halo: Triple
    test_scales = (2, 4, (2.5, 3, 1.25))

    def __init__(self, options: AreaAverageOptions, problem: Problem) -> None:
        super().__init__()
        self._problem = problem
        self._sharpness = options.sharpness
        z, y, x = (0 if scale.is_integer() else 1 for scale in problem.scale)
        self.halo = (z, y, x)

    def forward(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Return how strongly each low-resolution phase shows: (batch, low phases, *region.shape), summing to 1.

        Args:
            probabilities: (batch, phases, *region.scaled(scale).shape).
            region: The low-resolution voxels that they fill.
        """
        x = shown(probabilities, self._problem)
        for axis, scale in enumerate(self._problem.scale):
            start = region.start[axis]
            x = reduce_axis(x, axis + 2, _taps(start, region.stop[axis], scale), start, scale)
        return torch.softmax(self._sharpness * x, 1)


def _taps(start: int, stop: int, scale: float) -> Taps:
    """Return each voxel's share in low-resolution voxels start … stop−1."""
    left = np.arange(start, stop)[:, None] * scale
    count = int(scale) if scale.is_integer() else math.ceil(scale) + 1
    index = np.floor(left + 1e-6).astype(np.int64) + np.arange(count)
    share = np.minimum(index + 1, left + scale) - np.maximum(index, left)
    weight = np.maximum(share, 0)
    return Taps(index, weight / weight.sum(1, keepdims=True))
