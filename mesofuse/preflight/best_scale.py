"""The scale factor at which the structures of an image are as large as those of a scan."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.preflight.autocovariance import fraction, halved
from mesofuse.preflight.scale_curves import MIN_EDGE, Curves, Degraded, Pieces, Trio, image_curves, scan_curves
from mesofuse.volumes.grid import Scale

SEARCH = 32.0
"""The factor is looked for from the stated one divided by this to it multiplied by this."""
FLAT = 0.05
"""Covariance is compared up to the lag where the scan's falls below this."""
PARTS = 32


@dataclass(frozen=True)
class BestScale:
    """The stated scale factor times ``factor`` fits best.

    Attributes:
        factor: The best multiple of the stated scale factor.
        low: Its least value.
        high: Its greatest value, for a scan that shows what lies at its voxels' centres and for one that shows what
            prevails in its voxels, each with its 95 % confidence interval.
        mismatch: Root mean square difference of the covariance curves at the best factor.
        stated_mismatch: The same at the stated factor.
    """

    factor: float
    low: float
    high: float
    mismatch: float
    stated_mismatch: float


def best_scale(
    scan: Pieces, images: Trio, shows: Sequence[Sequence[int]], scale: Scale, phases: Sequence[int]
) -> BestScale | None:
    """Compare the normalised autocovariance of the matched phases along the axes, and find the factor that fits best.

    The image is degraded in two ways between which real scans lie: its pixels at the scan's spacing (undersampling),
    and the phase that fills most of each square of pixels (averaging and segmenting). The one that fits better gives
    the best factor. How sure it is comes from the fits of parts of the scan and of the image.

    Args:
        scan: Blocks of the scan, uint8 labels of its phases.
        images: Pieces of the images that show planes normal to axis 0, 1 and 2; the same list for isotropic material.
        shows: The image's labels that each phase of the scan shows.
        scale: Stated scale factor (z, y, x).
        phases: The scan's phases to look at; those that fill nothing or everything are passed over.

    Returns:
        The best factor, or None where there is not enough data to tell.
    """
    if min(min(p.shape) for pieces in (scan, *images) for p in pieces) < MIN_EDGE:
        return None
    chosen = [
        i for i in phases
        if 0 < fraction(scan, [i]) < 1 and all(0 < fraction(pieces, shows[i]) < 1 for pieces in images)
    ]  # fmt: skip
    if not chosen:
        return None
    groups = [shows[i] for i in chosen]
    rest = [v for i, values in enumerate(shows) if i not in chosen for v in values]
    target = {key: _decay(curve) for key, curve in scan_curves(scan, chosen).items()}
    drawn, degraded = image_curves(images, groups), Degraded(images, groups, rest, scale)
    sampled = _fit(target, drawn, scale)
    if sampled is None:
        return None
    voxels = (1.0, 1.0, 1.0)
    filled = _search(lambda m: _difference(target, degraded(m), 1, voxels), 0.7 * sampled[0], 2 * sampled[0], 1.1)
    found = [sampled] if filled is None else [sampled, filled]
    factor, mismatch = min(found, key=lambda f: f[1])
    stated = min(_difference(target, drawn, 1, scale), _difference(target, degraded(1), 1, voxels))
    spread = math.exp(1.96 * math.hypot(_scan_error(scan, chosen, target, drawn, scale),
                                        _image_error(images, groups, target, scale)))  # fmt: skip
    factors = [f for f, _ in found]
    return BestScale(factor, min(factors) / spread, max(factors) * spread, math.sqrt(mismatch), math.sqrt(stated))


def _decay(curve: np.ndarray) -> np.ndarray:
    """Return a curve up to where it has decayed, at least three lags."""
    flat = np.flatnonzero(curve < FLAT)
    return curve[: max(4, int(flat[0]) + 1)] if len(flat) else curve


def _difference(target: Curves, drawn: Curves, factor: float, scale: Scale) -> float:
    """Return the mean square difference of curves where a lag of the target is ``factor·scale`` lags of the drawn."""
    squares = []
    for (phase, axis), curve in target.items():
        other = drawn.get((phase, axis))
        if other is None or not (np.isfinite(other).all() and np.isfinite(curve).all()):
            return math.inf
        lags = np.arange(1, len(curve)) * factor * scale[axis]
        # What lies beyond the image's own lags has decayed there, or can't be told.
        squares.append((curve[1:] - np.interp(lags, np.arange(len(other)), other)) ** 2)
    return float(np.mean(np.concatenate(squares)))


def _fit(target: Curves, drawn: Curves, scale: Scale) -> tuple[float, float] | None:
    """Return the factor at which a scan that shows what lies at its voxels' centres fits best, and its difference."""
    return _search(lambda m: _difference(target, drawn, m, scale), 1 / SEARCH, SEARCH, 1.05)


def _search(error: Callable[[float], float], low: float, high: float, ratio: float) -> tuple[float, float] | None:
    """Return the factor of least error, refined by a parabola through it and its neighbours; None at an end."""
    factors = np.geomspace(low, high, math.ceil(math.log(high / low) / math.log(ratio)) + 1)
    errors = np.array([error(float(f)) for f in factors])
    best = int(np.argmin(errors))
    if not 0 < best < len(factors) - 1 or not np.isfinite(errors[best - 1 : best + 2]).all():
        return None
    left, middle, right = errors[best - 1 : best + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return float(factors[best] * (factors[1] / factors[0]) ** shift), float(middle)


def _scan_error(scan: Pieces, phases: Sequence[int], target: Curves, drawn: Curves, scale: Scale) -> float:
    """Return the standard error of the factor's logarithm that the scan's size gives."""
    fits = []
    for part in halved(scan)[:PARTS]:
        curves = scan_curves([part], phases)
        fits.append(_fit({key: curve[: len(target[key])] for key, curve in curves.items()}, drawn, scale))
    return _log_error(fits)


def _image_error(images: Trio, groups: Sequence[Sequence[int]], target: Curves, scale: Scale) -> float:
    """Return the standard error of the factor's logarithm that the images' size gives."""
    isotropic = images[0] is images[1] is images[2]
    fits = []
    for z, y, x in zip(*(halved(pieces)[:PARTS] for pieces in images), strict=False):
        part: Trio = ([z], [y], [x])
        fits.append(_fit(target, image_curves((part[0],) * 3 if isotropic else part, groups), scale))
    return _log_error(fits)


def _log_error(fits: Sequence[tuple[float, float] | None]) -> float:
    known = [math.log(fit[0]) for fit in fits if fit is not None]
    if len(known) < max(2, len(fits) / 2):
        return math.inf
    return float(np.std(known, ddof=1)) / math.sqrt(len(known))
