"""MATLAB files: version 5 (and 4) through scipy, version 7.3 through h5py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats.hdf5 import read_matlab
from mesofuse.volumes.formats.inner_path import choose, split, squeezed
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.room import check_room

_BYTES = {
    "double": 8, "single": 4, "logical": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4,
    "int64": 8, "uint64": 8,
}  # fmt: skip
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ORDER = "its axes are taken as A(z, y, x): permute the array in MATLAB and save it anew if they are not"


def read(path: str) -> RawImage:
    """Read a file's one array, or the one that the path names (``file.mat:name``); the first of three axes is z.

    Raises:
        UserError: If it is not clear which array is meant, or h5py is needed and not installed.
        Exception: If the file is damaged: whatever scipy and h5py raise on damaged files.
    """
    file, _ = split(path)
    with open(file, "rb") as stream:
        head = stream.read(520)
    raw = read_matlab(path) if _HDF5 in (head[:8], head[512:]) else _version_5(path, file)
    return raw if raw.array.ndim < 3 else replace(raw, notes=(*raw.notes, _ORDER))


def _version_5(path: str, file: str) -> RawImage:
    from scipy.io import loadmat, whosmat

    try:
        held = whosmat(file, appendmat=False)
    except MemoryError:  # headers are small: a length in them is wrong
        raise UserError(f"{file} is damaged: a length in it goes far beyond its end.") from None
    shapes = {name: shape for name, shape, kind in held if kind in _BYTES}
    name, notes = choose(path, shapes, [name for name, _, kind in held if kind not in _BYTES])
    check_room(path, shapes[name], _BYTES[next(kind for n, _, kind in held if n == name)])
    array = loadmat(file, appendmat=False, variable_names=[name])[name]
    if not isinstance(array, np.ndarray) or array.dtype.hasobject:
        raise UserError(f"{path} is no plain array of numbers; an image of whole numbers is expected, one per phase.")
    return RawImage(squeezed(array), path, notes=notes)
