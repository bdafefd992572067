"""How far a chain of layers reaches, followed from the output inwards through the same rules that the layers use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse_superres import windows

Step = Literal["conv"] | tuple[Literal["resize", "transposed"], Scale, Scale]
"""A 3³ convolution, or an up-sampling (linear or by a transposed convolution) between two grids."""

HORIZON = 2**17
"""Scan voxels along the longest axis that a halo is exact for."""


def measure_halo(steps: Sequence[Step], scale: Scale) -> Triple:
    """Return the scan voxels beyond its own that a voxel of output needs (z, y, x), exactly.

    Where the scale is no whole number, voxels of the two grids meet differently everywhere. What a layer needs begins
    the earlier, the earlier what it makes begins, and ends the later, the later that ends. So, whatever the layers, the
    most is needed before the voxel whose output begins earliest against its own start, and after the one whose output
    ends latest against its own end; these two are looked for.
    """
    found = [_extremes(s) for s in scale]
    first, last = (Region(v, (v[0] + 1, v[1] + 1, v[2] + 1)) for v in zip(*found, strict=True))
    before, after = (_needs(steps, own.scaled(scale)) for own in (first, last))
    z, y, x = (max(first.start[axis] - before.start[axis], after.stop[axis] - last.stop[axis], 0) for axis in range(3))
    return (z, y, x)


def _extremes(scale: float) -> tuple[int, int]:
    """Return the voxel whose output begins earliest relative to its start, and the one whose output ends latest."""
    if scale == int(scale):
        return 0, 0
    edges = np.arange(HORIZON + 1) * scale
    early = edges - np.floor(edges + 1e-6)  # as grid.scaled_edge does
    return int(early[:-1].argmax()), int(early[1:].argmin())


def _needs(steps: Sequence[Step], want: Region) -> Region:
    for step in reversed(steps):
        if step == "conv":
            want = windows.conv_needs(want)
        else:
            kind, coarse, fine = step
            if kind == "transposed":
                want = windows.transposed_needs(want, strides(coarse, fine))
            else:
                want = windows.upsample_needs(want, coarse, fine)
    return want


def strides(before: Scale, after: Scale) -> Triple:
    """Return by how much a transposed convolution between two grids multiplies each axis."""
    z, y, x = (round(b / a) for a, b in zip(before, after, strict=True))
    return (z, y, x)
