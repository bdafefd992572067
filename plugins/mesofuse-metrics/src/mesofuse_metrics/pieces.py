"""What the counting metrics share: neighbours within a block, and names of what is counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from mesofuse.interfaces.metric import Block, MetricContext
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import Phase

CACHED = 1 << 19  # voxels of a slab whose temporary arrays stay in a core's cache


def slabs(block: Block) -> Iterator[Block]:
    """Cut a block into slabs small enough for the cache; together they own what the block owns."""
    _, y, x = block.core.shape
    rows = max(1, CACHED // x)
    for core in block.core.blocks((max(1, rows // y), min(y, rows), x), origin=block.core.start):
        yield Block(block.labels, core, block.window, block.context)


def with_upper(block: Block) -> np.ndarray:
    """Return the labels of the core and, on each axis, of the next voxel where the volume goes on.

    What lies between a voxel and the next belongs to the piece that owns the first of them.
    """
    z, y, x = (min(a + 1, b) for a, b in zip(block.core.stop, block.window.stop, strict=True))
    labels: np.ndarray = block.labels[Region(block.core.start, (z, y, x)).within(block.window)]
    return labels


def shifted(labels: np.ndarray, own: Sequence[int], steps: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Return a view of ``labels`` (see `with_upper`) for each step: the neighbour at ``step`` of every voxel that has all."""
    reach = [max(step[axis] for step in steps) for axis in range(3)]
    count = [min(n, m - r) for n, m, r in zip(own, labels.shape, reach, strict=True)]
    return [labels[tuple(slice(s, s + max(0, c)) for s, c in zip(step, count, strict=True))] for step in steps]


def directions(context: MetricContext) -> tuple[int, ...]:
    """Return the axes along which voxels have neighbours: not the first one of images."""
    return (1, 2) if context.planar else (0, 1, 2)


def bits(labels: np.ndarray) -> np.ndarray:
    """Return ``1 << label`` as uint8, for volumes of at most eight phases."""
    marked: np.ndarray = np.left_shift(np.uint8(1), labels, dtype=np.uint8)
    return marked


def tuples(phases: Sequence[Phase], size: int) -> list[tuple[int, ...]]:
    """Return every set of ``size`` phases by value, in order."""
    return list(itertools.combinations(range(len(phases)), size))


def label(phases: Sequence[Phase], values: Sequence[int]) -> str:
    """Name phases as in ``pore | binder``."""
    return " | ".join(phases[value].name for value in values)
