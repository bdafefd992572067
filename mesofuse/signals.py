"""SIGTERM, as a cluster or ``kill`` sends it, ends a command as Ctrl-C does: in order, and to be resumed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM: 128 and the signal's number."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came; all that cleans up after Ctrl-C cleans up after it too."""


@contextmanager
def terminating() -> Iterator[None]:
    """Let SIGTERM raise `Terminated` in the main thread for the time of the block; elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated


def exit_code(error: BaseException) -> int:
    """Return the exit code after an interrupt: `TERMINATED` where SIGTERM is among its causes."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Terminated):
            return TERMINATED
        seen = seen.__cause__ or seen.__context__
    return INTERRUPTED
