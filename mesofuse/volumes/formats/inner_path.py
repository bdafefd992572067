"""Arrays inside a file: ``file.npz:name``, ``file.mat:name``, ``file.h5:/group/name``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mesofuse.errors import UserError, nearest

SUFFIXES = (".npz", ".mat", ".h5", ".hdf5", ".hdf", ".nxs")
"""Endings of files that can hold several arrays."""
_MOST = 12  # names in a sentence


def split(path: str) -> tuple[str, str]:
    """Return the file and the name of the array inside it; the name is empty where the path has none.

    A colon counts only after the ending of a file that can hold several arrays, and where no file has the whole path
    for its name: drives, URLs and names with a colon stay as they are.
    """
    if "://" in path or Path(path).exists():
        return path, ""
    for i, letter in enumerate(path):
        if letter == ":" and path[:i].lower().endswith(SUFFIXES):
            return path[:i], path[i + 1 :]
    return path, ""


def choose(path: str, found: Mapping[str, Sequence[int]], other: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """Return the name of the array that a path means, the one it names or the only volume or image, and notes.

    Args:
        path: The path, perhaps with a name.
        found: Shape of each array of numbers.
        other: Names of what exists too, but is no array of numbers.

    Raises:
        UserError: If there is no such array, none that could be an image, or several; they are named.
    """
    file, inner = split(path)
    if inner:
        name = next((n for n in found if n.strip("/") == inner.strip("/")), None)
        if name is not None:
            return name, ()
        if any(n.strip("/") == inner.strip("/") for n in other):
            raise UserError(f"{path} is no plain array of numbers; an image of whole numbers is expected.")
        hint = nearest(inner, list(found)[: _MOST * 4])
        raise UserError(f"{file} holds no array {inner[:60]!r}.{hint}")
    solid = {n: s for n, s in found.items() if sum(k > 1 for k in s) >= 3} or {
        n: s for n, s in found.items() if len(s) >= 2 and min(s) > 0
    }
    if not solid:
        there = _listed(found) or ", ".join(map(repr, other[:_MOST])) or "nothing"
        raise UserError(f"{file} holds no array of numbers with two axes or more, but {there}.")
    if len(solid) > 1:
        first = next(iter(solid))
        raise UserError(
            f"{file} holds {len(solid)} arrays that could be meant ({_listed(solid)}); name one, as in {file}:{first}."
        )
    name = next(iter(solid))
    others = len(found) + len(other) - 1
    return name, (f"its array {name!r} is read, the only one that could be meant of {others + 1}",) if others else ()


def squeezed(array: np.ndarray) -> np.ndarray:
    """Return an array of more than three axes without those of length one, if three or fewer axes then remain."""
    kept = [n for n in array.shape if n > 1]
    if array.ndim <= 3 or len(kept) > 3:
        return array
    return array.reshape([1] * (2 - len(kept)) + kept)


def _listed(found: Mapping[str, Sequence[int]]) -> str:
    shown = [f"{name} {'×'.join(map(str, shape))}".strip() for name, shape in list(found.items())[:_MOST]]
    return ", ".join(shown) + (" …" if len(found) > _MOST else "")
