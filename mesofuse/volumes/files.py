"""Writing files so that nothing half-written is left: a temporary sibling takes the place of the old at the end."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from mesofuse.errors import UserError
from mesofuse.volumes.gate import give_up
from mesofuse.volumes.lock import alone, clear_dead, short_name

_TEMPORARY = re.compile(r"\.[0-9a-f]{8}\.(?P<kind>partial|old)\.(?P<name>.+)", re.DOTALL)


def remove(path: Path) -> None:
    """Delete a file or a folder with all it holds; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def discard(path: Path) -> None:
    """Delete a folder so that a kill leaves no half of it under its name, but what `recover` deletes."""
    if path.exists():
        aside = beside(path)
        path.rename(aside)
        remove(aside)


def check_free(path: Path, overwrite: bool) -> None:
    """Raise if an output exists that must not be replaced, or its folder can't be written.

    Raises:
        UserError: If ``path`` exists and ``overwrite`` is false, or it is not possible to write next to it.
    """
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists already; choose another name or add --overwrite to replace it.")
    parent = next((p for p in path.absolute().parents if p.exists()), Path("/"))
    if not parent.is_dir():
        raise UserError(f"{path} can't be written: {parent} is a file, not a folder.")
    if not os.access(parent, os.W_OK):
        raise UserError(f"{path} can't be written: the folder {parent} is not writable.")


def recover(folder: Path) -> None:
    """Undo what killed `replacing` blocks left in a folder: put back what was moved aside, delete what is half-written.

    Call it where nobody else writes in the folder, as under the lock on it.
    """
    if folder.is_dir():
        _undo([(left, found, folder / found["name"]) for left, found in _left_in(folder)])


def tidy(folder: Path) -> None:
    """Undo what killed writers left in a folder, their locks too; for whoever holds the lock on the folder itself."""
    recover(folder)
    clear_dead(folder)


def sweep(path: Path) -> None:
    """Undo what killed writers of ``path`` left next to it, as `recover` does; for whoever holds the lock on it."""
    _undo([(left, found, path) for left, found in _left_in(path.parent) if found["name"] in _tails(path)])


def _left_in(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    return [(folder / name, found) for name in os.listdir(folder) if (found := _TEMPORARY.fullmatch(name))]


def _undo(left: list[tuple[Path, re.Match[str], Path]]) -> None:
    for path, found, place in sorted(left, key=lambda entry: entry[1]["kind"]):  # what was moved aside first
        if found["kind"] == "old" and not os.path.lexists(place):
            path.rename(place)
        else:
            remove(path)


@contextmanager
def replacing(path: Path, *, overwrite: bool = True, busy: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """Give a temporary path next to ``path``; it takes the place of ``path`` when the block ends without an error.

    The temporary name ends like ``path``, so that writers which look at the suffix choose the same. What is written is
    on the disk, not only on its way there, before it takes its place. One process at a time replaces a path, and it
    first deletes what killed ones left.

    Args:
        path: What is to be written: a file, or a folder.
        overwrite: Whether to replace what another process wrote meanwhile.
        busy: Called before waiting for another process that replaces the same path.

    Raises:
        UserError: If something is there and ``overwrite`` is false.
    """
    with alone(path, busy) as held:
        if held:
            sweep(path)
        check_free(path, overwrite)
        temporary = beside(path)
        try:
            yield temporary
            sync(temporary)
            if path.is_dir() or temporary.is_dir():  # a folder can't be renamed over another
                old = beside(path, "old")
                if path.exists():
                    path.rename(old)
                temporary.rename(path)
                remove(old)
            else:
                temporary.replace(path)
            sync_entries(path.parent)
        except BaseException:
            give_up(temporary)  # threads that still write would bring it back
            raise
        finally:
            remove(temporary)


def left_beside(path: Path) -> list[Path]:
    """Return what killed writers of ``path`` left next to it, or running ones have there."""
    folder = path.absolute().parent
    return sorted(left for left, found in _left_in(folder) if found["name"] in _tails(path))


def beside(path: Path, kind: Literal["partial", "old"] = "partial") -> Path:
    """Return a temporary path next to ``path`` that `sweep` knows."""
    return path.with_name(f".{uuid.uuid4().hex[:8]}.{kind}.{short_name(path.name)}")


def own_name(path: Path) -> str:
    """Return the name that a path has, or is to have if it is a temporary one, without the endings of zarr volumes."""
    found = _TEMPORARY.fullmatch(path.name)
    name = found["name"] if found else path.name
    for ending in (".folder", ".zarr", ".zip", ".zarr"):
        name = name.removesuffix(ending)
    return name


def _tails(path: Path) -> tuple[str, ...]:
    """Return how temporary names of a path end: writers of a zip make a folder first, named after it."""
    name = short_name(path.name)
    return (name, f"{name}.zarr", f"{name}.folder")


def sync(path: Path) -> None:
    """Have the system put a file, or a folder with all it holds, on its disk, and wait until it is there."""
    if not path.is_dir():
        with open(path, "r+b") as file:
            os.fsync(file.fileno())
    elif not _sync_disk(path):
        for parent, _, names in os.walk(path):
            for name in names:
                sync(Path(parent, name))
            sync_entries(Path(parent))


def sync_entries(folder: Path) -> None:
    """Have the system put the names in a folder on its disk, where it can."""
    if os.name == "nt":
        return
    with suppress(OSError):  # a file system without it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync_disk(folder: Path) -> bool:
    """Sync the file system that a folder lies on, in one call however many files there are; False where none is.

    Syncing each of a thousand chunks waits a thousand times for the disk: on a laptop's, 50 times as long.
    """
    import ctypes

    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError, TypeError):  # not Linux
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(handle):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(folder))
    finally:
        os.close(handle)
    return True
