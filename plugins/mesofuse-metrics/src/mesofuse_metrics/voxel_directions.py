"""The 13 directions to a voxel's neighbours, and the share of all directions that each stands for."""

from __future__ import annotations

import functools
import math

import numpy as np

from mesofuse.interfaces.metric import MetricContext
from mesofuse.volumes.grid import Scale, Triple

STEPS: tuple[Triple, ...] = (
    (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, -1),
    (1, 0, 0), (1, 0, 1), (1, 0, -1), (1, 1, 0), (1, -1, 0), (1, 1, 1), (1, 1, -1), (1, -1, 1), (1, -1, -1),
)  # fmt: skip
IN_PLANE = 4  # the first ones: those of an image


def steps(context: MetricContext) -> tuple[Triple, ...]:
    """Return the 13 steps (z, y, x) of a volume, or the 4 in the plane of an image."""
    return STEPS[:IN_PLANE] if context.planar else STEPS


def length(step: Triple, voxel_size: Scale) -> float:
    """Return the length of a step in the unit of the voxel size."""
    return math.sqrt(sum((s * v) ** 2 for s, v in zip(step, voxel_size, strict=True)))


@functools.lru_cache(maxsize=64)
def weights(voxel_size: Scale, planar: bool) -> tuple[float, ...]:
    """Return for each step the share of all directions that lie nearest to it; they sum to 1.

    In space the shares are the areas of the spherical Voronoi cells of the 26 directions, in a plane the angles halfway
    to the neighbours; voxels need not be cubes.
    """
    if planar:
        angles = np.array([math.atan2(s[1] * voxel_size[1], s[2] * voxel_size[2]) % math.pi for s in STEPS[:IN_PLANE]])
        order = np.argsort(angles)
        gaps = np.diff(np.append(angles[order], angles[order[0]] + math.pi))
        share = np.empty(IN_PLANE)
        share[order] = (gaps + np.roll(gaps, 1)) / (2 * math.pi)
        return tuple(share.tolist())
    from scipy.spatial import SphericalVoronoi

    vectors = np.array(STEPS) * np.array(voxel_size)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    areas = SphericalVoronoi(np.concatenate([vectors, -vectors])).calculate_areas()
    return tuple(((areas[:13] + areas[13:]) / (4 * math.pi)).tolist())
