"""What scan and image together let expect of each voxel."""

from __future__ import annotations

import numpy as np

from mesofuse.interfaces.method import TileInput
from mesofuse.interfaces.problem import Problem
from mesofuse_statistical.shares import interpolated


def expected_shares(tile: TileInput, problem: Problem, shares: np.ndarray) -> np.ndarray:
    """Return each phase's probability at the result's voxels of a tile, (phases, *core.scaled(scale).shape).

    The scan's shares, interpolated trilinearly, are divided among the phases that each scan phase shows as the image
    has them; phases that no scan phase shows have their share of the image everywhere.

    Args:
        tile: The tile.
        problem: Scale, phases, and which shows which.
        shares: The image's share of each phase.
    """
    shows = problem.match.shows
    shape = tile.core.scaled(problem.scale).shape
    local = np.zeros((len(shares), *shape))
    free = [p.value for p in problem.match.free(problem.phases)]
    for low, share in enumerate(interpolated(tile, problem.scale, len(shows))):
        own = list(shows[low])
        total = shares[own].sum()
        for phase in own:
            part = shares[phase] / total if total > 0 else 1 / len(own)
            local[phase] += part * share
    if free:
        local *= 1 - shares[free].sum()
        local[free] = shares[free, None, None, None]
    whole = local.sum(0)
    found: np.ndarray = np.divide(local, whole, out=np.full(local.shape, 1 / len(local)), where=whole > 0)
    return found
