"""Two-point covariance along 13 directions, and how far it is from isotropic."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Curve, Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import Triple
from mesofuse_metrics.options import CovarianceOptions
from mesofuse_metrics.pair_counts import pair_counts
from mesofuse_metrics.reasons import ABSENT, FILLS, THIN, unless
from mesofuse_metrics.two_point_correlation import radial_mean
from mesofuse_metrics.voxel_directions import length, steps, weights


class DirectionalCovariance(AdditiveMetric):
    """Normalised covariance of each phase along the 13 directions to a voxel's neighbours, and its isotropy error.

    Formula: χ_u(r) = (S2_u(r) − φ²) / (φ − φ²), 1 at r = 0 and 0 where points know nothing of each other. Isotropy
    error = root of the mean of (χ_u(r) − mean χ(r))², over r up to the largest distance that all directions have and
    over directions, weighted by the share of directions that each stands for. No unit; 0 for an isotropic material, up
    to the sample's noise (compare with the same of a reference). A network judged by slices along the axes alone can
    hide streaks along diagonals: the curves ``[1 1 0]`` … show them. Of an image, the 4 directions in its plane.
    Convention: pairs as in `two-point-correlation`. NaN and no curves for a phase that fills nothing or everything.
    """

    needs: ClassVar[Needs] = Needs(max_phases=16, masked=True)

    def __init__(self, options: CovarianceOptions | None = None) -> None:
        """Take the largest distance."""
        self.lags = (options or CovarianceOptions()).lags

    def reach(self, context: MetricContext) -> Triple:
        """Look as far as the largest distance."""
        return (0 if context.planar else self.lags, self.lags, self.lags)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count pairs of voxels of the same phase along each direction."""
        pairs = [(value, value) for value in range(len(block.context.phases))]
        counts, totals = pair_counts(block, steps(block.context), self.lags, pairs)
        return {"counts": counts, "totals": totals}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Normalise the curves and compare them."""
        voxel, ways = context.grid.voxel_size, steps(context)
        shares = weights(voxel, context.planar)
        results: list[Result] = []
        for value, phase in enumerate(context.phases):
            fraction = counts["counts"][0, 0, value] / counts["totals"][0, 0]
            variance = fraction - fraction**2
            lines = {}
            for i, step in enumerate(ways):
                known = counts["totals"][i] > 0
                s2 = counts["counts"][i, known, value] / counts["totals"][i, known]
                chi = (s2 - fraction**2) / variance if variance else np.full(len(s2), np.nan)
                lines[step] = (np.flatnonzero(known) * length(step, voxel), chi)
            at, mean = radial_mean(lines, shares, min(voxel[1:]))
            spread = sum(
                w * np.mean((np.interp(at, r, chi) - mean) ** 2)
                for w, (r, chi) in zip(shares, lines.values(), strict=True)
            )
            # A direction of one voxel tells nothing, and must not pass for one that is like the others.
            error = float(np.sqrt(spread)) if all(len(r) > 1 for r, _ in lines.values()) else float("nan")
            why = (FILLS if fraction else ABSENT) if not variance else THIN
            results.append(Measurement("isotropy-error", Of(phase.name), error, reason=unless(error, why)))
            if variance:
                for step, (r, chi) in lines.items():
                    x, y = tuple(r.tolist()), tuple(chi.tolist())
                    name = Of(phase.name, along=f"[{' '.join(map(str, step))}]")
                    results.append(Curve("directional-covariance", name, x, y, context.grid.symbol))
        return results
