"""How far a result depends on its input, measured by changing one voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mesofuse.volumes.grid import Region, Scale, Triple, scaled_edge

if TYPE_CHECKING:
    import torch


def reach(before: torch.Tensor, after: torch.Tensor, region: Region, voxel: Triple, scale: Scale) -> Triple:
    """Return how many input voxels away from ``voxel`` the results differ.

    Args:
        before: Result (batch, channels, *region.scaled(scale).shape).
        after: The result with the input at ``voxel`` changed.
        region: The input voxels.
        voxel: The one that was changed, in the coordinates of ``region``.
        scale: Output voxels along an input voxel.
    """
    changed = (before != after).flatten(0, 1).any(0).cpu().numpy()
    distances = []
    for axis in range(3):
        hit = np.flatnonzero(changed.any(axis=tuple(a for a in range(3) if a != axis)))
        owner = _owners(region.start[axis], region.stop[axis], scale[axis])[hit]
        distances.append(int(np.abs(owner - voxel[axis]).max()) if len(hit) else 0)
    return (distances[0], distances[1], distances[2])


def _owners(start: int, stop: int, scale: float) -> np.ndarray:
    """Return the input voxel that owns each output voxel along one axis."""
    counts = [scaled_edge(i + 1, scale) - scaled_edge(i, scale) for i in range(start, stop)]
    return np.repeat(np.arange(start, stop), counts)


def verdict(text: str, declared: Triple, measured: Triple) -> str:
    """Return a remark on a halo that is larger than needed; empty where it is exact."""
    return f"{text}: larger than needed." if tuple(declared) != measured else ""


def largest(reaches: list[Triple]) -> Triple:
    """Return the largest reach on each axis."""
    z, y, x = (max(r[axis] for r in reaches) for axis in range(3))
    return (z, y, x)
