"""How far a chain of layers reaches, followed from the output inwards through the same rules that the layers use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse_superres import windows

Step = Literal["conv", "transposed"] | tuple[Scale, Scale]
"""A 3³ convolution, a transposed convolution by 2, or an up-sampling between two grids."""

PERIOD = 32
"""Low-resolution voxels over which every alignment of a common non-integer scale occurs."""


def measure_halo(steps: Sequence[Step], scale: Scale) -> Triple:
    """Return the low-resolution voxels beyond its own that a voxel of output needs (z, y, x)."""
    worst = [0, 0, 0]
    for voxel in range(PERIOD):
        own = Region((voxel,) * 3, (voxel + 1,) * 3)
        want = own.scaled(scale)
        for step in reversed(steps):
            if step == "conv":
                want = windows.conv_needs(want)
            elif step == "transposed":
                want = windows.transposed_needs(want)
            else:
                want = windows.upsample_needs(want, *step)
        for axis in range(3):
            worst[axis] = max(worst[axis], voxel - want.start[axis], want.stop[axis] - voxel - 1)
    return (math.ceil(worst[0]), math.ceil(worst[1]), math.ceil(worst[2]))
