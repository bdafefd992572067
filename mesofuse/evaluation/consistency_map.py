"""Where a volume agrees with the scan that it was made from: one slice, voxel by voxel."""

from __future__ import annotations

import numpy as np

from mesofuse.interfaces.degradation import Degradation, agrees, degraded
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.labels import Labels

EDGE = 128  # scan voxels along an edge of the part that is looked at


def consistency_map(
    volume: Labels, low_res: Labels, problem: Problem, degradation: Degradation, index: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return a slice of the scan, and whether the degraded volume shows the scan's phase in each of its voxels.

    Args:
        volume: The high-resolution volume, of the scan's shape times the scale.
        low_res: The scan.
        problem: Scale and phases.
        degradation: The model of the instrument, built for ``problem``.
        index: Slice of the scan along axis 0; the middle one if None. Its middle, at most 128² voxels, is looked at.

    Returns:
        uint8 labels (rows, columns) and booleans of the same shape.
    """
    shape = low_res.grid.shape
    index = shape[0] // 2 if index is None else index
    edge = [min(n, EDGE) for n in shape[1:]]
    top, left = ((n - e) // 2 for n, e in zip(shape[1:], edge, strict=True))
    core = Region((index, top, left), (index + 1, top + edge[0], left + edge[1]))
    window = core.grown(degradation.halo, shape)
    labels = volume.read(window.scaled(problem.scale))
    seen = degraded(degradation, labels, len(problem.phases), window)
    truth = low_res.read(core)
    right = agrees(seen[:, *core.within(window)], truth)
    return truth[0], right[0]
