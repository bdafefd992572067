"""Generating a volume of any size: tile by tile on dask's threads, resumable, the same voxels whatever the storage."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.events import Event, TileDone
from mesofuse.interfaces.method import Model
from mesofuse.streaming.compute import compute_tile, default_workers, torch_threads_kept
from mesofuse.streaming.plan import is_aligned
from mesofuse.streaming.tiles import Tile, Tiling
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.store import LabelVolume, layout


@dataclass(frozen=True)
class GenerateOptions:
    """How to store and run a generation; none of these changes a voxel, but ``seed`` and ``region``.

    Attributes:
        seed: Seed of the noise.
        region: High-resolution voxels wanted; None is all.
        chunks: Chunk shape of the output.
        shards: Shard shape of the output, or None.
        workers: Tiles in flight; None chooses.
        device: Where the model is.
        resume: Go on with an output that was begun by the same job.
        overwrite: Replace an output that exists.
        levels: Whether to add coarser levels for viewers.
    """

    seed: int = 0
    region: Region | None = None
    chunks: Triple = (64, 64, 64)
    shards: Triple | None = None
    workers: int | None = None
    device: str = "cpu"
    resume: bool = False
    overwrite: bool = False
    levels: bool = True


def check_output(out: str, *, resume: bool, overwrite: bool) -> None:
    """Refuse an output that exists, before anything is computed.

    Raises:
        UserError: It exists and neither resume nor overwrite is given.
    """
    if "://" not in out and Path(out).exists() and not (resume or overwrite):
        raise UserError(f"{out} exists already; give --resume to go on with it, --overwrite to replace it, or another name.")


def generate(
    model: Model,
    low_res: Labels | None,
    grid: Grid,
    out: str,
    options: GenerateOptions,
    *,
    provenance: Mapping[str, Any] | None = None,
    emit: Callable[[Event], None] = lambda event: None,
) -> LabelVolume:
    """Generate a volume and return it.

    Args:
        model: The model, on ``options.device``.
        low_res: The low-resolution volume, or None for a model that takes none.
        grid: The low-resolution grid.
        out: Path or URL of the zarr store to write.
        options: See `GenerateOptions`.
        provenance: What is recorded in the output beside the job itself; with ``resume`` it must be what it was.
        emit: Takes a `TileDone` for every tile.

    Raises:
        UserError: The output exists and neither resume nor overwrite is given, or it was begun by another job.
    """
    tiling = Tiling.of(model, grid.shape)
    region = options.region or tiling.output
    job: dict[str, Any] = {"seed": options.seed, "region": str(region), **(provenance or {})}
    volume = _open_output(out, grid.refined(model.scale).cropped(region), model, options, job)
    if volume.provenance.get("complete"):
        return volume
    with torch_threads_kept():
        if is_aligned(tiling, region, volume.write_unit):
            _run_aligned(model, low_res, tiling, region, volume, options, emit)
        else:
            _run_by_scratch(model, low_res, tiling, region, volume, options, emit)
    if options.levels:
        volume.build_levels()
    volume.set_provenance({**volume.provenance, "complete": True})
    return volume


def _open_output(out: str, grid: Grid, model: Model, options: GenerateOptions, job: dict[str, Any]) -> LabelVolume:
    if options.resume and not options.overwrite:
        try:
            volume = LabelVolume.open(out, mode="r+")
        except UserError:
            if "://" not in out and Path(out).exists():
                raise
        else:
            begun = {k: v for k, v in volume.provenance.items() if k != "complete"}
            differing = [k for k in job if begun.get(k) != job[k]]
            if differing or volume.grid.shape != grid.shape:
                raise UserError(
                    f"{out} was begun by another job ({', '.join(differing) or 'shape'} differ), so it can't be resumed: give the "
                    "same model, input, seed and region, or --overwrite."
                )
            if (volume.chunks, volume.shards) != layout(grid.shape, options.chunks, options.shards):
                raise UserError(
                    f"{out} was begun with chunks of {volume.chunks}, so it can't be resumed with {options.chunks}: give the "
                    "same --chunks, or --overwrite."
                )
            return volume
    return LabelVolume.create(
        out,
        grid,
        model.problem.phases,
        chunks=options.chunks,
        shards=options.shards,
        overwrite=options.overwrite,
        provenance={**job, "complete": False},
    )


def _run_aligned(
    model: Model,
    low_res: Labels | None,
    tiling: Tiling,
    region: Region,
    volume: LabelVolume,
    options: GenerateOptions,
    emit: Callable[[Event], None],
) -> None:
    """Every tile is whole write units: it goes straight into the output."""
    back = tuple(-a for a in region.start)
    gate = _gate(options)

    def place(tile: Tile) -> Region:
        part = tile.output.intersect(region)
        assert part is not None
        return part.shifted(back)

    def work(tile: Tile) -> int:
        labels = compute_tile(model, tile, tiling.shape, low_res, options.seed, gate)
        part = tile.output.intersect(region)
        assert part is not None
        volume.write(part.shifted(back), np.ascontiguousarray(labels[part.within(tile.output)]))
        return part.size

    tiles = list(tiling.touching(region))
    todo = [t for t in tiles if not volume.done(place(t))] if options.resume else tiles
    _each(todo, work, options, emit, done=len(tiles) - len(todo), total=len(tiles))


def _run_by_scratch(
    model: Model,
    low_res: Labels | None,
    tiling: Tiling,
    region: Region,
    volume: LabelVolume,
    options: GenerateOptions,
    emit: Callable[[Event], None],
) -> None:
    """Tiles and write units don't align: each tile is kept, compressed, in a scratch store, then units are put together."""
    slot, gate = tiling.slot, _gate(options)
    shape = tuple(c * s for c, s in zip(tiling.counts, slot, strict=True))
    scratch_path = _scratch_path(volume.path)
    if options.resume and Path(scratch_path).exists():
        scratch = LabelVolume.open(scratch_path, mode="r+")
    else:
        shutil.rmtree(scratch_path, ignore_errors=True)
        scratch = LabelVolume.create(scratch_path, Grid(shape), volume.phases, chunks=slot)  # type: ignore[arg-type]

    def home(tile: Tile) -> Region:
        start = tuple(i * s for i, s in zip(tile.index, slot, strict=True))
        return Region(start, tuple(a + s for a, s in zip(start, slot, strict=True)))  # type: ignore[arg-type]

    def work(tile: Tile) -> int:
        labels = compute_tile(model, tile, tiling.shape, low_res, options.seed, gate)
        padded = np.zeros(slot, dtype=np.uint8)
        padded[Region.whole(labels.shape).slices] = labels
        scratch.write(home(tile), padded)
        return tile.output.size

    def assemble(unit: Region) -> int:
        wanted = unit.shifted(region.start)
        labels = np.empty(wanted.shape, dtype=np.uint8)
        for tile in tiling.touching(wanted):
            part = tile.output.intersect(wanted)
            assert part is not None
            stored = part.shifted([h - o for h, o in zip(home(tile).start, tile.output.start, strict=True)])
            labels[part.within(wanted)] = scratch.read(stored)
        volume.write(unit, labels)
        return 0

    tiles = list(tiling.touching(region))
    todo = [t for t in tiles if not scratch.done(home(t))]
    units = [u for u in volume.grid.region.blocks(volume.write_unit) if not (options.resume and volume.done(u))]
    if units:
        _each(todo, work, options, emit, done=len(tiles) - len(todo), total=len(tiles))
        _each(units, assemble, options, lambda event: None, done=0, total=len(units))
    shutil.rmtree(scratch_path)


def _scratch_path(out: str) -> str:
    if "://" in out:
        import hashlib
        import tempfile

        # A remote output is put together from tiles kept here; the name finds them again on resume.
        name = hashlib.sha256(out.encode()).hexdigest()[:16]
        return str(Path(tempfile.gettempdir()) / f"mesofuse-tiles-{name}.zarr")
    return f"{out.rstrip('/')}.tiles.zarr"


def _gate(options: GenerateOptions) -> threading.Semaphore | None:
    """On a GPU one tile computes at a time while others are read, drawn and written."""
    return threading.Semaphore(1) if options.device != "cpu" else None


def _each(
    items: Sequence[Any],
    work: Callable[[Any], int],
    options: GenerateOptions,
    emit: Callable[[Event], None],
    *,
    done: int,
    total: int,
) -> None:
    """Run ``work`` on every item on dask's threads; results are voxel counts, so that nothing large is kept."""
    import dask
    from dask.callbacks import Callback
    from dask.threaded import get

    if not items:
        return
    count = done

    def finished(key: Any, result: Any, *_: Any) -> None:
        nonlocal count
        if key == "all":
            return
        count += 1
        emit(TileDone(count, total, int(result)))

    workers = options.workers or default_workers(options.device)
    for batch in _batches(items, 1024):
        graph: dict[Any, Any] = {("tile", i): (work, item) for i, item in enumerate(batch)}
        with Callback(posttask=finished), dask.config.set(scheduler="threads"):
            get(graph, list(graph), num_workers=workers)


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
