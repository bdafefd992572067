"""A lock on an output, so that two runs do not write it at once; a kill ends its claim."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST = 200
"""Bytes of a name that get a prefix of their own and still are a name; file systems take 255."""


@contextmanager
def alone(place: Path, busy: Callable[[], None]) -> Iterator[bool]:
    """Wait until no other process or thread of this machine holds the lock on ``place``, and hold it for the block.

    The lock is a hidden file next to ``place``, which need not exist; it is deleted at the end. Where the system or the
    file system has no such locks, nothing is waited for.

    Args:
        place: The file or folder that is to be written.
        busy: Called once if another one holds the lock, before waiting for it.

    Yields:
        Whether the lock is held, so that whatever other writers left next to ``place`` is dead.
    """
    if os.name == "nt":
        yield False
        return
    place = place.absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    path = place.with_name(f".{short_name(place.name)}.lock")
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        held = False
        try:
            with suppress(OSError):  # a file system without locks
                _claim(file, busy)
                held = True
            if _same_file(file, path):
                break
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # whoever held it has deleted the file that was waited for: there is a new one to claim
    try:
        yield held
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def clear_dead(folder: Path) -> None:
    """Delete the locks in a folder that killed processes left; those that are held stay."""
    if os.name == "nt":
        return
    import fcntl

    for path in folder.glob(".*.lock"):
        with suppress(OSError):
            file = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            finally:
                os.close(file)


def short_name(name: str) -> str:
    """Return a file's name, or where a prefix would make it too long, a name of its hash and its ending."""
    raw = os.fsencode(name)
    if len(raw) <= LONGEST:
        return name
    return hashlib.sha256(raw).hexdigest()[:16] + Path(name).suffix[:32]


def _claim(file: int, busy: Callable[[], None]) -> None:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        busy()
        fcntl.flock(file, fcntl.LOCK_EX)


def _same_file(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
