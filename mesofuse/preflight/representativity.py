"""How sure a phase's fraction is that was measured in an image or volume of finite size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.preflight.autocovariance import Shells, indicator, shell_covariance

WINDOW = 4.0
"""Lags up to this many correlation lengths are summed: fewer miss slow tails, more add noise."""
NORMAL_95 = 1.96
MIN_FEATURES = 4.0
"""Below so many independent areas no interval is given: what is larger than the sample can't be seen in it."""


@dataclass(frozen=True)
class Fraction:
    """A phase's fraction and how sure it is.

    Attributes:
        value: The fraction, 0 to 1.
        error: Half width of its 95 % confidence interval; NaN where the sample is too small to tell.
        range: Integral range: the pixels (or voxels) that tell as much as one independent one; NaN as ``error``.
        voxels: Pixels (or voxels) of the sample.
    """

    value: float
    error: float
    range: float
    voxels: int

    @property
    def certain(self) -> bool:
        """Whether there is a confidence interval."""
        return math.isfinite(self.error)

    @property
    def relative(self) -> float:
        """The error as a share of the fraction."""
        return self.error / self.value if self.value else math.nan

    def to_json(self) -> dict[str, float]:
        """Return plain numbers."""
        return {"fraction": self.value, "error_95": self.error, "integral_range": self.range, "voxels": self.voxels}

    def __str__(self) -> str:
        """Return for example ``12.4 ± 0.3 %``."""
        return f"{100 * self.value:.1f} ± {100 * self.error:.1f} %" if self.certain else f"{100 * self.value:.1f} ± ? %"


def fraction_error(pieces: Sequence[np.ndarray], values: Sequence[int]) -> Fraction:
    """Return the share of the labels ``values`` with its 95 % confidence interval from the two-point correlation.

    The variance of a mean over N voxels is φ(1−φ)·A/N, where A, the integral range, is the sum of the normalised
    autocovariance over all lags. Lags are summed up to four times the correlation length √(A/π) (in 3D ∛(3A/4π)) that
    the sum itself gives. Because the sample's own mean is subtracted, every term is too small by the variance sought;
    this is solved for. Sources: Matheron, Estimating and Choosing (1989), for the integral range; Sokal, Monte Carlo
    Methods in Statistical Mechanics (1997), for the self-consistent window; Dahari, Docherty, Kench and Cooper (2024),
    Prediction of microstructural representativity from a single image, for the use on one micrograph.

    Args:
        pieces: uint8 labels, images (y, x) or blocks (z, y, x), nearly of one shape.
        values: The labels whose share is wanted.
    """
    fields = [indicator(piece, values) for piece in pieces]
    voxels = sum(f.size for f in fields)
    mean = float(sum(float(f.sum(dtype=np.float64)) for f in fields) / voxels)
    if not 0 < mean < 1 or min(min(f.shape) for f in fields) < 2:
        return Fraction(mean, math.nan, math.nan, voxels)
    variance = _variance_of_mean(shell_covariance(fields, mean), pieces[0].ndim)
    range_ = voxels * variance / (mean * (1 - mean))
    if voxels / range_ < MIN_FEATURES:
        return Fraction(mean, math.nan, range_, voxels)
    return Fraction(mean, NORMAL_95 * math.sqrt(variance), range_, voxels)


def _variance_of_mean(shells: Shells, dimensions: int) -> float:
    """Return the variance of the mean over all voxels of the sample."""
    ball = math.pi if dimensions == 2 else 4 * math.pi / 3
    sums, vectors = np.cumsum(shells.sums), np.cumsum(shells.vectors)
    lengths = (np.maximum(sums / shells.sums[0], 1) / ball) ** (1 / dimensions)
    beyond = np.flatnonzero(np.arange(len(sums)) >= WINDOW * lengths)
    # Over all lags the sum is 0 whatever the sample, so the window must stay well inside it.
    widest = int(np.count_nonzero(vectors < shells.voxels / 3)) - 1
    last = max(0, min(int(beyond[0]) if len(beyond) else len(sums) - 1, widest))
    variance = sums[last] / shells.voxels / (1 - vectors[last] / shells.voxels)
    return max(float(variance), float(shells.sums[0]) / shells.voxels)
