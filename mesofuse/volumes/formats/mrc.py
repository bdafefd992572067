"""MRC (``.mrc``, ``.rec``, ``.st``, ``.map``) of electron microscopes, read through mrcfile; voxel sizes in Å.

Source: https://www.ccpem.ac.uk/mrc-format/mrc2014/; unsigned bytes: https://bio3d.colorado.edu/imod/doc/mrc_format.txt
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats.optional import library
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.store.axes import Arrangement
from mesofuse.volumes.units import understand

_HEADER = 1024
_IMOD_STAMP, _SIGNED = 1146047817, 1
_AXES = {1: "x", 2: "y", 3: "z"}


def read(path: str) -> RawImage:
    """Read an image or a volume, memory-mapped, its axes by what the header says of columns, rows and sections.

    Raises:
        UserError: If mrcfile is not installed, it is a stack of volumes, or not as long as its header says.
        Exception: If the file is damaged: whatever mrcfile raises on a damaged header.
    """
    mrcfile = library("mrcfile", path)
    with mrcfile.open(path, "r", header_only=True) as mrc:
        header = mrc.header.copy()
    dtype = np.dtype(mrcfile.utils.data_dtype_from_header(header))
    shape = tuple(int(header[key]) for key in ("nz", "ny", "nx"))
    start, size = _HEADER + int(header["nsymbt"]), os.path.getsize(path)
    if min(shape) < 1 or start < _HEADER or start + math.prod(shape) * dtype.itemsize != size:
        raise UserError(
            f"{path} is compressed, cut off or damaged: by its header it holds {' × '.join(map(str, shape))} values of "
            f"{dtype.name} from byte {start} on, but it has {size} bytes."
        )
    if int(header["ispg"]) > 400:
        raise UserError(f"{path} is a stack of several volumes; save one of them alone.")
    if dtype == np.int8 and _unsigned(header):
        dtype = np.dtype(np.uint8)
    stored: np.ndarray = np.memmap(path, dtype, "r", offset=start, shape=shape)
    names = [_AXES.get(int(header[key]), "") for key in ("maps", "mapr", "mapc")]
    if sorted(names) != ["x", "y", "z"]:
        if any(int(header[key]) for key in ("maps", "mapr", "mapc")):
            raise UserError(f"{path} does not say which of its axes are x, y and z: its header is damaged.")
        names = ["z", "y", "x"]  # older programs leave them 0
    array = Arrangement.of([{"name": name} for name in names], path).applied(stored, path)
    said = understand(_lengths(header), ("Å",) * 3, array.shape[0])
    return RawImage(array, path, said.voxel_size, said.unit, size_notes=said.notes)


def _lengths(header: Any) -> list[float | None]:
    """Return the edge of a voxel along z, y, x in Å; None where the header leaves it 0."""
    lengths: list[float | None] = []
    for axis in "zyx":
        cell, count = float(header["cella"][axis]), int(header[f"m{axis}"])
        lengths.append(cell / count if count > 0 and cell > 0 else None)
    return lengths


def _unsigned(header: Any) -> bool:
    """Return whether IMOD wrote bytes that are unsigned, though the format's bytes are signed."""
    order = header["nx"].dtype.byteorder
    stamp, flags = np.frombuffer(header.tobytes()[152:160], np.dtype(np.int32).newbyteorder(order))
    return int(stamp) == _IMOD_STAMP and not int(flags) & _SIGNED
