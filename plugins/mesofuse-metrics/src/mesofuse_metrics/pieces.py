"""What the counting metrics share: neighbours within a block, and names of what is counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from mesofuse.interfaces.metric import Block, MetricContext
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.phases import IGNORED, Phase

CACHED = 1 << 19  # voxels of a slab whose temporary arrays stay in a core's cache
MAX_BITS = 8  # phases that `bits` can mark
AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


def slabs(block: Block) -> Iterator[Block]:
    """Cut a block into slabs small enough for the cache, each seeing up to one voxel beyond what it owns."""
    _, y, x = block.core.shape
    rows = max(1, CACHED // x)
    for core in block.core.blocks((max(1, rows // y), min(y, rows), x), origin=block.core.start):
        window = core.grown((1, 1, 1), block.context.grid.shape).intersect(block.window)
        assert window is not None
        yield Block(block.labels[window.within(block.window)], core, window, block.context)


def neighbours(values: np.ndarray, block: Block, steps: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Return a view of ``values`` (an array over the block's window) for each step.

    Together they hold the neighbours, at those steps, of every voxel of the core all of whose neighbours are there;
    what lies between voxels thus belongs to the piece that owns the voxel it is counted from.
    """
    region = block.core
    for step in steps:
        common = region.intersect(block.window.shifted([-s for s in step]))
        if common is None:
            return [values[:0, :0, :0] for _ in steps]
        region = common
    return [values[region.shifted(step).within(block.window)] for step in steps]


def directions(context: MetricContext) -> tuple[int, ...]:
    """Return the axes along which voxels have neighbours: not the first one of images."""
    return (1, 2) if context.planar else (0, 1, 2)


def bits(labels: np.ndarray) -> np.ndarray:
    """Return ``1 << label`` as uint8, 0 where ignored, for volumes of at most `MAX_BITS` phases."""
    marked: np.ndarray = np.left_shift(np.uint8(1), labels, dtype=np.uint8)
    return marked


def count_pairs(one: np.ndarray, other: np.ndarray, phases: int) -> np.ndarray:
    """Count how often each pair of unlike phases meets, in the order of ``tuples(phases, 2)``.

    ``one`` and ``other`` are `bits` for up to `MAX_BITS` phases (six times faster), labels for more.
    """
    if phases <= MAX_BITS:
        union = one | other
        counts = [np.count_nonzero(union == (1 << i | 1 << j)) for i in range(phases) for j in range(i + 1, phases)]
        return np.array(counts, np.int64)
    known = (one != IGNORED) & (other != IGNORED)
    if not known.all():
        one, other = one[known], other[known]
    code = one.astype(np.uint16) * np.uint16(phases) + other
    table = np.bincount(code.ravel(), minlength=phases * phases).reshape(phases, phases)
    both: np.ndarray = (table + table.T)[np.triu_indices(phases, 1)]
    return both


def inside(parts: Sequence[np.ndarray], phases: int, masked: bool) -> int:
    """Return at how many places none of several arrays, of `bits` for up to `MAX_BITS` phases, is ignored."""
    if not masked:
        return int(parts[0].size)
    known = np.ones(parts[0].shape, bool)
    for part in parts:
        known &= part != (0 if phases <= MAX_BITS else IGNORED)
    return int(np.count_nonzero(known))


def tuples(phases: Sequence[Phase], size: int) -> list[tuple[int, ...]]:
    """Return every set of ``size`` phases by value, in order."""
    return list(itertools.combinations(range(len(phases)), size))


def label(phases: Sequence[Phase], values: Sequence[int]) -> Of:
    """Name phases as in ``pore | binder``."""
    return Of(*(phases[value].name for value in values))
