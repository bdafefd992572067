"""How often two voxels a given step apart have given phases: the counts behind two-point statistics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mesofuse.interfaces.metric import Block
from mesofuse.volumes.grid import Region, Triple
from mesofuse_metrics.bit_rows import BitRows, count_common


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
        Counts (steps, lags + 1, pairs) of pairs that have the phases, and (steps, lags + 1) of all in the volume.
    """
    counts = np.zeros((len(steps), lags + 1, len(pairs)), np.int64)
    totals = np.zeros((len(steps), lags + 1), np.int64)
    volume = Region.whole(block.context.grid.shape)
    core = block.core.within(block.window)
    own, all_rows = _pack(block, core[2])
    for lag in range(lags + 1):
        moved: dict[tuple[int, int], np.ndarray] = {}
        for i, step in enumerate(steps):
            by = multiple(step, lag)
            common = block.core.intersect(volume.shifted([-d for d in by]))
            if common is None:
                continue
            totals[i, lag] = common.size
            inner = common.within(block.window)
            for j, (one, other) in enumerate(pairs):
                for first, second in {(one, other), (other, one)}:
                    key = (second, by[2])
                    if key not in moved:
                        moved[key] = all_rows[second].shifted(by[2])
                    counts[i, lag, j] += count_common(own[first].words, moved[key], inner[:2], by)
    return counts, totals


def _pack(block: Block, columns: slice) -> tuple[list[BitRows], list[BitRows]]:
    """Return each phase's rows of bits, in the core's columns alone and in all of the window's."""
    own, everywhere = [], []
    for value in range(len(block.context.phases)):
        mask = block.labels == value
        everywhere.append(BitRows(mask))
        mask[..., : columns.start] = False
        mask[..., columns.stop :] = False
        own.append(BitRows(mask))
    return own, everywhere
