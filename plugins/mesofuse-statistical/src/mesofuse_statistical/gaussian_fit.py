"""Gaussian fields whose excursions have an image's two-point statistics: thresholds, covariances, kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, owens_t

from mesofuse.volumes.labels import LabelArray

TABLE = 2001
"""Correlations at which pair probabilities are tabulated for the inversion."""
SMALLEST = 1e-6


def pair_probability(share: float, correlation: np.ndarray) -> np.ndarray:
    """Return P(Z₁ > t, Z₂ > t) of standard normal numbers of these correlations, with t such that P(Z > t) = share.

    P = share − 2 T(t, √((1 − ρ) / (1 + ρ))), with Owen's function T (Owen 1956).
    """
    threshold = ndtri(1 - share)
    ratio = np.sqrt((1 - correlation) / np.maximum(1 + correlation, 1e-12))
    found: np.ndarray = share - 2 * owens_t(threshold, ratio)
    return found


def correlations(share: float, pairs: np.ndarray) -> np.ndarray:
    """Return the correlations whose excursions of this share have these pair probabilities; clipped to −0.99 … 1."""
    grid = 1 - 1.99 * np.linspace(1, 0, TABLE) ** 2  # as √(1 − ρ), of which pair probabilities are a smooth function
    found: np.ndarray = np.interp(pairs, pair_probability(share, grid), grid)
    return found


def two_point(image: LabelArray, members: Sequence[int], reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Return S2 of a set of phases at lags 0 … reach along the rows' direction and the columns' direction of an image.

    Args:
        image: The stack.
        members: Labels of the phases, taken as one.
        reach: The largest lag; of a smaller image, what it has.
    """
    inside = np.isin(image.array, members)
    found = []
    for axis in (1, 2):
        lags = min(reach, inside.shape[axis] - 1)
        line = np.moveaxis(inside, axis, 0)
        found.append(np.array([np.mean(line[: len(line) - k] & line[k:]) for k in range(lags + 1)]))
    return found[0], found[1]


def nearest_spectrum(spectrum: np.ndarray) -> np.ndarray:
    """Return the nearest spectrum without negative parts that has the same sum: max(s − τ, 0) for the right τ."""
    falling = np.sort(spectrum.ravel())[::-1]
    total = falling.sum()
    thresholds = (np.cumsum(falling) - total) / np.arange(1, falling.size + 1)
    last = np.flatnonzero(falling > thresholds)[-1]
    found: np.ndarray = np.maximum(spectrum - thresholds[last], 0)
    return found


def kernel(along: Sequence[np.ndarray], radius: int) -> tuple[np.ndarray, float]:
    """Return the kernel that makes of white noise a field with these correlations along z, y and x.

    With the integral ranges L of the axes, r² = Σ (h_a / L_a)² and weights w_a = (h_a / L_a)² / r², the correlation
    between the axes is Σ w_a ρ_a(r L_a): exact for ellipsoidal ones. The kernel is the root of the nearest spectrum
    that a field of unit variance can have (the projection on what is nowhere negative and of the same sum, which also
    takes off the floor that the image's sampling error adds), cut at ``radius``.

    Returns:
        The kernel, (2 radius + 1)³, and the share of the spectrum that was left out.
    """
    size = 4 * radius + 1
    at = np.fft.fftfreq(size, 1 / size)
    z, y, x = np.meshgrid(at, at, at, indexing="ij")
    ranges = [max(0.5, float(np.maximum(c, 0).sum() - 0.5)) for c in along]
    scaled = [a / length for a, length in zip((z, y, x), ranges, strict=True)]
    r = np.sqrt(sum(a**2 for a in scaled))
    weights = [np.divide(a**2, r**2, out=np.full(a.shape, 1 / 3), where=r > 0) for a in scaled]
    distance = np.sqrt(z**2 + y**2 + x**2)
    # Beyond what was measured correlations fade out, so that the spectrum has no echo of a sharp end.
    fade = np.clip((2 * radius - distance) / radius, 0, 1)
    covariance = sum(
        w * np.interp(r * length, np.arange(len(c)), c, right=0.0)
        for w, c, length in zip(weights, along, ranges, strict=True)
    )
    spectrum = np.fft.fftn(covariance * fade).real
    lost = float(-spectrum[spectrum < 0].sum() / np.abs(spectrum).sum())
    made = np.fft.ifftn(np.sqrt(nearest_spectrum(spectrum))).real
    keep = np.ix_(*(np.arange(-radius, radius + 1) % size,) * 3)
    cut = made[keep]
    return (cut / np.sqrt((cut**2).sum())).astype(np.float32), lost
