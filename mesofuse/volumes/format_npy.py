"""NumPy arrays: memory-mapped when read, streamed when written; pickled objects are never loaded."""

from __future__ import annotations

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import slabs
from mesofuse.volumes.raw import RawImage


def read(path: str) -> RawImage:
    """Read an npy file of 2 or 3 axes (a last axis of 3 or 4 after two others is not taken for colour).

    Raises:
        UserError: It is not a plain npy file, or cut off.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        reason = (
            "holds pickled objects, which are never loaded"
            if "pickle" in str(error).lower() and _is_npy(path)
            else "is damaged or not an npy file"
        )
        raise UserError(f"{path} {reason}.") from error
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path} is an archive of arrays (npz); save the one array as .npy.")
    return RawImage(array, path)


def write(labels: Labels, path: str) -> None:
    """Write labels as a uint8 array (z, y, x), slab by slab; npy can't hold a voxel size."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=labels.grid.shape)
    for region, slab in slabs(labels):
        array[region.slices] = slab
    array.flush()


def _is_npy(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(6) == b"\x93NUMPY"
