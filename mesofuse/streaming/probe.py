"""Measuring one tile: its time, its memory and how well its labels compress, from which the whole is foretold."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from mesofuse.interfaces.method import Model
from mesofuse.streaming.compute import compute_tile, torch_threads_kept
from mesofuse.streaming.tiles import Tile
from mesofuse.volumes.grid import Triple
from mesofuse.volumes.labels import Labels

REPEATS = 3
"""How often each worker of a probe computes its tile: the first time is slower, and memory settles."""


@dataclass(frozen=True)
class Probe:
    """What computing one tile took.

    Attributes:
        seconds: Time, once warm.
        base_bytes: Resident memory of the process without it.
        tile_bytes: Memory that the tile held at its peak.
        stored: Bytes on disk a voxel, compressed as in the store.
    """

    seconds: float
    base_bytes: int
    tile_bytes: int
    stored: float


def probe_tile(
    model: Model,
    tile: Tile,
    shape: Triple,
    low_res: Labels | None,
    seed: int,
    device: str,
    workers: int = 1,
    periodic: str = "",
) -> Probe:
    """Compute a tile a few times as the workers would, and say what it took.

    With several workers two compute it side by side, since each thread keeps memory of its own.
    """
    # A run loads these; what they hold belongs to the base.
    import dask.threaded  # noqa: F401
    import zarr  # noqa: F401

    seconds: list[float] = []
    made: list[np.ndarray] = []
    errors: list[BaseException] = []
    pair = min(workers, 2)

    def work() -> None:
        try:
            for _ in range(REPEATS):
                started = time.perf_counter()
                made[:] = [compute_tile(model, tile, shape, low_res, seed, periodic=periodic)]
                seconds.append(time.perf_counter() - started)
        except BaseException as error:  # said where the probe was asked for, not in a thread that nobody watches
            errors.append(error)

    with torch_threads_kept(), _PeakWatch() as watch:
        threads = [threading.Thread(target=work) for _ in range(pair)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    labels = made[0]
    held = max((watch.peak - watch.first) // pair, labels.nbytes)
    if device != "cpu":
        held = max(labels.nbytes * 4, held)
    return Probe(sorted(seconds)[len(seconds) // 2], watch.first, held, compressed(labels) / tile.output.size)


def compressed(labels: np.ndarray) -> int:
    """Return the bytes that labels take in a store, about."""
    from numcodecs import Zstd

    return len(Zstd(level=3).encode(np.ascontiguousarray(labels)))


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


class _PeakWatch:
    """Watches the process's resident memory from a thread of its own."""

    def __enter__(self) -> _PeakWatch:
        self.first = self.peak = resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            self.peak = max(self.peak, resident())

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.peak = max(self.peak, resident())
