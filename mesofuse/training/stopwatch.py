"""Where the seconds of a training go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Add up the seconds of named parts; a part within another is counted by its own name alone.

    Args:
        device: Where the work runs. Work that was queued on a GPU is waited for at the bounds of parts, which makes
            the run a little slower.
        running: False measures nothing and waits for nothing.

    Attributes:
        seconds: Seconds by name, in the order in which the parts first began.
    """

    def __init__(self, device: str, running: bool = True) -> None:
        self.seconds: dict[str, float] = {}
        self._names: list[str] = []
        self._since = 0.0
        self._running = running
        self._device = device if device.startswith("cuda") else None

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time within the ``with`` block as this part."""
        if not self._running:
            yield
            return
        self._charge()
        self._names.append(name)
        self.seconds.setdefault(name, 0.0)
        try:
            yield
        finally:
            self._charge()
            self._names.pop()

    def rename(self, name: str) -> None:
        """Count what follows, up to the end of the present part, as another one."""
        if self._running and self._names:
            self._charge()
            self._names[-1] = name
            self.seconds.setdefault(name, 0.0)

    def _charge(self) -> None:
        """Give the time since the last bound to the part that is running."""
        if self._device is not None:
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        if self._names:
            self.seconds[self._names[-1]] += now - self._since
        self._since = now
