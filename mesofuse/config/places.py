"""Where the files are that a configuration names: written so that its folder can be moved, and given anew."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LEVELS = 2
"""A file is named relative to a folder where it lies in it, or in one of this many folders above it."""
INPUTS = ("low_res", "high_res")
NAMED = (*INPUTS, "start")
"""The fields that name files."""


def absolute(text: str) -> str:
    """Return a path that means the same from any folder; URLs stay."""
    return text if "://" in text else str(Path(text).absolute())


def named_from(text: str, folder: Path) -> str:
    """Return a path as a file in ``folder`` is to name it: relative where it lies near it, else absolute; URLs stay.

    Symbolic links are kept as they are.
    """
    if "://" in text:
        return text
    path, home = os.path.abspath(text), os.path.abspath(folder)
    try:
        found = Path(os.path.relpath(path, home))
    except ValueError:  # another drive
        return path
    ups = found.parts.count(os.pardir)
    above = Path(home).parts
    return found.as_posix() if ups <= LEVELS and ups < len(above) - 1 else path


def named_in(data: dict[str, Any], folder: Path, keys: tuple[str, ...] = NAMED) -> dict[str, Any]:
    """Return a configuration's plain values with the paths in some fields as a file in ``folder`` names them."""

    def near(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: near(path) for key, path in value.items()}
        return named_from(value, folder) if isinstance(value, str) else value

    return {key: near(value) if key in keys else value for key, value in data.items()}


def other_inputs(hashes: Mapping[str, str], recorded: Any) -> str:
    """Return which inputs are not those that a folder records, such as ``low_res``; nothing where it has no record.

    Args:
        hashes: Digests of the inputs that are given.
        recorded: What the folder records of its own.
    """
    if not isinstance(recorded, Mapping):
        return ""
    return ", ".join(sorted(key for key in {*recorded, *hashes} if recorded.get(key) != hashes.get(key)))
