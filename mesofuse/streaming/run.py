"""Generating a volume of any size: tile by tile on dask's threads, resumable, the same voxels whatever the storage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesofuse.interfaces.events import Event, TileDone
from mesofuse.interfaces.method import Model, TileOutput
from mesofuse.interfaces.traits import ModelTraits
from mesofuse.streaming.compute import compute_output, default_workers, torch_threads_kept
from mesofuse.streaming.extra_array import ExtraArrays
from mesofuse.streaming.long_tiles import LongTiles
from mesofuse.streaming.output import alone, check_output, open_output
from mesofuse.streaming.plan import is_aligned
from mesofuse.streaming.scratch import Scratch
from mesofuse.streaming.tiles import Tile, Tiling
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.store.volume import StoredVolume

BATCH = 1024
"""Tiles of one dask graph, so that it stays small whatever the volume."""


@dataclass(frozen=True)
class GenerateOptions:
    """How to store and run a generation; none of these changes a voxel, but ``seed``, ``region`` and ``periodic``.

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
        periodic: Letters of the axes along which the result's end continues into its start, in order.
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
    periodic: str = ""


def generate(
    model: Model,
    low_res: Labels | None,
    grid: Grid,
    out: str,
    options: GenerateOptions,
    *,
    provenance: Mapping[str, Any] | None = None,
    emit: Callable[[Event], None] = lambda event: None,
    say: Callable[[str], None] = lambda text: None,
) -> StoredVolume:
    """Generate a volume and return it.

    Args:
        model: The model, on ``options.device``.
        low_res: The scan, or None for a model that takes none.
        grid: The scan's grid; without a scan, the grid that noise is counted on.
        out: Path or URL of the zarr store to write.
        options: See `GenerateOptions`.
        provenance: What is recorded in the output next to the job itself; with ``resume`` it must be what it was.
        emit: Takes a `TileDone` for every tile.
        say: Takes a sentence where something has to be waited for.

    Raises:
        UserError: If the output exists and neither resume nor overwrite is given, or it was begun by another job, or an
            axis can't be periodic.
    """
    check_output(out, resume=options.resume, overwrite=options.overwrite)
    tiling = Tiling.of(model, grid.shape, options.periodic)
    region = options.region or tiling.output
    job: dict[str, Any] = {"seed": options.seed, "region": str(region), "periodic": options.periodic or None}
    job |= provenance or {}
    with alone(out, say), torch_threads_kept():
        volume = open_output(
            out, grid.refined(model.scale).cropped(region), model.problem.phases, options.chunks, options.shards, job,
            resume=options.resume, overwrite=options.overwrite, content=model.problem.content,
            masked=low_res is not None and is_masked(low_res),
        )  # fmt: skip
        extra = ExtraArrays(out, ModelTraits.of(model).extras, tiling, region, grid)
        places = {tile: _place(tile, region) for tile in tiling.touching(region)}
        finished = bool(volume.provenance.get("complete"))
        if options.resume:
            _discard_damaged(volume, extra, places, say)
        if finished and volume.complete and volume.levels_are_sound():
            return volume
        if finished:
            volume.set_provenance({**volume.provenance, "complete": False})
        long = LongTiles(model, out, job, resume=options.resume, emit=emit)
        run = _Run(model, low_res, tiling, region, volume, options, emit, extra, places, long)
        if is_aligned(tiling, region, volume.write_unit):
            run.straight()
        else:
            run.by_scratch(job)
        if options.levels:
            volume.build_levels()
        volume.seal({**volume.provenance, **extra.record(), "complete": True})
        long.remove()
    return volume


def _discard_damaged(
    volume: StoredVolume, extra: ExtraArrays, places: Mapping[Tile, Region], say: Callable[[str], None]
) -> None:
    """Delete what a resumed run must not keep: units that can't be used, and those of tiles whose counts can't."""
    known = volume.known_digests()
    bad = len(volume.discard_damaged()) + extra.discard_damaged(known)
    for tile, place in places.items():
        if volume.done(place) and not extra.has(tile):
            volume.discard(place)
    if bad:
        say(f"{bad} damaged {'file' if bad == 1 else 'files'} of {volume.path} {'is' if bad == 1 else 'are'} made anew")


def _place(tile: Tile, region: Region) -> Region:
    """Return where a tile's voxels lie in a volume that holds a region."""
    part = tile.output.intersect(region)
    assert part is not None
    return part.shifted([-a for a in region.start])


@dataclass(frozen=True)
class _Run:
    """What the two ways to fill a volume share."""

    model: Model
    low_res: Labels | None
    tiling: Tiling
    region: Region
    volume: StoredVolume
    options: GenerateOptions
    emit: Callable[[Event], None]
    extra: ExtraArrays
    places: Mapping[Tile, Region]
    long: LongTiles

    def straight(self) -> None:
        """Make tiles that are whole write units: each goes straight into the output."""
        places = self.places
        todo = [tile for tile, place in places.items() if not self.volume.done(place)]
        compute = self._compute()

        def work(tile: Tile) -> int:
            made = compute(tile)
            place = places[tile]
            inside = place.shifted(self.region.start).within(tile.output)
            self.extra.write(tile, made.extra)  # before the labels: a tile whose labels are there is done
            self.volume.write(place, np.ascontiguousarray(made.labels[(..., *inside)]))
            self.long.done(tile)
            return place.size

        self._each(todo, work, total=len(places))

    def by_scratch(self, job: Mapping[str, Any]) -> None:
        """Tiles and write units don't align: tiles are kept in a scratch store, then units are put together."""
        scratch = Scratch(self.volume, self.tiling, job, resume=self.options.resume)
        units = list(self.volume.missing())
        tiles = list({t: None for unit in units for t in self.tiling.touching(unit.shifted(self.region.start))})
        compute = self._compute()

        def work(tile: Tile) -> int:
            made = compute(tile)
            self.extra.write(tile, made.extra)
            scratch.put(tile, made.labels)
            self.long.done(tile)
            return tile.output.size

        def assemble(unit: Region) -> int:
            self.volume.write(unit, scratch.gather(unit.shifted(self.region.start)))
            return unit.size

        kept = [t for t in tiles if scratch.has(t) and self.extra.has(t)]
        self._each([t for t in tiles if t not in set(kept)], work, total=len(tiles))
        self._each(units, assemble)
        scratch.remove()

    def _compute(self) -> Callable[[Tile], TileOutput]:
        """Return what computes a tile; on a GPU one computes at a time while others are read, drawn and written."""
        gate = threading.Semaphore(1) if self.options.device != "cpu" else None
        shape, seed, periodic = self.tiling.shape, self.options.seed, self.tiling.periodic
        return lambda tile: compute_output(
            self.model, tile, shape, self.low_res, seed, gate, periodic, self.long.run_of(tile)
        )

    def _each(self, items: Sequence[Any], work: Callable[[Any], int], *, total: int = 0) -> None:
        """Run ``work`` on every item on dask's threads; where ``total`` is given, an event says each that is done."""
        from dask.threaded import get

        done = total - len(items)

        def finished(key: Any, voxels: int, *_: Any) -> None:
            nonlocal done
            done += 1
            if total:
                self.emit(TileDone(done, total, voxels))

        workers = self.options.workers or default_workers(self.options.device)
        for start in range(0, len(items), BATCH):
            graph = {("tile", i): (work, item) for i, item in enumerate(items[start : start + BATCH])}
            get(graph, list(graph), num_workers=workers, callbacks=[(None, None, None, finished, None)])
