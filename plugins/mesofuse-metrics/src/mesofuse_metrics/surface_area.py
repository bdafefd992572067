"""Interphase surface area as a share of voxel faces: the convention of the SuperRes paper and of taufactor 0.1."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Needs, Result
from mesofuse.volumes.grid import Triple
from mesofuse_metrics.options import NoOptions
from mesofuse_metrics.pieces import (
    AXES,
    MAX_BITS,
    bits,
    count_pairs,
    directions,
    inside,
    label,
    neighbours,
    slabs,
    tuples,
)


class SurfaceArea(AdditiveMetric):
    """Share of all faces between neighbouring voxels whose two sides are the phases i and j.

    Formula: A_ij = F_ij / F, with F_ij the faces between a voxel of phase i and one of phase j, and F all faces between
    two voxels of the volume (its outer faces, and those of ignored voxels, count in neither). Of an image, or of a
    stack of images, the edges between neighbouring pixels of the same image count. Unit: none; the value depends on the
    voxel size.
    Convention: faces are not corrected for the staircase, which makes a randomly oriented surface 1.5 times too large;
    `specific-surface-area` is. For an isotropic material A_ij of an image estimates that of the volume without bias.
    Source: Dahari et al., Advanced Energy Materials 2023, arXiv:2110.11281, Figure 2.
    """

    needs: ClassVar[Needs] = Needs(min_phases=2, masked=True)

    def __init__(self, options: NoOptions | None = None) -> None:
        """Take no options."""

    def reach(self, context: MetricContext) -> Triple:
        """Look one voxel further."""
        return (1, 1, 1)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count the faces of every pair of phases, and all faces."""
        phases = block.context.phases
        pairs = np.zeros(len(tuples(phases, 2)), np.int64)
        faces = 0
        for slab in slabs(block):
            marked = bits(slab.labels) if len(phases) <= MAX_BITS else slab.labels
            for axis in directions(block.context):
                one, other = neighbours(marked, slab, [(0, 0, 0), AXES[axis]])
                faces += inside((one, other), len(phases), block.context.masked)
                pairs += count_pairs(one, other, len(phases))
        return {"pairs": pairs, "faces": np.array(faces, np.int64)}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Divide by all faces; NaN where the volume is a single voxel."""
        faces = int(counts["faces"])
        return [
            Measurement(
                "surface-area",
                label(context.phases, pair),
                int(count) / faces if faces else float("nan"),
                per_voxel=True,
                reason="" if faces else "there is a single voxel, without neighbours",
            )
            for pair, count in zip(tuples(context.phases, 2), counts["pairs"], strict=True)
        ]
