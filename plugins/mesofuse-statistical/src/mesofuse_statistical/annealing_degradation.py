"""How much each voxel counts in what a degradation shows of a scan voxel, where that is all there is to it."""

from __future__ import annotations

import numpy as np

from mesofuse.interfaces.degradation import Degradation, SupportsShares
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region

WHOLE = 2**16
"""What the weights along an axis sum to, about."""
NEAR = 1e-5
SEED = 0


def own_weights(degradation: Degradation, problem: Problem) -> list[np.ndarray] | None:
    """Return the weights along z, y and x of a scan voxel's own voxels, as whole numbers.

    A voxel's weight is the product of its three. None where a degradation is more than such a weighted mean of each
    scan voxel's own voxels, which is found by trying.

    Args:
        degradation: The model of the instrument, on the CPU.
        problem: Scale and phases.
    """
    import torch

    if any(degradation.halo) or not isinstance(degradation, SupportsShares) or not all(map(_whole, problem.scale)):
        return None
    edges = [round(s) for s in problem.scale]
    phases = len(problem.phases)
    low, shown = next((low, values[0]) for low, values in enumerate(problem.match.shows) if values)
    one = Region((0, 0, 0), (1, 1, 1))
    found = []
    for axis, edge in enumerate(edges):
        planes = torch.zeros((edge, phases, *edges))
        for i in range(edge):
            planes[i, shown].select(axis, i).fill_(1)
        found.append(degradation.shares(planes, one)[:, low].reshape(edge).double().numpy())
    two = Region((0, 0, 0), (2, 2, 2))
    volume = np.random.default_rng(SEED).random([2 * edge for edge in edges], dtype=np.float32)
    probabilities = torch.zeros((1, phases, *volume.shape))
    probabilities[0, shown] = torch.from_numpy(volume)
    seen = degradation.shares(probabilities, two)[0, low].numpy()
    blocks = volume.reshape(2, edges[0], 2, edges[1], 2, edges[2])
    expected = np.einsum("aibjck,i,j,k->abc", blocks, *found)
    if min(w.min() for w in found) < 0 or not np.allclose(seen, expected, atol=NEAR):
        return None
    return [np.rint(w * WHOLE).astype(np.int64) for w in found]


def _whole(scale: float) -> bool:
    return float(scale).is_integer()
