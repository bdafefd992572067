"""Interphase area per volume, by counting how often lines in 13 directions cross it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Needs, Result
from mesofuse.volumes.grid import Triple
from mesofuse.volumes.quantities import power_unit
from mesofuse_metrics.options import NoOptions
from mesofuse_metrics.pieces import MAX_BITS, bits, count_pairs, inside, label, neighbours, slabs, tuples
from mesofuse_metrics.reasons import THIN, unless
from mesofuse_metrics.voxel_directions import length, steps, weights


class SpecificSurfaceArea(AdditiveMetric):
    """Area of the interface between the phases i and j per volume.

    Formula (Crofton, Cauchy): S_V = 2 Σ_u w_u N_u / L_u over the 13 directions u to a voxel's neighbours, with N_u the
    steps along u from one phase to the other, L_u the length of all steps, and w_u the share of the sphere that lies
    nearest to u. Of an image the 4 directions in its plane are used: S_V of the volume if the material is isotropic.
    Unit: 1/length. Voxels need not be cubes.
    Convention: free of the staircase error of voxel faces. Unbiased where interfaces have all orientations; a flat
    interface is up to 7.3 % too small (normal to an axis) or 2.3 % too large. Features below a voxel are lost.
    Source: Legland, Kiêu, Devaux, Image Anal. Stereol. 26 (2007) 83; Underwood, Quantitative Stereology (1970).
    """

    needs: ClassVar[Needs] = Needs(min_phases=2, masked=True)

    def __init__(self, options: NoOptions | None = None) -> None:
        """Take no options."""

    def reach(self, context: MetricContext) -> Triple:
        """Look one voxel further."""
        return (1, 1, 1)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count, for each direction, the steps between each pair of phases and all steps."""
        phases, ways = block.context.phases, steps(block.context)
        crossings = np.zeros((len(ways), len(tuples(phases, 2))), np.int64)
        total = np.zeros(len(ways), np.int64)
        for slab in slabs(block):
            marked = bits(slab.labels) if len(phases) <= MAX_BITS else slab.labels
            for i, step in enumerate(ways):
                one, other = neighbours(marked, slab, [(0, 0, 0), step])
                total[i] += inside((one, other), len(phases), block.context.masked)
                crossings[i] += count_pairs(one, other, len(phases))
        return {"crossings": crossings, "steps": total}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Weigh the directions; NaN where the volume has no steps in some direction."""
        voxel = context.grid.voxel_size
        lengths = np.array([length(step, voxel) for step in steps(context)]) * counts["steps"]
        share = np.array(weights(voxel, context.planar))
        with np.errstate(divide="ignore", invalid="ignore"):
            areas = 2 * (share[:, None] * (counts["crossings"] / lengths[:, None])).sum(axis=0)
        unit = power_unit(context.grid, -1)
        return [
            Measurement(
                "specific-surface-area", label(context.phases, pair), float(area), unit, reason=unless(area, THIN)
            )
            for pair, area in zip(tuples(context.phases, 2), areas, strict=True)
        ]
