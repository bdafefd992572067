"""What a zarr array's metadata may claim before any work is done for it: voxels, and chunks that fit in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mesofuse.errors import UserError

if TYPE_CHECKING:
    import zarr

MOST_UNITS = 1 << 24
"""Files of an array; 64³ voxels each, they are a volume of 16,384³."""
ROOM = 1 << 24
"""Bytes that a stored chunk may take beyond eight times its array's voxels."""


def check_array(array: zarr.Array[Any], path: str) -> None:
    """Refuse an array that can't be read in bounded time and memory, and bound what its store reads at once.

    Args:
        array: The array; only its metadata are looked at.
        path: Of the volume, for the message.

    Raises:
        UserError: If an axis or a chunk has no voxel, there are more chunks than a volume can have, or a chunk is
            larger than the memory.
    """
    import psutil

    shape, chunk = tuple(map(int, array.shape)), tuple(map(int, array.chunks))
    unit = tuple(map(int, array.shards or chunk))
    name = f"the array {array.path!r} of {path}" if array.path else f"the array {path}"
    if min(shape, default=1) < 1:
        raise UserError(f"{name} has the shape {shape}, so there is no voxel in it.".replace("the", "The", 1))
    if min((*chunk, *unit), default=1) < 1:
        raise UserError(f"{name} has chunks of {min(chunk, unit)}, which hold no voxel.".replace("the", "The", 1))
    units = math.prod(-(-n // u) for n, u in zip(shape, unit, strict=True))
    if units > MOST_UNITS:
        raise UserError(
            f"The metadata of {name} claim {math.prod(shape):.3g} voxels in {units:.3g} chunks or shards, but at most "
            f"{MOST_UNITS:,} can be worked through; store it in larger chunks, or correct its zarr.json."
        )
    held = math.prod(chunk) * array.dtype.itemsize
    if held > psutil.virtual_memory().available:
        raise UserError(
            f"The metadata of {name} claim chunks of {chunk}, {held:.3g} bytes each, more than there is memory; store "
            "it in smaller chunks, or correct its zarr.json."
        )
    store: Any = array.store
    store.largest = ROOM + 8 * math.prod(shape) * array.dtype.itemsize
