"""What a generation will take, said before any work: tiles, memory, disk and time."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mesofuse.errors import UserError
from mesofuse.interfaces.method import Model
from mesofuse.streaming.compute import default_workers
from mesofuse.streaming.probe import Probe, probe_tile, resident
from mesofuse.streaming.tiles import Tiling
from mesofuse.volumes.content import leading
from mesofuse.volumes.grid import Region, Triple, scaled_edge
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.store.backends import is_url

DISK_MARGIN = 1.25
"""How much more disk than estimated must be free; a probe tile may compress better than the rest."""
FILE_BYTES = 4096
UNKNOWN_STORED = 0.3
"""Bytes that a voxel is taken to need on disk where no tile was computed."""
"""What a file takes at least on a usual file system."""


ALLOWANCE = 1.25
"""What allocator and store hold besides the tiles in flight, seen on runs of 64 to 1,536 tiles."""


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
        seconds: Time, from the measured tile; None for a model of whole volumes, of which none was measured.
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
    seconds: float | None
    aligned: bool

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return asdict(self)


def is_aligned(tiling: Tiling, region: Region, unit: Sequence[int]) -> bool:
    """Return whether each tile, cut to the region, is made of whole write units of an output that begins there."""
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
    periodic: str = "",
) -> Plan:
    """Plan a generation; computes one tile to measure its time, memory and how well its labels compress.

    Args:
        model: The model, on its device.
        low_res: The scan, or None.
        shape: Its shape, or that of the grid that noise is counted on.
        region: The high-resolution voxels wanted; None is all.
        unit: The output's write unit.
        workers: Tiles in flight; None chooses.
        device: Where the model is.
        seed: Seed of the noise.
        periodic: Axes whose end continues into their start.

    Raises:
        UserError: If a model that can't work by tiles would need more memory than there is, or an axis can't be
            periodic.
    """
    tiling = Tiling.of(model, shape, periodic)
    region = region or tiling.output
    unit = tuple(min(u, n) for u, n in zip(unit, region.shape, strict=True))  # type: ignore[assignment]
    tiles = count_tiles(tiling, region)
    workers = max(1, min(workers or default_workers(device), tiles))
    if not model.can_tile:
        _refuse_too_large(model.tile_bytes(shape))
    middle = tuple((a + b) // 2 for a, b in zip(region.start, region.stop, strict=True))
    tile = next(iter(tiling.touching(Region(middle, tuple(m + 1 for m in middle)))))  # type: ignore[arg-type]
    if model.can_tile:
        probe = probe_tile(model, tile, shape, low_res, seed, device, workers, periodic)
    else:  # its one tile is the whole job
        probe = Probe(0.0, resident(), model.tile_bytes(shape), UNKNOWN_STORED)
    aligned = is_aligned(tiling, region, unit)
    voxels = sum_output(tiling, region)
    side_by_side = workers if device == "cpu" else 1
    units = math.prod(-(-n // u) for n, u in zip(region.shape, unit, strict=True))
    # A chunk being assembled from several tiles is held next to them.
    extra = 0 if aligned else 2 * math.prod(unit) * math.prod(leading(model.problem.content))
    return Plan(
        shape=region.shape,
        chunk=unit,
        tiles=tiles,
        tile=Region.whole(tiling.edge).scaled(tiling.scale).shape,
        workers=workers,
        tile_bytes=probe.tile_bytes,
        peak_bytes=probe.base_bytes + int(ALLOWANCE * workers * (probe.tile_bytes + extra)),
        disk_bytes=int(region.size * probe.stored) + FILE_BYTES * units,
        scratch_bytes=0 if aligned else int(voxels * probe.stored) + FILE_BYTES * tiles,
        seconds=probe.seconds * voxels / tile.output.size / side_by_side if model.can_tile else None,
        aligned=aligned,
    )


def count_tiles(tiling: Tiling, region: Region) -> int:
    """Return how many tiles meet a region, without listing them."""
    return math.prod(b - a for a, b in _spans(tiling, region))


def sum_output(tiling: Tiling, region: Region) -> int:
    """Return how many voxels the tiles that meet a region make in all."""
    return math.prod(
        _edge(tiling, axis, b) - _edge(tiling, axis, a) for axis, (a, b) in enumerate(_spans(tiling, region))
    )


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


def _refuse_too_large(needed: int) -> None:
    import psutil

    free = psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"This model works on whole volumes only and would need {human_bytes(needed)} of memory, but "
            f"{human_bytes(free)} are free: cut the scan, or use a method that works by tiles."
        )


def check_fits(plan: Plan, out: str) -> None:
    """Refuse a plan whose memory or disk is not there.

    Raises:
        UserError: If there is too little memory or disk, with both numbers.
    """
    import psutil

    free = psutil.virtual_memory().available + resident()
    if plan.peak_bytes > free:
        raise UserError(
            f"This needs {human_bytes(plan.peak_bytes)} of memory with {plan.workers} workers, but {human_bytes(free)} "
            "are there: give a smaller --workers, or use a machine with more memory."
        )
    check_disk(plan.disk_bytes + plan.scratch_bytes, out)


def check_disk(needed: float, out: str) -> None:
    """Refuse an output that does not fit on its disk; what exists already is resumed or replaced, and counts.

    Raises:
        UserError: If there is too little disk, with both numbers.
    """
    if is_url(out):
        return
    place = Path(out).absolute()
    there = sum(f.stat().st_size for f in place.rglob("*") if f.is_file())
    folder = next(p for p in place.parents if p.is_dir())
    wanted, free = DISK_MARGIN * needed - there, shutil.disk_usage(folder).free
    if wanted > free:
        raise UserError(
            f"The output needs about {human_bytes(wanted)} on disk, but {human_bytes(free)} are free in {folder}: free "
            "some, write elsewhere, or make a part of it with `mesofuse generate … --region`."
        )


def human_bytes(count: float) -> str:
    """Return a size for people, for example ``1.4 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 100 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
