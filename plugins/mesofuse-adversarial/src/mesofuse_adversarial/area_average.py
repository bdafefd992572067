"""The model of an ideal box detector: each scan voxel sees the mean of the space it fills."""

from __future__ import annotations

import math

import numpy as np

from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import AreaAverageOptions
from mesofuse_adversarial.weighting import Taps, Weighted


class AreaAverage(Weighted):
    """Mean of the phases over the space of each scan voxel, then a softmax.

    The image phases that each scan phase shows are summed and averaged over [i·s, (i+1)·s) on each
    axis, a high-resolution voxel that a non-integer scale s cuts counting with its share. The result is
    softmax(sharpness · shares).
    """

    def __init__(self, options: AreaAverageOptions, problem: Problem) -> None:
        super().__init__(problem, options.sharpness)
        z, y, x = (0 if scale.is_integer() else 1 for scale in problem.scale)
        self.halo = (z, y, x)

    def taps(self, axis: int, start: int, stop: int) -> Taps:
        """Return each voxel's share in scan voxels start … stop−1."""
        scale = self._problem.scale[axis]
        left = np.arange(start, stop)[:, None] * scale
        count = int(scale) if scale.is_integer() else math.ceil(scale) + 1
        index = np.floor(left + 1e-6).astype(np.int64) + np.arange(count)
        weight = np.maximum(np.minimum(index + 1, left + scale) - np.maximum(index, left), 0)
        return Taps(index, weight / weight.sum(1, keepdims=True))
