"""Measuring one tile: its time, its memory and how well its labels compress, from which the whole is foretold."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesofuse.interfaces.method import Model
from mesofuse.streaming.compute import compute_tile, torch_threads_kept
from mesofuse.streaming.tiles import Tile
from mesofuse.volumes.grid import Triple
from mesofuse.volumes.labels import Labels


@dataclass(frozen=True)
class Probe:
    """What computing one tile took.

    Attributes:
        seconds: Time, once warm.
        base_bytes: Resident memory of the process beside it.
        tile_bytes: Memory that the tile held at its peak.
        stored: Bytes on disk a voxel, compressed as in the store.
    """

    seconds: float
    base_bytes: int
    tile_bytes: int
    stored: float


def probe_tile(model: Model, tile: Tile, shape: Triple, low_res: Labels | None, seed: int, device: str) -> Probe:
    """Compute a tile twice in a thread of its own, as a worker would, and say what the second time took."""
    result: dict[str, Any] = {}

    def work() -> None:
        try:
            compute_tile(model, tile, shape, low_res, seed)
            started = time.perf_counter()
            result["labels"] = compute_tile(model, tile, shape, low_res, seed)
            result["seconds"] = time.perf_counter() - started
        except BaseException as error:  # said where the probe was asked for, not in a thread that nobody watches
            result["error"] = error

    with torch_threads_kept(), _PeakWatch() as watch:
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    if "error" in result:
        raise result["error"]
    labels = result["labels"]
    held = max(watch.peak - watch.first, labels.nbytes)
    if device != "cpu":
        held = max(labels.nbytes * 4, held)
    return Probe(result["seconds"], watch.first, held, compressed(labels) / labels.size)


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
