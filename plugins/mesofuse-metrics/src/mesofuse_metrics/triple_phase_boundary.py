"""Length of the lines where three phases meet, per volume."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Needs, Result
from mesofuse.volumes.grid import Triple
from mesofuse.volumes.quantities import power_unit
from mesofuse_metrics.options import NoOptions
from mesofuse_metrics.pieces import MAX_BITS, bits, inside, label, neighbours, slabs, tuples
from mesofuse_metrics.reasons import THIN, unless

PLANES = (((0, 1, 0), (0, 0, 1)), ((1, 0, 0), (0, 0, 1)), ((1, 0, 0), (0, 1, 0)))  # spanned by the other two axes


class TriplePhaseBoundary(AdditiveMetric):
    """Length per volume of the lines along which the phases i, j and k meet.

    Formula: L_V = 2 P_A, with P_A the points per area where the three meet in planes of the grid: the voxel edges whose
    four voxels hold all three phases, per area of the plane, averaged over the three orientations of planes. Of an
    image its own plane alone is used, which estimates the volume's L_V if the material is isotropic.
    Unit: 1/length².
    Convention: counting edges by their length, as most tools do, adds the P_A of the three orientations; a line of
    voxel edges is a staircase, on average 1.5 times longer than the line itself, and 2/3 of that sum is this value.
    Lines of all orientations are assumed: one along an axis comes out at 2/3 of its length, one along a body diagonal
    15 % long; over all orientations it is 3 % too large (loops of single voxels; three phases that meet at 120°).
    An edge whose voxels hold four phases counts for every triple of them; one that touches an ignored voxel is none.
    Source: Saltykov's relation, Underwood, Quantitative Stereology (1970), ch. 4.
    """

    needs: ClassVar[Needs] = Needs(min_phases=3, max_phases=MAX_BITS, masked=True)

    def __init__(self, options: NoOptions | None = None) -> None:
        """Take no options."""

    def reach(self, context: MetricContext) -> Triple:
        """Look one voxel further."""
        return (1, 1, 1)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count, for planes normal to each axis, the edges of every triple of phases and all edges."""
        triples = tuples(block.context.phases, 3)
        points = np.zeros((3, len(triples)), np.int64)
        edges = np.zeros(3, np.int64)
        for slab in slabs(block):
            marked = bits(slab.labels)
            for axis in (0,) if block.context.planar else (0, 1, 2):
                down, right = PLANES[axis]
                corner = (down[0] + right[0], down[1] + right[1], down[2] + right[2])
                a, b, c, d = neighbours(marked, slab, [(0, 0, 0), down, right, corner])
                union = a | b | c | d
                if block.context.masked:
                    union = np.where((a != 0) & (b != 0) & (c != 0) & (d != 0), union, np.uint8(0))
                edges[axis] += inside((a, b, c, d), len(block.context.phases), block.context.masked)
                for i, triple in enumerate(triples):
                    points[axis, i] += _holding(union, triple, len(block.context.phases))
        return {"points": points, "edges": edges}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Turn points per area into length per volume; NaN where the volume has no edges of some orientation."""
        z, y, x = context.grid.voxel_size
        areas = (np.array([y * x, z * x, z * y]) * counts["edges"])[: 1 if context.planar else 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            density = 2 * (counts["points"][: len(areas)] / areas[:, None]).mean(axis=0)
        unit = power_unit(context.grid, -2)
        return [
            Measurement(
                "triple-phase-boundary", label(context.phases, triple), float(value), unit, reason=unless(value, THIN)
            )
            for triple, value in zip(tuples(context.phases, 3), density, strict=True)
        ]


def _holding(union: np.ndarray, triple: tuple[int, ...], phases: int) -> int:
    """Count the neighbourhoods that hold the three phases, and perhaps a fourth."""
    wanted = sum(1 << value for value in triple)
    return int(np.count_nonzero((union if phases == 3 else union & np.uint8(wanted)) == wanted))
