"""Shares of a scan's phases between its voxels, by trilinear interpolation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mesofuse.interfaces.method import TileInput
from mesofuse.volumes.grid import Region, Scale


def interpolated(tile: TileInput, scale: Scale, phases: int) -> Iterator[np.ndarray]:
    """Yield the share of each scan phase at the result's voxels of a tile: float32, ``core.scaled(scale).shape``.

    Voxel h of the result takes its share at (h + ½) / s − ½; beyond the volume its ends repeat. Ignored voxels have
    none.
    """
    assert tile.field is not None
    taps = [_taps(tile.core, tile.window, scale, axis) for axis in range(3)]
    for low in range(phases):
        share = (tile.field == low).astype(np.float32)
        for axis, (below, above, weight) in enumerate(taps):
            upper = share.take(above, axis)
            share = share.take(below, axis)
            upper *= weight
            share *= 1 - weight
            share += upper
        yield share


def _taps(core: Region, window: Region, scale: Scale, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, along one axis of the core's output, the window's voxels below and above, and the weight of above."""
    output = core.scaled(scale)
    position = (np.arange(output.start[axis], output.stop[axis]) + 0.5) / scale[axis] - 0.5
    below = np.floor(position)
    weight = (position - below).astype(np.float32).reshape(-1, *(1,) * (2 - axis))
    index = below.astype(np.intp) - window.start[axis]
    last = window.shape[axis] - 1
    return index.clip(0, last), (index + 1).clip(0, last), weight
