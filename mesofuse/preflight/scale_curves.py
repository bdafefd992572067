"""Normalised autocovariance along the axes: of a scan, of images, and of images as a scan would see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mesofuse.preflight.autocovariance import indicator, line_covariance
from mesofuse.volumes.grid import Scale

MAX_LAGS = 48
MIN_EDGE = 8
Pieces = Sequence[np.ndarray]
Trio = tuple[Pieces, Pieces, Pieces]
Curves = dict[tuple[int, int], np.ndarray]
"""(number of the phase, axis) to the covariance at lags 0, 1, 2 … over that at 0; NaN where there is one phase only."""


def scan_curves(scan: Pieces, phases: Sequence[int]) -> Curves:
    """Return the curves of a scan's phases in its voxels, at most 48 and half a block."""
    curves: Curves = {}
    for number, phase in enumerate(phases):
        fields = [indicator(piece, [phase]) for piece in scan]
        curves |= {(number, axis): _normalised(fields, axis, MAX_LAGS) for axis in range(3)}
    return curves


def image_curves(images: Trio, groups: Sequence[Sequence[int]]) -> Curves:
    """Return the curves of groups of the images' phases in pixels, up to half an image.

    Along an axis of the volume it is the mean of the rows' or columns' curves of the images whose plane holds the axis.

    Args:
        images: Pieces of the images normal to axis 0, 1 and 2; the same list for isotropic material.
        groups: Labels that count as one phase.
    """
    isotropic = images[0] is images[1] is images[2]
    curves: Curves = {}
    for number, values in enumerate(groups):
        found: dict[int, list[np.ndarray]] = {0: [], 1: [], 2: []}
        for normal in range(1 if isotropic else 3):
            planes = [indicator(piece, values) for piece in images[normal]]
            for direction, axis in enumerate(a for a in range(3) if a != normal):
                curve = _normalised(planes, direction, max(p.shape[direction] for p in planes))
                for a in (0, 1, 2) if isotropic else (axis,):
                    found[a].append(curve)
        for axis, lines in found.items():
            curves[number, axis] = np.mean([line[: min(map(len, lines))] for line in lines], axis=0)
    return curves


def _normalised(fields: Sequence[np.ndarray], axis: int, lags: int) -> np.ndarray:
    mean = float(sum(float(f.sum(dtype=np.float64)) for f in fields) / sum(f.size for f in fields))
    longest = max(f.shape[axis] for f in fields)
    curve = line_covariance(fields, mean, axis, max(1, min(lags, longest // 2)))
    return curve / curve[0] if curve[0] > 0 else np.full(len(curve), np.nan)


class Degraded:
    """Curves of images as a scan shows them whose voxels hold the phase that fills most of them."""

    def __init__(self, images: Trio, groups: Sequence[Sequence[int]], rest: Sequence[int], scale: Scale) -> None:
        """Take the images, the phases to compare, the labels of all others that the scan shows, and the scale."""
        self._images, self._groups, self._rest, self._scale = images, groups, rest, scale
        self._known: dict[float, Curves] = {}

    def __call__(self, factor: float) -> Curves:
        """Return the curves in voxels of the scale times ``factor``; none where these are smaller than a pixel."""
        curves: Curves = {}
        for axis in range(3):
            edge = round(self._scale[axis] * factor, 6)
            if edge not in self._known:
                self._known[edge] = self._curves(edge)
            curves |= {key: curve for key, curve in self._known[edge].items() if key[1] == axis}
        return curves

    def _curves(self, edge: float) -> Curves:
        shortest = min(min(p.shape) for pieces in self._images for p in pieces)
        if edge < 1 or shortest / edge < MIN_EDGE:
            return {}
        groups = [*self._groups, self._rest] if self._rest else self._groups
        different = {id(pieces): pieces for pieces in self._images}
        seen = {key: [prevailing(p, groups, edge) for p in pieces] for key, pieces in different.items()}
        z, y, x = (seen[id(pieces)] for pieces in self._images)
        return image_curves((z, y, x), [[number] for number in range(len(self._groups))])


def prevailing(labels: np.ndarray, groups: Sequence[Sequence[int]], edge: float) -> np.ndarray:
    """Return, for squares of ``edge`` pixels (not only whole ones), the number of the group that fills most of each."""
    shares = [_averaged(_averaged(indicator(labels, values), edge).T, edge).T for values in groups]
    return np.asarray(np.argmax(np.stack(shares), axis=0), np.uint8)


def _averaged(rows: np.ndarray, edge: float) -> np.ndarray:
    """Average rows over windows of ``edge`` rows, from the first on; a window's cut rows count by their part."""
    count = int(len(rows) / edge + 1e-9)
    sums = np.zeros((len(rows) + 1, rows.shape[1]))
    np.cumsum(rows, axis=0, dtype=np.float64, out=sums[1:])
    ends = np.arange(count + 1) * edge
    whole = np.minimum(ends.astype(int), len(rows) - 1)
    at = sums[whole] + (ends - whole)[:, None] * rows[whole]
    return np.asarray(np.diff(at, axis=0) / edge)
