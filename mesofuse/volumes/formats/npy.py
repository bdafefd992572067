"""NumPy arrays: memory-mapped when read, streamed when written; pickled objects are never loaded."""

from __future__ import annotations

import os
import re

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import slabs
from mesofuse.volumes.raw import RawImage


def read(path: str) -> RawImage:
    """Read an npy file of 2 or 3 axes (a last axis of 3 or 4 after two others is not taken for colour).

    Raises:
        UserError: If it is not a plain npy file of numbers, or its length is not what its header says.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # numpy's parser of the header raises nearly anything on a damaged one
        reason = (
            "holds pickled objects, which are never loaded"
            if re.search("pickle|object", str(error).lower()) and _is_npy(path)
            else "is damaged or not an npy file"
        )
        raise UserError(f"{path} {reason}.") from error
    if not isinstance(array, np.memmap):
        raise UserError(f"{path} is an archive of arrays (npz); save the one array as .npy.")
    if array.dtype.kind not in "biufc":
        raise UserError(f"{path} holds values of the type {_short(array.dtype)}; an array of numbers is expected.")
    whole, size = array.offset + array.nbytes, os.path.getsize(path)
    if whole != size:
        raise UserError(
            f"{path} is damaged, or holds more than one array: by its header it ends at byte {whole}, but it has "
            f"{size}."
        )
    return RawImage(array, path)


def _short(dtype: np.dtype) -> str:
    text = str(dtype)
    return text if len(text) < 80 else f"{text[:77]}…"


def write(labels: Labels, path: str) -> None:
    """Write labels as a uint8 array (z, y, x), slab by slab; npy can't hold a voxel size."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=labels.grid.shape)
    for region, slab in slabs(labels):
        array[region.slices] = slab
    array.flush()


def _is_npy(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(6) == b"\x93NUMPY"
