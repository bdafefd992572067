"""Two-point probability functions: how likely two points a distance apart lie in given phases."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Curve, MetricContext, Needs, Result
from mesofuse.volumes.grid import AXES, Triple
from mesofuse_metrics.options import TwoPointOptions
from mesofuse_metrics.pair_counts import pair_counts
from mesofuse_metrics.pieces import label
from mesofuse_metrics.voxel_directions import length, steps, weights


class TwoPointCorrelation(AdditiveMetric):
    """S2(r), and its cross-correlations, along each axis and averaged over directions.

    Formula: S_ij(r) = probability that of two points r apart one lies in phase i and the other in phase j, counted in
    both orders and halved for i ≠ j; S_ii is Torquato's S2: S2(0) = φ, S2(∞) = φ², slope −s/4 at 0 with s the area
    per volume. Curves over r in the unit of length; no unit.
    Convention: all pairs of voxels that lie in the volume, neither of them ignored, count, none across its ends
    (not periodic); every value is
    divided by the number of pairs at its own distance. ``radial`` averages the 13 directions to a voxel's neighbours (4
    in an image), weighted by the share of directions that each stands for, by linear interpolation between voxels.
    Source: Torquato, Random Heterogeneous Materials (2002), ch. 2.
    """

    needs: ClassVar[Needs] = Needs(max_phases=16, masked=True)

    def __init__(self, options: TwoPointOptions | None = None) -> None:
        """Take the largest distance, and what to count."""
        self.options = options or TwoPointOptions()

    def reach(self, context: MetricContext) -> Triple:
        """Look as far as the largest distance."""
        lags = self.options.lags
        return (0 if context.planar else lags, lags, lags)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count pairs of voxels along the axes, or along all 13 directions for the radial average."""
        counts, totals = pair_counts(block, self._steps(block.context), self.options.lags, self._pairs(block.context))
        return {"counts": counts, "totals": totals}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Divide by the pairs there are; distances that the volume does not have are left out."""
        ways, voxel = self._steps(context), context.grid.voxel_size
        curves: list[Result] = []
        for j, (one, other) in enumerate(self._pairs(context)):
            named = label(context.phases, (one,) if one == other else (one, other))
            metric = "two-point-correlation" if one == other else "cross-correlation"
            lines = {}
            for i, step in enumerate(ways):
                known = counts["totals"][i] > 0
                halved = 1 if one == other else 2
                probability = counts["counts"][i, known, j] / counts["totals"][i, known] / halved
                lines[step] = (np.flatnonzero(known) * length(step, voxel), probability)
            for step, (r, s2) in lines.items():
                if sum(map(abs, step)) == 1:
                    curves.append(_curve(metric, named.to(along=AXES[step.index(1)]), r, s2, context))
            if self.options.radial:
                r, s2 = radial_mean(lines, weights(voxel, context.planar), min(voxel[1:]))
                curves.append(_curve(metric, named.to(along="radial"), r, s2, context))
        return curves

    def _steps(self, context: MetricContext) -> tuple[Triple, ...]:
        ways = steps(context)
        return ways if self.options.radial else tuple(s for s in ways if sum(map(abs, s)) == 1)

    def _pairs(self, context: MetricContext) -> list[tuple[int, int]]:
        count = len(context.phases)
        return [(i, j) for i in range(count) for j in range(i, count) if i == j or self.options.cross]


def radial_mean(
    lines: dict[Triple, tuple[np.ndarray, np.ndarray]], shares: tuple[float, ...], spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean of curves along directions at multiples of ``spacing`` that all of them reach."""
    furthest = min(r[-1] if len(r) else 0.0 for r, _ in lines.values())
    at = np.arange(int(furthest / spacing + 1e-9) + 1) * spacing
    mean = sum(w * np.interp(at, r, y) for w, (r, y) in zip(shares, lines.values(), strict=True))
    return at, np.asarray(mean)


def _curve(metric: str, name: str, r: np.ndarray, y: np.ndarray, context: MetricContext) -> Curve:
    return Curve(metric, name, tuple(r.tolist()), tuple(y.tolist()), context.grid.symbol)
