"""What a generation will take, said before any work: tiles, memory, disk and time."""

from __future__ import annotations

import math
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import Model
from mesofuse.streaming.compute import compute_tile, default_workers, torch_threads_kept
from mesofuse.streaming.tiles import Tile, Tiling
from mesofuse.volumes.grid import Region, Triple, scaled_edge
from mesofuse.volumes.labels import Labels

DISK_MARGIN = 1.25
"""How much more disk than estimated must be free; a probe tile may compress better than the rest."""


@dataclass(frozen=True)
class Plan:
    """What a generation will take.

    Attributes:
        shape: Output voxels along z, y, x.
        chunk: Output voxels of the smallest piece that is written at once.
        tiles: Tiles to compute.
        tile: Output voxels of a whole tile.
        workers: Tiles in flight.
        tile_bytes: Memory that one tile in flight holds at its peak, measured on one.
        peak_bytes: Resident memory at the peak of the run.
        disk_bytes: Space that the output takes, from how well the measured tile compressed.
        scratch_bytes: Space taken while running, where tiles and chunks don't align.
        seconds: Time, from the measured tile.
        aligned: Whether tiles are written straight into the output.
    """

    shape: Triple
    chunk: Triple
    tiles: int
    tile: Triple
    workers: int
    tile_bytes: int
    peak_bytes: int
    disk_bytes: int
    scratch_bytes: int
    seconds: float
    aligned: bool

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return asdict(self)


def is_aligned(tiling: Tiling, region: Region, unit: Sequence[int]) -> bool:
    """Whether every tile, cut to the region, is made of whole write units of an output that begins at the region."""
    return all(
        (edge - region.start[axis]) % unit[axis] == 0
        for axis in range(3)
        for edge in (_edge(tiling, axis, t) for t in range(1, tiling.counts[axis]))
        if region.start[axis] < edge < region.stop[axis]
    )


def _edge(tiling: Tiling, axis: int, index: int) -> int:
    """Return the high-resolution voxel at which the tile of this index begins along an axis."""
    return scaled_edge(min(tiling.shape[axis], index * tiling.edge[axis]), tiling.scale[axis])


def make_plan(
    model: Model,
    low_res: Labels | None,
    shape: Triple,
    *,
    region: Region | None = None,
    unit: Triple = (64, 64, 64),
    workers: int | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> Plan:
    """Plan a generation; computes one tile to measure its time, memory and how well its labels compress.

    Args:
        model: The model, on its device.
        low_res: The low-resolution volume, or None.
        shape: Its shape.
        region: The high-resolution voxels wanted; None is all.
        unit: The output's write unit.
        workers: Tiles in flight; None chooses.
        device: Where the model is.
        seed: Seed of the noise.

    Raises:
        UserError: A model that can't work by tiles would need more memory than there is.
    """
    tiling = Tiling.of(model, shape)
    region = region or tiling.output
    tiles = count_tiles(tiling, region)
    workers = max(1, min(workers or default_workers(device), tiles))
    if not model.can_tile:
        _refuse_too_large(model.tile_bytes(shape))
    middle = tuple((a + b) // 2 for a, b in zip(region.start, region.stop, strict=True))
    probe = next(iter(tiling.touching(Region(middle, tuple(m + 1 for m in middle)))))  # type: ignore[arg-type]
    seconds, held, base, ratio = _probe(model, probe, shape, low_res, seed, device)
    aligned = is_aligned(tiling, region, unit)
    voxels = sum_output(tiling, region)
    stored = int(region.size * ratio) + 4096 * math.prod(-(-n // u) for n, u in zip(region.shape, unit, strict=True))
    # A chunk being assembled from several tiles is held beside them.
    extra = 0 if aligned else 2 * math.prod(unit)
    return Plan(
        shape=region.shape,
        chunk=unit,
        tiles=tiles,
        tile=Region.whole(tiling.edge).scaled(tiling.scale).shape,
        workers=workers,
        tile_bytes=held,
        peak_bytes=base + workers * (held + extra),
        disk_bytes=stored,
        scratch_bytes=0 if aligned else int(voxels * ratio) + 4096 * tiles,
        seconds=seconds * voxels / max(1, probe.output.size) / (workers if device == "cpu" else 1),
        aligned=aligned,
    )


def count_tiles(tiling: Tiling, region: Region) -> int:
    """Return how many tiles meet a region, without listing them."""
    return math.prod(b - a for a, b in _spans(tiling, region))


def sum_output(tiling: Tiling, region: Region) -> int:
    """Return how many voxels the tiles that meet a region make in all."""
    return math.prod(_edge(tiling, axis, b) - _edge(tiling, axis, a) for axis, (a, b) in enumerate(_spans(tiling, region)))


def _spans(tiling: Tiling, region: Region) -> list[tuple[int, int]]:
    spans = []
    for axis in range(3):
        met = [
            t
            for t in range(tiling.counts[axis])
            if _edge(tiling, axis, t) < region.stop[axis] and _edge(tiling, axis, t + 1) > region.start[axis]
        ]
        spans.append((met[0], met[-1] + 1))
    return spans


def _probe(
    model: Model, tile: Tile, shape: Triple, low_res: Labels | None, seed: int, device: str
) -> tuple[float, int, int, float]:
    """Return seconds, bytes held by a tile in flight, bytes held by the process beside it, and bytes a voxel on disk."""
    from numcodecs import Zstd

    with torch_threads_kept():
        result: dict[str, Any] = {}

        def work() -> None:
            compute_tile(model, tile, shape, low_res, seed)
            # Once warm, the process holds what it always holds; what a tile adds is seen at its peak.
            result["base"] = _resident()
            started = time.perf_counter()
            result["labels"] = compute_tile(model, tile, shape, low_res, seed)
            result["seconds"] = time.perf_counter() - started

        with _PeakWatch() as watch:
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()
    labels = result["labels"]
    packed = len(Zstd(level=3).encode(np.ascontiguousarray(labels)))
    base = watch.first
    held = max(watch.peak - base, labels.nbytes)
    if device != "cpu":
        held = max(labels.nbytes * 4, held)
    return result["seconds"], held, base, packed / labels.size


class _PeakWatch:
    """Watches the process's resident memory from a thread of its own."""

    def __enter__(self) -> _PeakWatch:
        self.first = self.peak = _resident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            self.peak = max(self.peak, _resident())

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.peak = max(self.peak, _resident())


def _resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def _refuse_too_large(needed: int) -> None:
    import psutil

    free = psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"This model works on whole volumes only and would need {human_bytes(needed)} of memory, but {human_bytes(free)} "
            "are free: cut the low-resolution volume, or use a method that works by tiles."
        )


def check_fits(plan: Plan, out: str) -> None:
    """Refuse a plan whose memory or disk is not there.

    Raises:
        UserError: Too little memory or disk, with both numbers.
    """
    import psutil

    free = psutil.virtual_memory().available + _resident()
    if plan.peak_bytes > free:
        raise UserError(
            f"This needs {human_bytes(plan.peak_bytes)} of memory with {plan.workers} workers, but {human_bytes(free)} are "
            "there: give a smaller --workers, or use a machine with more memory."
        )
    if "://" in out:
        return
    folder = Path(out).absolute().parent
    while not folder.exists():
        folder = folder.parent
    needed = int(DISK_MARGIN * (plan.disk_bytes + plan.scratch_bytes))
    disk = shutil.disk_usage(folder).free
    if needed > disk:
        raise UserError(
            f"The output needs about {human_bytes(needed)} on disk, but {human_bytes(disk)} are free in {folder}: free some, "
            "write elsewhere, or give a --region."
        )


def human_bytes(count: float) -> str:
    """Return a size for people, for example ``1.4 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 100 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
