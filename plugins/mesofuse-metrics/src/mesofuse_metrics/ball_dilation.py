"""Which voxels lie within a ball around any of some centres, on rows of bits or by a distance transform."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Scale
from mesofuse_metrics.bit_rows import BitRows, moved

MOST_ROWS = 2500  # rows of a ball beyond which the distance transform, whose time does not grow, is quicker


def dilated(centres: np.ndarray, radii: Sequence[float], voxel_size: Scale, threads: int = 1) -> list[np.ndarray]:
    """Return for each radius the voxels whose centre lies nearer than it to a centre.

    Args:
        centres: Boolean array (z, y, x).
        radii: In the unit of ``voxel_size``.
        voxel_size: Edges of a voxel.
        threads: Threads of the distance transform, where that is used.

    Returns:
        uint64 words (z, y, words) a radius, as in `BitRows`; bits beyond a row mean nothing.
    """
    if math.pi * max(radii) ** 2 / (voxel_size[0] * voxel_size[1]) > MOST_ROWS:
        away = distance(~centres, voxel_size, threads)
        return [BitRows(away < radius).words for radius in radii]
    return [_by_rows(BitRows(centres).words, radius, voxel_size) for radius in radii]


def _by_rows(words: np.ndarray, radius: float, voxel_size: Scale) -> np.ndarray:
    """Put the balls together from their rows along x, all centres at once."""
    widths, reached = _widths(radius, voxel_size), 0
    out = np.zeros_like(words)
    for width in sorted(set(widths.values())):
        words, reached = _widened(words, reached, width), width
        for (dz, dy), own in widths.items():
            if own == width:
                (to_z, from_z), (to_y, from_y) = _overlap(dz, out.shape[0]), _overlap(dy, out.shape[1])
                out[to_z, to_y] |= words[from_z, from_y]
    return out


def distance(mask: np.ndarray, voxel_size: Scale, threads: int = 1) -> np.ndarray:
    """Return for each voxel of the mask how far the nearest voxel outside of it is; 0 outside."""
    try:
        import edt
    except ImportError as error:
        raise UserError(f"The metric 'local-thickness' needs the package edt, which is broken: {error}.") from None
    found: np.ndarray = edt.edt(mask, anisotropy=voxel_size, black_border=False, parallel=threads)
    return found


def _widths(radius: float, voxel_size: Scale) -> dict[tuple[int, int], int]:
    """Return for each row (dz, dy) of a ball of voxels how many voxels it reaches to either side along x."""
    z, y, x = voxel_size
    most_z, most_y = int(radius / z) + 1, int(radius / y) + 1
    widths = {}
    for dz in range(-most_z, most_z + 1):
        for dy in range(-most_y, most_y + 1):
            rest = radius**2 - (dz * z) ** 2 - (dy * y) ** 2
            if rest > 0:
                widths[dz, dy] = math.ceil(math.sqrt(rest) / x) - 1
    return widths


def _widened(words: np.ndarray, reached: int, width: int) -> np.ndarray:
    """Widen runs of bits, none shorter than 2 · ``reached`` + 1, until they have grown to ``width`` at either side."""
    while reached < width:
        step = min(width - reached, 2 * reached + 1)
        words = words | moved(words, step) | moved(words, -step)
        reached += step
    return words


def _overlap(by: int, n: int) -> tuple[slice, slice]:
    """Return where the layers of an axis of n go when they are moved, and where they come from."""
    return slice(min(n, max(0, by)), max(0, n + min(0, by))), slice(min(n, max(0, -by)), max(0, n - max(0, by)))
