"""NumPy archives of arrays (``.npz``), one of which is read; pickled objects are never loaded."""

from __future__ import annotations

import zipfile
from typing import NamedTuple

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats.inner_path import choose, split, squeezed
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.room import check_room

_MOST = 1000


class _Header(NamedTuple):
    shape: tuple[int, ...]
    dtype: np.dtype


def read(path: str) -> RawImage:
    """Read an archive's one array, or the one that the path names (``file.npz:name``).

    Raises:
        UserError: If it is not clear which array is meant, or an array is not as long as its header says.
        Exception: If the file is damaged: whatever zipfile and numpy raise on damaged files.
    """
    file, _ = split(path)
    with zipfile.ZipFile(file) as archive:
        headers, other = _headers(archive, file)
    name, notes = choose(path, {n: header.shape for n, header in headers.items()}, other)
    check_room(path, headers[name].shape, headers[name].dtype.itemsize)
    with np.load(file, allow_pickle=False) as arrays:
        return RawImage(squeezed(arrays[name]), path, notes=notes)


def _headers(archive: zipfile.ZipFile, file: str) -> tuple[dict[str, _Header], list[str]]:
    """Return shape and type of each array of numbers, and the names of what else there is; no values are read.

    Raises:
        UserError: If a header promises more values than there are.
    """
    members = archive.infolist()
    if len(members) > _MOST:
        raise UserError(f"{file} holds {len(members)} files, which is no archive of a few arrays.")
    found: dict[str, _Header] = {}
    other: list[str] = []
    for member in members:
        name = member.filename.removesuffix(".npy")
        with archive.open(member) as stream:
            if stream.read(6) != np.lib.format.MAGIC_PREFIX:
                other.append(name)
                continue
            first = stream.read(2)[0] == 1
            header = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(stream)
            held = member.file_size - stream.tell()
        if dtype.hasobject or dtype.kind not in "biufc":
            other.append(name)
            continue
        needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if needed != held:
            raise UserError(f"{file} is damaged: its array {name!r} should take {needed} bytes, but takes {held}.")
        found[name] = _Header(shape, dtype)
    return found, other
