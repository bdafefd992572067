"""How often two voxels a given step apart have given phases: the counts behind two-point statistics."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from mesofuse.interfaces.metric import Block
from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.phases import IGNORED
from mesofuse_metrics.bit_rows import BitRows, Rows, count_common


def multiple(step: Triple, lag: int) -> Triple:
    """Return ``lag`` steps in one."""
    return (step[0] * lag, step[1] * lag, step[2] * lag)


def pair_counts(
    block: Block, steps: Sequence[Triple], lags: int, pairs: Sequence[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Count pairs of voxels, the first of them in the block's core.

    Args:
        block: Its window reaches ``lags`` voxels beyond its core, or to the volume's end.
        steps: Directions, as steps (z, y, x) of at most one voxel along an axis.
        lags: Largest number of steps.
        pairs: Phases (i, j); for i ≠ j the pairs (i, j) and (j, i) are counted together.

    Returns:
        Counts (steps, lags + 1, pairs) of pairs that have the phases, and (steps, lags + 1) of all in the volume
        of which neither is ignored.
    """
    counts = np.zeros((len(steps), lags + 1, len(pairs)), np.int64)
    totals = np.zeros((len(steps), lags + 1), np.int64)
    volume = Region.whole(block.context.grid.shape)
    own, all_rows = _pack(block, block.core.within(block.window)[2])
    for lag in range(lags + 1):
        inside = {}  # where in the window the first voxels of a step lie
        for i, step in enumerate(steps):
            common = block.core.intersect(volume.shifted([-d for d in multiple(step, lag)]))
            if common is not None:
                if not block.context.masked:
                    totals[i, lag] = common.size
                inside[i] = common.within(block.window)[:2]
        for columns in {steps[i][2] * lag for i in inside}:
            chosen = {i: rows for i, rows in inside.items() if steps[i][2] * lag == columns}
            there = {i: _moved(rows, multiple(steps[i], lag)) for i, rows in chosen.items()}
            box = _around(there.values())
            moved = [rows.shifted(columns, box) for rows in all_rows]
            for i, rows in chosen.items():
                target = _moved(there[i], (-box[0].start, -box[1].start, 0))
                for j, (one, other) in enumerate(pairs):
                    for first, second in {(one, other), (other, one)}:
                        counts[i, lag, j] += count_common(own[first].words[rows], moved[second][target])
                if block.context.masked:
                    totals[i, lag] = count_common(own[-1].words[rows], moved[-1][target])
    return counts, totals


def _moved(rows: Rows, by: Triple) -> Rows:
    return slice(rows[0].start + by[0], rows[0].stop + by[0]), slice(rows[1].start + by[1], rows[1].stop + by[1])


def _around(all_rows: Iterable[Rows]) -> Rows:
    """Return the smallest box that holds all rows."""
    z, y = zip(*all_rows, strict=True)
    return slice(min(s.start for s in z), max(s.stop for s in z)), slice(
        min(s.start for s in y), max(s.stop for s in y)
    )


def _pack(block: Block, columns: slice) -> tuple[list[BitRows], list[BitRows]]:
    """Return each phase's rows of bits, in the core's columns alone and in all of the window's.

    Of a volume with ignored voxels, last those of all that are not ignored.
    """
    own, everywhere = [], []
    values = range(len(block.context.phases))
    masks = itertools.chain(
        (block.labels == value for value in values), (block.labels != IGNORED for _ in range(block.context.masked))
    )
    for mask in masks:
        everywhere.append(BitRows(mask))
        mask[..., : columns.start] = False
        mask[..., columns.stop :] = False
        own.append(BitRows(mask))
    return own, everywhere
