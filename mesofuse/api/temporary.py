"""The session's own files: arrays that were given, and results that have no place of their own."""

from __future__ import annotations

import atexit
import itertools
import re
import tempfile
from pathlib import Path

import numpy as np

from mesofuse.errors import UserError

_ROOT: list[tempfile.TemporaryDirectory[str]] = []
_NUMBERS = itertools.count(1)


def folder(name: str) -> Path:
    """Return a new folder's path, which does not exist yet; it is deleted when Python ends."""
    if not _ROOT:
        _ROOT.append(tempfile.TemporaryDirectory(prefix="mesofuse-"))
        atexit.register(_ROOT[0].cleanup)
    return Path(_ROOT[0].name) / f"{name}-{next(_NUMBERS)}"


def keep(array: np.ndarray, name: str) -> str:
    """Write an array to a file of the session and return its path.

    Raises:
        UserError: If it is no array of numbers.
    """
    if array.dtype.hasobject:
        kind = f"it holds {type(array.flat[0]).__name__} values" if array.size else "it is empty"
        raise UserError(f"The {name} is neither a file's path nor an array of whole numbers: {kind}.")
    place = folder(name)
    place.mkdir()
    path = place / f"{name}.npy"
    np.save(path, array, allow_pickle=False)
    return str(path)


def is_temporary(path: str | Path) -> bool:
    """Return whether a path belongs to the session."""
    return bool(_ROOT) and Path(path).is_relative_to(_ROOT[0].name)


def named(text: str) -> str:
    """Return a sentence in which the session's files are called arrays and results."""
    if not _ROOT:
        return text
    root = re.escape(_ROOT[0].name)
    text = re.sub(rf"{root}/[\w-]+/(\w+)\.npy", r"the \1's array", text)
    return re.sub(rf"{root}/([a-z]+)-\d+", r"the temporary \1", text)
