"""Coarser resolution levels, for viewers: the most frequent label of each 2×2×2 block, or its mean intensity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.phases import IGNORED, Phase
from mesofuse.volumes.store.array_units import ArrayUnits, one_line

if TYPE_CHECKING:
    import zarr


@dataclass(frozen=True)
class Level:
    """One resolution level of a volume, read by region.

    Attributes:
        grid: Its grid.
        phases: The volume's phases.
        array: Its zarr array.
        path: The volume, for messages.
        whole: Whether every chunk of it must be there; foreign software leaves empty ones out.
    """

    grid: Grid
    phases: tuple[Phase, ...]
    array: zarr.Array[Any]
    path: str
    whole: bool = True
    masked: bool = False

    def read(self, region: Region) -> np.ndarray:
        """Return the uint8 labels of a region of this level.

        Raises:
            UserError: If a chunk is damaged or missing.
        """
        units = ArrayUnits(self.array.store, self.array)
        if self.whole and not units.written((*(slice(0, n) for n in self.array.shape[:-3]), *region.slices)):
            raise self._damaged(region, "a chunk file is missing")
        try:
            return np.asarray(self.array[(..., *region.slices)]).astype(np.uint8, copy=False)
        except (RuntimeError, ValueError, IndexError, OSError) as error:
            raise self._damaged(region, one_line(error)) from error

    def _damaged(self, region: Region, reason: str) -> UserError:
        return UserError(
            f"The level {self.array.path} of {self.path} is damaged in {region} ({reason}); "
            f"`mesofuse check {self.path}` says what mends it."
        )


def create_array(
    group: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    shards: tuple[int, ...] | None,
    *,
    dtype: str = "uint8",
    axes: tuple[str, ...] = ("z", "y", "x"),
    attributes: dict[str, Any] | None = None,
) -> zarr.Array[Any]:
    """Make an array: zstd with a checksum, and empty chunks stored, so that a key means a written chunk."""
    from zarr.codecs import ZstdCodec

    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        shards=shards,
        dtype=dtype,
        fill_value=0,
        overwrite=True,
        dimension_names=axes,
        attributes=attributes,
        compressors=ZstdCodec(level=3, checksum=True),
        config={"write_empty_chunks": True},
    )


def halved(grid: Grid) -> Grid:
    """Return the grid of voxels twice as long; an axis of one voxel stays as it is."""
    step = [2 if n > 1 else 1 for n in grid.shape]
    shape = tuple(-(-n // s) for n, s in zip(grid.shape, step, strict=True))
    voxel = tuple(v * s for v, s in zip(grid.voxel_size, step, strict=True))
    origin = tuple(o + (w - v) / 2 for o, v, w in zip(grid.origin, grid.voxel_size, voxel, strict=True))
    return replace(grid, shape=shape, voxel_size=voxel, origin=origin)  # type: ignore[arg-type]


def pyramid(grid: Grid, count: int | None = None) -> tuple[Grid, ...]:
    """Return ``count`` grids, each half as fine as the one before; by default until no axis is longer than 128."""
    grids = [grid]
    while max(grids[-1].shape) > 1 and (max(grids[-1].shape) > 128 if count is None else len(grids) < count):
        grids.append(halved(grids[-1]))
    return tuple(grids)


def mode_of_blocks(labels: np.ndarray, step: Triple = (2, 2, 2)) -> np.ndarray:
    """Return the most frequent label of each block of ``step`` voxels (ties: the lowest), smaller blocks at odd ends.

    `IGNORED` is chosen as labels are, where it is the most frequent.

    Args:
        labels: uint8 labels (z, y, x).
        step: 1 or 2 along each axis.

    Returns:
        uint8 labels; their shape is that of ``labels`` over ``step``, rounded up.
    """
    ignored = labels == IGNORED
    masked = bool(ignored.any())
    highest = int(labels.max(where=~ignored, initial=0)) if masked else int(labels.max())
    best = np.zeros([-(-n // s) for n, s in zip(labels.shape, step, strict=True)], np.uint8)
    most = np.zeros_like(best)
    for value in [*range(highest + 1), *[IGNORED] * masked]:
        count = _per_block(labels == value, step)
        larger = count > most
        np.copyto(best, np.uint8(value), where=larger)
        np.copyto(most, count, where=larger)
    return best


def _per_block(found: np.ndarray, step: Triple) -> np.ndarray:
    """Return how many voxels of a mask lie in each block."""
    count = found.view(np.uint8)
    for axis in range(3):
        if step[axis] == 2:
            even, odd = [slice(None)] * 3, [slice(None)] * 3
            even[axis], odd[axis] = slice(0, None, 2), slice(1, None, 2)
            first, second = count[tuple(even)], count[tuple(odd)]
            if first.shape != second.shape:
                first = first.copy()
                inner = [slice(None)] * 3
                inner[axis] = slice(0, second.shape[axis])
                first[tuple(inner)] += second
                count = first
            else:
                count = first + second
    return count


def mean_of_blocks(values: np.ndarray, step: Triple = (2, 2, 2)) -> np.ndarray:
    """Return the rounded mean of each block of ``step`` voxels, smaller blocks at odd ends.

    Args:
        values: uint8 intensities (z, y, x) or (channels, z, y, x).
        step: 1 or 2 along each axis.
    """
    total, count = values.astype(np.uint16), np.ones(values.shape[-3:], np.uint16)
    for axis, s in zip((-3, -2, -1), step, strict=True):
        edges = np.arange(0, values.shape[axis], s)
        total = np.add.reduceat(total, edges, axis=axis, dtype=np.uint16)
        count = np.add.reduceat(count, edges, axis=axis, dtype=np.uint16)
    return ((2 * total + count) // (2 * count)).astype(np.uint8)


def coarsened(finer: Labels, grid: Grid, block: Region) -> np.ndarray:
    """Return a block of the level on ``grid``, computed from the next finer one."""
    double: Triple = tuple(2 if n > 1 else 1 for n in finer.grid.shape)  # type: ignore[assignment]
    stop = [min(b * d, n) for b, d, n in zip(block.stop, double, finer.grid.shape, strict=True)]
    fine = Region(tuple(a * d for a, d in zip(block.start, double, strict=True)), tuple(stop))  # type: ignore[arg-type]
    return (mode_of_blocks if finer.phases else mean_of_blocks)(finer.read(fine), double)


def build(
    group: zarr.Group,
    finest: Labels,
    grids: tuple[Grid, ...],
    chunks: Triple,
    shards: Triple | None,
    progress: Callable[[int, int], None] | None,
    channels: tuple[int, ...] = (),
) -> None:
    """Write the arrays ``"1"``, ``"2"``, … of a volume's group, block by block; those already there are replaced.

    Intensities are averaged, labels chosen by their majority; ``channels`` is the leading axis of colours.
    """
    axes = (*"c"[: len(channels)], "z", "y", "x")
    plans = []
    for grid in grids[1:]:
        chunk: Triple = tuple(min(c, n) for c, n in zip(chunks, grid.shape, strict=True))  # type: ignore[assignment]
        shard = _fit(shards, chunk, grid.shape)
        unit = shard or chunk
        plans.append((grid, chunk, shard, [u * max(1, 128 // u) for u in unit]))
    total = sum(sum(1 for _ in grid.region.blocks(step)) for grid, _, _, step in plans)
    done, source = 0, finest
    for index, (grid, chunk, shard, step) in enumerate(plans, start=1):
        whole = (*channels, *shard) if shard else None
        array = create_array(group, str(index), (*channels, *grid.shape), (*channels, *chunk), whole, axes=axes)
        for block in grid.region.blocks(step):
            array[(..., *block.slices)] = coarsened(source, grid, block)
            done += 1
            if progress:
                progress(done, total)
        source = Level(grid, finest.phases, array, "", masked=is_masked(finest))


def _fit(shards: Triple | None, chunk: Triple, shape: Triple) -> Triple | None:
    """Return a shard of whole chunks no larger than a level needs."""
    if shards is None:
        return None
    fitted = [min(max(s // c, 1), -(-n // c)) * c for s, c, n in zip(shards, chunk, shape, strict=True)]
    return (fitted[0], fitted[1], fitted[2])
