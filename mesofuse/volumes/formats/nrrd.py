"""NRRD (``.nrrd``, ``.nhdr``): spacings, space directions and units of its axes; labels written with raw encoding.

Source: https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import bz2
import gzip
import math
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats import own_note
from mesofuse.volumes.formats.inner_path import squeezed
from mesofuse.volumes.formats.optional import library
from mesofuse.volumes.grid import SYMBOLS
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import slabs
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.room import check_room
from mesofuse.volumes.units import Said, understand

_LONGEST = 1 << 20
_WORDS = {
    "i1": "signed char|int8", "u1": "uchar|unsigned char|uint8", "i2": "short|signed short|int16",
    "u2": "ushort|unsigned short|uint16", "i4": "int|signed int|int32", "u4": "uint|unsigned int|uint32",
    "i8": "longlong|long long|signed long long|int64", "u8": "ulonglong|unsigned long long|uint64",
    "f4": "float", "f8": "double",
}  # fmt: skip
_TYPES = {word: kind for kind, words in _WORDS.items() for word in words.split("|")}
_SPACE = ("domain", "space", "???", "none")
_COLOUR = ("RGB-color", "RGBA-color", "3-color", "4-color")


def read(path: str) -> RawImage:
    """Read an image of two or three axes; of raw encoding it is memory-mapped.

    Raises:
        UserError: If pynrrd is not installed, the data are not as long as the header says, or there are more axes.
        Exception: If the file is damaged: whatever pynrrd raises on a header that is malformed.
    """
    with open(path, "rb") as file:
        header = library("nrrd", path).read_header(_lines(file, path))
        sizes = [int(n) for n in header["sizes"]]
        dtype = _dtype(header, path)
        if not sizes or min(sizes) < 1 or len(sizes) != header["dimension"]:
            raise UserError(f"{path} is damaged: its sizes are {sizes[:8]} in {header['dimension']} dimensions.")
        check_room(path, sizes, dtype.itemsize)
        place = header.get("data file", header.get("datafile"))
        if place is None:
            array = _values(file, path, header, sizes[::-1], dtype)
        else:
            beside = _beside(path, str(place))
            with open(beside, "rb") as data:
                array = _values(data, beside, header, sizes[::-1], dtype)
    spatial = _spatial(header, sizes, path)
    color = len(spatial) < len(sizes) and str(header["kinds"][0]) in _COLOUR
    shape = [sizes[i] for i in reversed(spatial)] + ([sizes[0]] if color else [])
    array = array.reshape(shape)
    if not color:
        array = squeezed(array)
    if array.ndim - color not in (2, 3):
        raise UserError(f"{path} has {array.ndim} axes (shape {array.shape}); an image has 2 and a volume 3.")
    planes = array.shape[0] if array.ndim - color == 3 else 1
    said, notes = _size(header, spatial, planes)
    says = own_note.reconcile(
        said, own_note.parse(str(header.get(own_note.KEY, ""))), array.shape[: array.ndim - color]
    )
    return RawImage(array, path, color=color, notes=notes, **says)


def write(labels: Labels, path: str) -> None:
    """Write labels as uint8, slab by slab; a key of our own keeps the exact grid and the phases' names and colours."""
    grid = labels.grid
    x, y, z = (float(v) for v in reversed(grid.voxel_size))
    lines = ["NRRD0005", "type: uint8", "dimension: 3", f"sizes: {' '.join(map(str, reversed(grid.shape)))}"]
    if grid.known:
        unit = {"micrometer": "um", "angstrom": "angstrom"}.get(grid.unit, SYMBOLS[grid.unit])
        lines += [
            "space dimension: 3", f"space directions: ({x!r},0,0) (0,{y!r},0) (0,0,{z!r})",
            f"space origin: ({','.join(repr(float(v)) for v in reversed(grid.origin))})",
            "space units: " + " ".join([f'"{unit}"'] * 3),
        ]  # fmt: skip
    else:
        lines += [f"spacings: {x!r} {y!r} {z!r}"]
    lines += ["kinds: domain domain domain", "encoding: raw", f"{own_note.KEY}:={own_note.note_of(labels)}"]
    with open(path, "wb") as file:
        file.write(("\n".join(lines) + "\n\n").encode("ascii"))
        for _, slab in slabs(labels):
            file.write(np.ascontiguousarray(slab).tobytes())


def _lines(file: IO[bytes], path: str) -> list[str]:
    """Return the lines of the header, and leave the file at the first byte after it.

    Raises:
        UserError: If it is no NRRD file, or its header has no end.
    """
    lines: list[str] = []
    while file.tell() < _LONGEST:
        line = file.readline(_LONGEST)
        if not lines and not line.startswith(b"NRRD"):
            raise UserError(f"{path} is not a NRRD file: it does not begin with NRRD.")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = line.decode("cp1252", "replace")
        lines.append(text.rstrip())
        if not lines[-1]:
            return lines
    raise UserError(f"{path} is damaged: its header has no end.")


def _dtype(header: dict[str, Any], path: str) -> np.dtype:
    """Return the type of a value.

    Raises:
        UserError: If it is not known, or its byte order is not said.
    """
    word = " ".join(str(header["type"]).split())
    kind = _TYPES.get(word) or _TYPES.get(word.removesuffix(" int").removesuffix("_t"))
    if kind is None:
        raise UserError(f"{path} holds values of the type {word[:40]!r}; whole numbers are expected.")
    dtype = np.dtype(kind)
    order = {"little": "<", "big": ">"}.get(str(header.get("endian")).lower())
    if dtype.itemsize > 1 and order is None and header["encoding"] not in ("ascii", "text", "txt"):
        raise UserError(f"{path} does not say the byte order of its values (endian).")
    return dtype.newbyteorder(cast(Any, order or "<"))


def _values(file: IO[bytes], path: str, header: dict[str, Any], shape: list[int], dtype: np.dtype) -> np.ndarray:
    """Return the values, slowest axis first.

    Raises:
        UserError: If they are not as many as the header says, or in an encoding that is not known.
    """
    needed = math.prod(shape) * dtype.itemsize
    encoding = str(header["encoding"]).lower()
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    for _ in range(min(int(header.get("line skip", header.get("lineskip", 0))), 1 << 20)):
        file.readline()
    if encoding == "raw":
        start = file.tell() + skip if skip >= 0 else file.seek(0, 2) - needed
        held = file.seek(0, 2) - start
        if start < 0 or held != needed:
            raise UserError(f"{path} is cut off or damaged: it holds {held} bytes of voxels, but should {needed}.")
        return np.memmap(path, dtype, "r", offset=start, shape=tuple(shape))
    if encoding in ("ascii", "text", "txt"):
        array = np.array(file.read().split(), dtype)
    elif encoding in ("gzip", "gz", "bzip2", "bz2"):
        unpacked = cast(IO[bytes], gzip.GzipFile(fileobj=file) if encoding.startswith("g") else bz2.BZ2File(file))
        if skip > 0:
            unpacked.read(min(skip, 1 << 30))
        array = np.frombuffer(_exactly(unpacked, needed, path), dtype)
    else:
        raise UserError(f"{path} has the encoding {encoding[:40]!r}; raw, gzip, bzip2 and ascii are read.")
    if array.size != math.prod(shape):
        raise UserError(f"{path} is cut off or damaged: it holds {array.size} voxels, but should {math.prod(shape)}.")
    return array.reshape(shape)


def _exactly(file: IO[bytes], needed: int, path: str) -> bytearray:
    """Read so many bytes, and no more than that into memory."""
    found = bytearray()
    while len(found) <= needed and (part := file.read(min(1 << 24, needed + 1 - len(found)))):
        found += part
    if len(found) != needed:
        more = "more" if len(found) > needed else f"{len(found)}"
        raise UserError(f"{path} is cut off or damaged: it holds {more} bytes of voxels, but should {needed}.")
    return found


def _beside(path: str, place: str) -> str:
    """Return the file with the data of a detached header, which lies next to it or below."""
    file = Path(path).parent / place
    if Path(place).is_absolute() or ".." in Path(place).parts or place.startswith("LIST") or "%" in place:
        raise UserError(f"{path} has its data in {place[:60]!r}; one file next to the header is expected.")
    if not file.is_file():
        raise UserError(f"{path} has its data in {place[:60]!r}, which is not there.")
    return str(file)


def _spatial(header: dict[str, Any], sizes: list[int], path: str) -> list[int]:
    """Return which axes are of space, fastest first; others must have one place alone, or be colours that come first.

    Raises:
        UserError: If there are channels, times … besides them.
    """
    kinds = [str(kind) for kind in header.get("kinds", [])]
    if len(kinds) != len(sizes):
        return list(range(len(sizes)))
    spatial = [i for i, kind in enumerate(kinds) if kind in _SPACE]
    more = [i for i in range(len(sizes)) if i not in spatial and sizes[i] > 1]
    if more == [0] and kinds[0] in _COLOUR and sizes[0] in (3, 4):
        return spatial
    if more:
        listed = ", ".join(f"{kinds[i][:20]} = {sizes[i]}" for i in more)
        raise UserError(f"{path} has more axes than a volume ({listed}): save one channel at one time.")
    return spatial


def _size(header: dict[str, Any], spatial: list[int], planes: int) -> tuple[Said, tuple[str, ...]]:
    """Return the voxel size, from the lengths of the space directions or the spacings, and notes."""
    directions, spacings = header.get("space directions"), header.get("spacings")
    notes: tuple[str, ...] = ()
    units: list[str | None] = [str(u) for u in header.get("units", [])]
    if directions is not None and len(directions) > max(spatial, default=-1):
        rows = np.asarray([np.asarray(directions[i], float).ravel() for i in spatial])
        sizes = [float(np.linalg.norm(row)) for row in rows]
        own = [units[i] for i in spatial if i < len(units)]
        units = [str(u) for u in header.get("space units", [])] or own
        along = [int(np.argmax(np.abs(row))) for row in rows]
        turned = any(abs(abs(row[a]) - s) > 1e-3 * s for row, a, s in zip(rows, along, sizes, strict=True))
        if turned or along != sorted(along):
            notes = ("its axes are turned in space; they are taken as they are stored, the slowest as z",)
    elif spacings is not None and len(spacings) > max(spatial, default=-1):
        sizes = [float(spacings[i]) for i in spatial]
        units = [units[i] for i in spatial if i < len(units)]
    else:
        return Said(), ()
    lengths: list[float | None] = [*sizes, None, None, None]
    words: list[str | None] = [*units, None, None, None]
    return understand(lengths[2::-1], words[2::-1], planes), notes
