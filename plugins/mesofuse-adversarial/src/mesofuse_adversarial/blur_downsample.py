"""The paper's model of an underresolved scan: blur, down-sample, choose a phase softly."""

from __future__ import annotations

import math

import numpy as np

from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import BlurDownsampleOptions
from mesofuse_adversarial.weighting import Taps, Weighted, gaussian_weights


class BlurDownsample(Weighted):
    """Gaussian blur, trilinear down-sampling and a softmax, after Dahari et al. (2023).

    The image phases that each scan phase shows are summed. Each axis is blurred with a Gaussian of
    k taps, k the largest odd number ≤ ⌈s⌉ for scale s, and standard deviation 0.3·((k−1)/2−1)+0.8; then sampled
    linearly at (i+½)·s−½, the centre of scan voxel i. Beyond the volume its end voxels repeat. The result is
    softmax(sharpness · shares), a differentiable argmax. Any scale ≥ 1, integer or not.
    """

    def __init__(self, options: BlurDownsampleOptions, problem: Problem) -> None:
        super().__init__(problem, options.sharpness)
        self._blurs = [_blur(scale, options.sigma) for scale in problem.scale]
        z, y, x = (_halo(scale, len(blur) // 2) for scale, blur in zip(problem.scale, self._blurs, strict=True))
        self.halo = (z, y, x)

    def taps(self, axis: int, start: int, stop: int) -> Taps:
        """Return blur and linear sampling in one, for scan voxels start … stop−1."""
        scale, blur = self._problem.scale[axis], self._blurs[axis]
        position = (np.arange(start, stop) + 0.5) * scale - 0.5
        below = np.floor(position + 1e-9)
        fraction = np.maximum(position - below, 0)[:, None]
        weight = (1 - fraction) * np.append(blur, 0) + fraction * np.append(0, blur)
        index = below.astype(np.int64)[:, None] + np.arange(len(blur) + 1) - len(blur) // 2
        if not fraction.any():
            return Taps(index[:, :-1], weight[:, :-1])
        return Taps(index, weight)


def _blur(scale: float, sigma: float | None) -> np.ndarray:
    if sigma is not None:
        return gaussian_weights(math.ceil(3 * sigma), sigma)
    radius = (math.ceil(scale) - 1) // 2
    return gaussian_weights(radius, 0.3 * (radius - 1) + 0.8)


def _halo(scale: float, radius: int) -> int:
    """Return how many scan voxels beyond its own a voxel's taps reach."""
    if scale.is_integer():
        return max(0, math.ceil((radius - (int(scale) - 1) // 2) / scale))
    return max(0, math.ceil((radius + 1.5 - scale / 2) / scale))
