"""Runs of voxels of one phase along lines of the grid, as histograms of their lengths."""

from __future__ import annotations

import numpy as np

from mesofuse.interfaces.metric import MetricContext
from mesofuse.volumes.phases import IGNORED
from mesofuse_metrics.pieces import directions

LINES = 1 << 20  # voxels looked at together


def run_axes(context: MetricContext) -> tuple[int, ...]:
    """Return the axes that have lines: not the first of images."""
    return directions(context)


def run_lengths(labels: np.ndarray, axis: int, phases: int) -> tuple[np.ndarray, np.ndarray]:
    """Count runs by phase and length in voxels; runs of ignored voxels are none, but end others as the sides do.

    Returns:
        Two arrays (phases, n + 1), n voxels a line: all runs, and those that end inside the material at both sides.
    """
    lines = np.moveaxis(labels, axis, -1)
    n = lines.shape[-1]
    every, inner = np.zeros((2, phases, n + 1), np.int64)
    step = max(1, LINES // (lines.shape[1] * n))
    for start in range(0, lines.shape[0], step):
        part = np.ascontiguousarray(lines[start : start + step]).reshape(-1, n)
        first = np.ones(part.shape, bool)
        np.not_equal(part[:, 1:], part[:, :-1], out=first[:, 1:])
        starts = np.flatnonzero(first)
        lengths = np.diff(starts, append=part.size)
        column, value = starts % n, part.ravel()[starts]
        code = value.astype(np.intp) * (n + 1) + lengths
        free = (column > 0) & (column + lengths < n)
        known = value != IGNORED
        if not known.all():
            free[1:] &= known[:-1]
            free[:-1] &= known[1:]
            code, free = code[known], free[known]
        every += np.bincount(code, minlength=every.size).reshape(every.shape)
        inner += np.bincount(code[free], minlength=inner.size).reshape(inner.shape)
    return every, inner


def inside_lengths(labels: np.ndarray, axis: int, masked: bool) -> np.ndarray:
    """Return how many stretches without ignored voxels there are of each length: (n + 1), n voxels a line."""
    n = labels.shape[axis]
    if masked:
        return np.asarray(run_lengths(np.where(labels == IGNORED, np.uint8(IGNORED), np.uint8(0)), axis, 1)[0][0])
    lengths = np.zeros(n + 1, np.int64)
    lengths[n] = labels.size // n
    return lengths
