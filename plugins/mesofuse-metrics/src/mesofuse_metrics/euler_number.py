"""Euler number and integral of mean curvature per volume, from the histogram of 2×2×2 neighbourhoods."""

from __future__ import annotations

import functools
import itertools
import math
from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import Triple
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.quantities import power_unit
from mesofuse_metrics.options import EulerOptions
from mesofuse_metrics.pieces import neighbours, slabs
from mesofuse_metrics.reasons import THIN, unless

CORNERS = tuple(itertools.product((0, 1), repeat=3))  # (z, y, x); bit 4 z + 2 y + x of a neighbourhood's code


class EulerNumber(AdditiveMetric):
    """Two Minkowski functionals of each phase: Euler number and integral of mean curvature, per volume.

    Formula: χ = pieces − tunnels + enclosed hollows. Over all 2×2×2 neighbourhoods the vertices, edges, faces and cells
    of the phase's complex are added with alternating sign, each divided among the neighbourhoods that share it, so that
    the volume's sides add nothing of their own; per volume (unit 1/length³). Mean curvature: M = 2π times the Euler
    number per area of plane sections, averaged over the sections normal to the three axes (unit 1/length²; 4πR for a
    ball, negative where saddles and hollows prevail).
    Convention: ``connectivity`` 6 joins voxels by faces (and the rest by corners), 26 by corners; M takes isotropy.
    Source: Ohser, Mücklich, Statistical Analysis of Microstructures in Materials Science (2000), ch. 3 and 5.
    """

    needs: ClassVar[Needs] = Needs(three_d=True, masked=True)

    def __init__(self, options: EulerOptions | None = None) -> None:
        """Take how voxels are joined."""
        self.connectivity = (options or EulerOptions()).connectivity

    def reach(self, context: MetricContext) -> Triple:
        """Look one voxel further."""
        return (1, 1, 1)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count, for each phase, how often each of the 256 neighbourhoods occurs."""
        histogram = np.zeros((len(block.context.phases), 256), np.int64)
        masked = block.context.masked
        for slab in slabs(block):
            known = np.logical_and.reduce(neighbours(slab.labels != IGNORED, slab, CORNERS)) if masked else None
            for value in range(len(histogram)):
                mask = (slab.labels == value).view(np.uint8)
                corners = neighbours(mask, slab, CORNERS)
                code = sum((corner << np.uint8(bit) for bit, corner in enumerate(corners)), np.uint8(0))
                code = np.ravel(code) if known is None else np.asarray(code)[known]
                histogram[value] += np.bincount(code, minlength=256)
        return {"histogram": histogram}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Weigh the histogram; NaN where the volume has no neighbourhood."""
        z, y, x = context.grid.voxel_size
        euler, *sections = tables(self.connectivity)
        results: list[Result] = []
        for phase, histogram in zip(context.phases, counts["histogram"], strict=True):
            total = int(histogram.sum())
            mean = [float(histogram @ t) / total if total else math.nan for t in (euler, *sections)]
            why = unless(mean[0], THIN)
            curvature = 2 * math.pi * (mean[1] / (y * x) + mean[2] / (z * x) + mean[3] / (z * y)) / 3
            results += [
                Measurement(
                    "euler-number", Of(phase.name), mean[0] / (z * y * x), power_unit(context.grid, -3), reason=why
                ),
                Measurement("mean-curvature", Of(phase.name), curvature, power_unit(context.grid, -2), reason=why),
            ]
        return results


@functools.cache
def tables(connectivity: int) -> tuple[np.ndarray, ...]:
    """Return what each neighbourhood adds: to χ in space, and to χ of sections normal to z, y and x."""
    together = all if connectivity == 6 else any
    sign = 1 if connectivity == 6 else -1  # with corners joined, voxels are the complex's cells, not its vertices
    space, sections = np.zeros(256), np.zeros((3, 256))
    for code in range(256):
        filled = {corner: bool(code >> bit & 1) for bit, corner in enumerate(CORNERS)}
        for free in itertools.product((False, True), repeat=3):  # the axes along which a group of voxels extends
            for fixed in itertools.product(*[(0,) if f else (0, 1) for f in free]):
                group = [c for c in CORNERS if all(f or c[a] == fixed[a] for a, f in enumerate(free))]
                value = together(filled[c] for c in group) * (-1) ** sum(free) * len(group) / 8
                space[code] += sign * value
                for axis in (a for a in range(3) if not free[a]):
                    sections[axis, code] += value
    return space, *sections
