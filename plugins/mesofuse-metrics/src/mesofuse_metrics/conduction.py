"""Steady conduction through voxels by conjugate gradients, for paths too long and thin for successive relaxation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

RESIDUAL = 1e-8  # relative; the flux is then known to some six digits


@dataclass(frozen=True)
class System:
    """The balance of flux in each conducting voxel, A c = b.

    Attributes:
        matrix: A, sparse and symmetric.
        inflow: b.
        first: Voxels in the first layer.
        last: Voxels in the last layer.
        side: Conductance between a voxel of these layers and the face next to it.
    """

    matrix: Any
    inflow: np.ndarray
    first: np.ndarray
    last: np.ndarray
    side: float


def efficiency(conducting: np.ndarray, spacing: tuple[float, ...], tolerance: float, iterations: int) -> float | None:
    """Return D_eff / D_0 along the first axis.

    Finite volumes on the voxels; concentrations 1 and 0 on the faces normal to the first axis, half a voxel off the
    outermost voxels' centres; no flux through other sides.

    Args:
        conducting: Boolean array; each piece of it touches both faces.
        spacing: Edges of a voxel.
        tolerance: How far, relative, the fluxes in and out may differ.
        iterations: Give up after so many.

    Returns:
        The efficiency, or None where it did not converge.
    """
    from scipy.sparse import diags
    from scipy.sparse.linalg import cg

    system = _system(conducting, spacing)
    scaled = diags(1 / system.matrix.diagonal())
    found, failed = cg(system.matrix, system.inflow, rtol=RESIDUAL, atol=0, maxiter=iterations, M=scaled)
    into = system.side * float((1 - found[system.first]).sum())
    out = system.side * float(found[system.last].sum())
    if failed or not min(into, out) > 0 or abs(into - out) > tolerance * max(into, out):
        return None
    layers, area = conducting.shape[0], conducting[0].size
    return float((into + out) / 2 * layers * spacing[0] ** 2 / area)


def _system(conducting: np.ndarray, spacing: tuple[float, ...]) -> System:
    from scipy.sparse import coo_matrix, csr_matrix, diags

    count = int(np.count_nonzero(conducting))
    number = np.full(conducting.shape, -1, np.int32)
    number[conducting] = np.arange(count, dtype=np.int32)
    total = np.zeros(count)
    off = csr_matrix((count, count))
    for axis, size in enumerate(spacing):
        ahead, behind = (np.moveaxis(number, axis, 0)[part].ravel() for part in (slice(1, None), slice(None, -1)))
        joined = (ahead >= 0) & (behind >= 0)
        one, other = ahead[joined], behind[joined]
        pairs = coo_matrix((np.full(len(one), -1 / size**2), (one, other)), (count, count)).tocsr()
        off = off + pairs
        for ends in (one, other):
            total += np.bincount(ends, minlength=count) / size**2
    first, last = number[0][conducting[0]], number[-1][conducting[-1]]
    side = 2 / spacing[0] ** 2
    inflow = np.zeros(count)
    inflow[first] = side
    total[first] += side
    total[last] += side
    return System((off + off.T + diags(total)).tocsr(), inflow, first, last, side)
