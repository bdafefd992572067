"""MetaImage (``.mhd`` with its data in another file, ``.mha`` in one), as ITK, ParaView, 3D Slicer and Fiji read it.

Source: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats import own_note
from mesofuse.volumes.grid import Scale
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import slabs
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.units import convert, understand

_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_LONGEST = 1 << 20
_SIZES, _ORIGINS = ("ElementSpacing", "ElementSize"), ("Offset", "Origin", "Position")
_KNOWN = {"millimeter": "mm", "centimeter": "cm"}  # units that the format has a name for, besides um


def read(path: str) -> RawImage:
    """Read a MetaImage of one channel, memory-mapped.

    Raises:
        UserError: If it is none, is compressed, has several channels, or its data are not as long as it says.
    """
    return read_header_of(path, None)


def beside(path: str) -> str | None:
    """Return the MetaImage header that lies next to a file of voxels and names it, or None."""
    for suffix in (".mhd", ".MHD"):
        header = str(Path(path).with_suffix(suffix))
        if Path(header).is_file() and Path(_fields(header)[0].get("ElementDataFile", "")).name == Path(path).name:
            return header
    return None


def read_header_of(header: str, data: str | None) -> RawImage:
    """Read the voxels that a header describes.

    Args:
        header: The file with the header.
        data: The file with the voxels, if the user named that one.

    Raises:
        UserError: As `read`.
    """
    fields, end = _fields(header)
    kind = _TYPES.get(fields.get("ElementType", ""))
    try:
        shape = tuple(reversed([int(n) for n in fields["DimSize"].split()]))
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        skip = int(fields.get("HeaderSize", "0"))
        place = fields["ElementDataFile"]
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{header} is not a MetaImage header that can be read: {error} is missing or no number."
        ) from None
    if kind is None or channels != 1 or len(shape) not in (2, 3) or min(shape) < 1:
        raise UserError(
            f"{header} describes {channels} channels of {fields.get('ElementType', 'no type')[:40]} and size "
            f"{' × '.join(map(str, shape))[:80]}; one channel of whole numbers with 2 or 3 axes is expected."
        )
    if fields.get("CompressedData", "False").lower() == "true":
        raise UserError(f"{header} holds compressed data; save it uncompressed, or as TIFF.")
    big = any(fields.get(k, "False").lower() == "true" for k in ("BinaryDataByteOrderMSB", "ElementByteOrderMSB"))
    dtype = np.dtype((">" if big else "<") + kind)
    file, start = (header, end) if place.upper() == "LOCAL" else (_data_file(header, place), 0)
    needed, size = int(np.prod(shape, dtype=object)) * dtype.itemsize, os.path.getsize(file)
    start = size - needed if skip == -1 else start + skip
    if start < 0 or start + needed != size:
        raise UserError(
            f"{file} has {size} bytes, but by {header} it holds {' × '.join(map(str, shape))} voxels of {dtype.name} "
            f"from byte {max(start, 0)} on, {needed} bytes: one of them is cut off or belongs to another file."
        )
    array = np.memmap(file, dtype, "r", offset=start, shape=shape)
    return RawImage(array, data or header, **_says(fields, shape))


def write(labels: Labels, path: str) -> None:
    """Write labels as one ``.mha`` file, slab by slab.

    Raises:
        UserError: If the name ends with ``.mhd``, which are two files.
    """
    if path.lower().endswith(".mhd"):
        raise UserError(
            "A .mhd has its voxels in a second file: export a .raw, which gets a .mhd next to it, or a .mha."
        )
    with open(path, "wb") as file:
        file.write(header_text(labels, "LOCAL").encode("ascii"))
        for _, slab in slabs(labels):
            file.write(np.ascontiguousarray(slab).tobytes())


def header_text(labels: Labels, data: str) -> str:
    """Return the header of labels whose voxels lie in the file ``data``; lines of our own keep exact grid and phases.

    MetaImage knows micrometres, millimetres and centimetres: other units are written as micrometres.
    """
    grid = labels.grid
    size, origin = list(grid.voxel_size), list(grid.origin)
    lines = ["ObjectType = Image", f"NDims = {len(grid.shape)}", f"DimSize = {_reversed(grid.shape)}"]
    if grid.known:
        unit = grid.unit if grid.unit in _KNOWN else "micrometer"
        size, origin = ([convert(v, grid.unit, unit) for v in values] for values in (size, origin))
        lines += [f"DistanceUnits = {_KNOWN.get(unit, 'um')}"]
    lines += [
        "ElementType = MET_UCHAR", "BinaryData = True", "BinaryDataByteOrderMSB = False",
        f"ElementSpacing = {_reversed(size)}", f"Offset = {_reversed(origin)}",
    ]  # fmt: skip
    note = own_note.note_of(labels)
    lines += [f"{own_note.KEY}{i} = [{part}]" for i, part in enumerate(textwrap.wrap(note, 200, drop_whitespace=False))]
    return "\n".join([*lines, f"ElementDataFile = {data}", ""])


def _fields(path: str) -> tuple[dict[str, str], int]:
    """Return the fields of a header, and where it ends.

    Raises:
        UserError: If the file is no MetaImage header.
    """
    fields: dict[str, str] = {}
    with open(path, "rb") as file:
        while "ElementDataFile" not in fields and file.tell() < _LONGEST:
            key, equals, value = file.readline(4096).decode("utf-8", "replace").partition("=")
            if not equals or key.strip() in fields:
                break
            fields[key.strip()] = value.strip()
        if "ElementDataFile" not in fields:
            raise UserError(f"{path} is not a MetaImage header: it has no ElementDataFile.")
        return fields, file.tell()


def _data_file(header: str, place: str) -> str:
    """Return the path of a header's data file, which lies next to it or below."""
    file = Path(header).parent / place
    if Path(place).is_absolute() or ".." in Path(place).parts or place.upper().startswith("LIST") or "%" in place:
        raise UserError(f"{header} has its data in {place[:60]!r}; one file next to the header is expected.")
    if not file.is_file():
        raise UserError(f"{header} has its data in {place[:60]!r}, which is not there.")
    return str(file)


def _says(fields: Mapping[str, str], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return size, unit, origin and phases."""
    sizes = next((_numbers(fields[k], len(shape)) for k in _SIZES if k in fields), None)
    unit = fields.get("DistanceUnits", "")
    said = understand(sizes or (None,) * 3, ("" if unit == "?" else unit,) * 3, shape[0] if len(shape) == 3 else 1)
    parts = [fields[f"{own_note.KEY}{i}"] for i in range(len(fields)) if f"{own_note.KEY}{i}" in fields]
    says = own_note.reconcile(said, own_note.parse("".join(part[1:-1] for part in parts)), shape)
    if said.unit is not None and "origin" not in says:
        origin = next((_numbers(fields[k], len(shape)) for k in _ORIGINS if k in fields), None)
        if origin is not None and np.isfinite(origin).all():
            says["origin"] = tuple(convert(v, said.unit, said.unit) for v in origin)
    return says


def _numbers(text: str, axes: int) -> Scale | None:
    """Return numbers for z, y, x; one along z, that no image has, is NaN in a size and so not said."""
    try:
        values = [float(v) for v in text.split()][::-1]
    except ValueError:
        return None
    if len(values) != axes:
        return None
    z, y, x = [float("nan")] * (3 - axes) + values
    return (z, y, x)


def _reversed(values: Sequence[float]) -> str:
    return " ".join(repr(v) for v in reversed(values))
