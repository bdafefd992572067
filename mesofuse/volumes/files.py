"""Writing files so that nothing half-written is left: a temporary sibling takes the place of the old at the end."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesofuse.errors import UserError


def remove(path: Path) -> None:
    """Delete a file or a folder with all it holds; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_free(path: Path, overwrite: bool) -> None:
    """Raise if an output exists that must not be replaced, or its folder can't be written.

    Raises:
        UserError: ``path`` exists and ``overwrite`` is false, or it is not possible to write beside it.
    """
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists already; choose another name or add --overwrite to replace it.")
    parent = next((p for p in path.absolute().parents if p.exists()), Path("/"))
    if not parent.is_dir():
        raise UserError(f"{path} can't be written: {parent} is a file, not a folder.")
    if not os.access(parent, os.W_OK):
        raise UserError(f"{path} can't be written: the folder {parent} is not writable.")


_LEFT = re.compile(r"\.[0-9a-f]{8}\.(partial|old)\.(.+)", re.DOTALL)


def recover(folder: Path) -> None:
    """Undo what killed `replacing` blocks left in a folder: put back what was moved aside, delete what is half-written.

    Call it where nobody else writes in the folder, as under the lock on it.
    """
    if not folder.is_dir():
        return
    left = [(p, found) for p in folder.iterdir() if (found := _LEFT.fullmatch(p.name))]
    for path, found in sorted(left, key=lambda entry: entry[1][1]):  # what was moved aside first
        place = folder / found[2]
        if found[1] == "old" and not place.exists():
            path.rename(place)
        else:
            remove(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; it takes the place of ``path`` when the block ends without an error.

    The temporary name ends like ``path``, so that writers which look at the suffix choose the same.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.partial.{path.name}")
    try:
        yield temporary
        if path.is_dir() or temporary.is_dir():  # a folder can't be renamed over another
            old = path.with_name(f".{uuid.uuid4().hex[:8]}.old.{path.name}")
            if path.exists():
                path.rename(old)
            temporary.rename(path)
            remove(old)
        else:
            temporary.replace(path)
    finally:
        remove(temporary)
