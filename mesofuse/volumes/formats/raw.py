"""Headerless volumes: bytes of voxels, x fastest; what they mean is given, or lies in a MetaImage header."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats import metaimage
from mesofuse.volumes.grid import Triple
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import slabs
from mesofuse.volumes.raw import RawImage

_TYPES = (
    "uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32 or float64, with > before it where the most "
    "significant byte comes first, as in >uint16"
)


def read(path: str) -> RawImage:
    """Read a headerless file by the MetaImage header (``NAME.mhd``) next to it.

    Raises:
        UserError: If there is no header; the sentence says how to import the file.
    """
    header = metaimage.beside(path)
    if header is not None:
        return metaimage.read_header_of(header, path)
    size = os.path.getsize(path)
    raise UserError(
        f"{path} has no header that says its shape, but {size} bytes: import it with `mesofuse import {path} "
        f"{Path(path).stem}.zarr --shape Z,Y,X --dtype TYPE`{_guess(path, size)}."
    )


def read_headerless(path: str, shape: Triple, dtype: str | None = None, header_bytes: int = 0) -> RawImage:
    """Read a headerless file as the user describes it, memory-mapped.

    Args:
        path: The file.
        shape: Voxels along z, y, x; x is fastest.
        dtype: Type of a value (see `parse_dtype`); left out, the file must have one byte a voxel, taken as uint8.
        header_bytes: Bytes before the first voxel.

    Raises:
        UserError: If there is no such file, or its size is not that of the voxels.
    """
    if not Path(path).is_file():
        raise UserError(f"{path} is not a file." if Path(path).exists() else f"{path} does not exist.")
    size, voxels = os.path.getsize(path), math.prod(shape)
    if not 0 <= header_bytes < max(size, 1):
        raise UserError(f"{path} has {size} bytes, so {header_bytes} of them can't be skipped.")
    held = size - header_bytes
    if dtype is None:
        if held != voxels and held % voxels == 0 and held // voxels in (2, 4, 8):
            raise UserError(f"{path} has {held // voxels} bytes a voxel: say their type with --dtype: {_TYPES}.")
        dtype = "uint8"
    kind = parse_dtype(dtype)
    if held != voxels * kind.itemsize:
        after = f" after the {header_bytes} that are skipped" if header_bytes else ""
        raise UserError(
            f"{path} has {held} bytes{after}, but {' × '.join(map(str, shape))} voxels of {kind.name} take "
            f"{voxels * kind.itemsize}: check --shape (z,y,x), --dtype and --header-bytes{_guess(path, held)}."
        )
    return RawImage(np.memmap(path, kind, "r", offset=header_bytes, shape=shape), path)


def parse_dtype(text: str) -> np.dtype:
    """Return a type of numbers from ``uint8``, ``>u2``, ``<float32`` …; without a sign it is little-endian.

    Raises:
        UserError: If it is no type of numbers.
    """
    order, name = (text[0], text[1:]) if text[:1] in "<>" and text else ("<", text)
    try:
        kind = np.dtype(name.strip().lower())
    except (TypeError, ValueError, SyntaxError):
        kind = np.dtype(object)
    if kind.kind not in "iuf" or kind.shape or len(text) > 12:
        raise UserError(f"{text[:40]!r} is not a type that voxels can have: use {_TYPES}.")
    return kind.newbyteorder("<" if order == "<" else ">")


def write(labels: Labels, path: str) -> None:
    """Write labels as bytes, x fastest, slab by slab; `mesofuse.volumes.formats.catalogue` writes the header.

    Raises:
        OSError: If the place can't be written.
    """
    with open(path, "wb") as file:
        for _, slab in slabs(labels):
            file.write(np.ascontiguousarray(slab).tobytes())


def _guess(path: str, size: int) -> str:
    """Return what may be meant, by three numbers in the file's name or the size of a cube; empty where nothing fits."""
    named = re.search(r"(\d+)[x×_-](\d+)[x×_-](\d+)", Path(path).name)
    bits = re.search(r"(uint|int|float)(8|16|32|64)|\b(8|16|32)[ _-]?bit", Path(path).name)
    for kind in ("uint8", "uint16", "float32") if bits is None or not bits[1] else (bits[1] + bits[2],):
        item = np.dtype(kind).itemsize
        if named and math.prod(map(int, named.groups())) * item == size:
            x, y, z = named.groups()
            return f" (by its name perhaps --shape {z},{y},{x} --dtype {kind})"
        edge = round((size / item) ** (1 / 3))
        if edge > 1 and edge**3 * item == size:
            return f" (perhaps {edge},{edge},{edge} of {kind})"
    return ""
