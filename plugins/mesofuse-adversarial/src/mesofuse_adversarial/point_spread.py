"""The model of a scanner of known resolution: a Gaussian point spread and a slice thickness for each axis."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Scale
from mesofuse_adversarial.options import PointSpreadOptions
from mesofuse_adversarial.weighting import Taps, Weighted

HALF_MAXIMUM = 2 * math.sqrt(2 * math.log(2))
TAIL = 3.0  # standard deviations at which the Gaussian is cut
_erf = np.vectorize(math.erf, otypes=[float])


class PointSpread(Weighted):
    """Mean of the phases weighted by a box convolved with a Gaussian, at the centre of each scan voxel; then a softmax.

    Along each axis, a scan voxel of s high-resolution ones sees the image phases with the weight
    K(u) = [Φ((u + t·s/2)/σ) − Φ((u − t·s/2)/σ)] / (t·s) at the distance u from its centre (i + ½)·s: a slice of
    thickness t (in scan voxels: more than 1 where slices overlap, less where there is a gap between them), blurred with
    standard deviation σ (in high-resolution voxels). K is integrated over each high-resolution voxel, cut 3 σ beyond
    the slice, and made to sum to 1; σ = 0 and t = 1 is `area-average`. Beyond the volume its end voxels repeat. The
    result is softmax(sharpness · shares). Any scale ≥ 1, integer or not.

    Raises:
        UserError: If σ is to be estimated, and has not been.
    """

    def __init__(self, options: PointSpreadOptions, problem: Problem) -> None:
        super().__init__(problem, options.sharpness)
        self._sigma = sigmas(options, problem.scale)
        self._thickness = thicknesses(options, problem.scale)
        z, y, x = (
            _halo(scale, _reach(thick, sigma))
            for scale, thick, sigma in zip(problem.scale, self._thickness, self._sigma, strict=True)
        )
        self.halo = (z, y, x)

    @classmethod
    def estimate(
        cls, options: PointSpreadOptions, inputs: FusionInputs, say: Callable[[str], None]
    ) -> PointSpreadOptions:
        """Return the options with numbers for ``sigma: estimate``: see `estimate_sigma`."""
        if options.sigma != "estimate":
            return options
        from mesofuse_adversarial.blur_estimate import estimate_sigma

        scale = inputs.problem.scale
        thick = thicknesses(options, scale)

        def weights(axis: int, count: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
            taps = box_and_gaussian(0, count, scale[axis], thick[axis], sigma)
            return taps.index, taps.weight

        found = estimate_sigma(inputs, weights)
        for sentence in found.sentences(scale):
            say(sentence)
        return options.model_copy(update={"sigma": found.sigma})

    def taps(self, axis: int, start: int, stop: int) -> Taps:
        """Return the integral of K over each high-resolution voxel, for scan voxels start … stop−1."""
        return box_and_gaussian(start, stop, self._problem.scale[axis], self._thickness[axis], self._sigma[axis])


def box_and_gaussian(start: int, stop: int, scale: float, thickness: float, sigma: float) -> Taps:
    """Return the taps of scan voxels start … stop−1 for a thickness and σ in high-resolution voxels."""
    reach = _reach(thickness, sigma)
    left = np.arange(start, stop)[:, None] * scale
    base = np.floor(left + 1e-6)
    # Relative to the voxel's own edge, so that each has the same weights at an integer scale, however far out.
    centre = np.maximum(left - base, 0) + scale / 2
    first = np.floor(centre - reach + 1e-9)
    edges = first + np.arange(math.ceil(2 * reach - 1e-9) + 2) - centre
    weight = np.diff(_cumulative(np.clip(edges, -reach, reach), thickness, sigma), axis=1)
    weight[weight < 1e-12] = 0
    index = (base + first).astype(np.int64) + np.arange(weight.shape[1])
    while not weight[:, -1].any():
        weight, index = weight[:, :-1], index[:, :-1]
    return Taps(index, weight / weight.sum(1, keepdims=True))


def _reach(thickness: float, sigma: float) -> float:
    """Return how far from its centre a voxel sees, in high-resolution voxels."""
    return thickness / 2 + TAIL * sigma


def thicknesses(options: PointSpreadOptions, scale: Scale) -> Scale:
    """Return the thickness along z, y, x in high-resolution voxels."""
    thick = options.thickness
    z, y, x = thick if isinstance(thick, tuple) else (thick,) * 3
    return (z * scale[0], y * scale[1], x * scale[2])


def sigmas(options: PointSpreadOptions, scale: Scale) -> Scale:
    """Return the standard deviation along z, y, x in high-resolution voxels.

    Raises:
        UserError: If it is to be estimated.
    """
    sigma = options.sigma
    if isinstance(sigma, str):
        raise UserError(
            "The degradation 'point-spread' has sigma: estimate, which is for training, where image and scan are at "
            "hand; give numbers here, for example those that the trained model's record (model.json) names."
        )
    if isinstance(sigma, tuple):
        return sigma
    z, y, x = ((s / HALF_MAXIMUM if s > 1 else 0.0) if sigma is None else sigma for s in scale)
    return (z, y, x)


def _cumulative(u: np.ndarray, thickness: float, sigma: float) -> np.ndarray:
    """Return the integral of K from −∞ to u."""

    def ramp(t: np.ndarray) -> np.ndarray:
        """Integrate Φ(t / σ); for σ = 0 the positive part of t."""
        if sigma == 0:
            positive: np.ndarray = np.maximum(t, 0)
            return positive
        v = t / sigma
        whole: np.ndarray = sigma * (
            v * 0.5 * (1 + _erf(v / math.sqrt(2))) + np.exp(-(v**2) / 2) / math.sqrt(2 * math.pi)
        )
        return whole

    total: np.ndarray = (ramp(u + thickness / 2) - ramp(u - thickness / 2)) / thickness
    return total


def _halo(scale: float, reach: float) -> int:
    """Return how many scan voxels beyond its own a voxel sees."""
    slack = 0 if scale.is_integer() else 1  # a non-integer scale gives a cut voxel to the next scan voxel
    return max(0, math.ceil((reach + slack) / scale - 0.5 - 1e-9))
