"""Which threads of this process write below a folder: an interrupted run stops them, and waits until none does."""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_changed = threading.Condition()
_busy: Counter[str] = Counter()
_closed: set[str] = set()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write a file in the block.

    Args:
        path: The file, absolute.

    Raises:
        InterruptedError: If the run that writes below a folder of it has been given up.
    """
    text = str(path)
    with _changed:
        if any(_below(text, folder) for folder in _closed):
            raise InterruptedError(errno.EINTR, "the run that writes it has been given up", text)
        _busy[text] += 1
    try:
        yield
    finally:
        with _changed:
            _busy[text] -= 1
            if not _busy[text]:
                del _busy[text]
            _changed.notify_all()


def give_up(folder: Path) -> None:
    """Let no thread begin to write below a folder from now on, and wait for those that do."""
    text = str(folder.absolute())
    with _changed:
        _closed.add(text)
        _changed.wait_for(lambda: not any(_below(path, text) for path in _busy))


def reopen(folder: Path) -> None:
    """Let threads write below a folder again."""
    with _changed:
        _closed.discard(str(folder.absolute()))


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
