"""Variogram of grey values and colours: how unlike voxels are at a distance."""

from __future__ import annotations

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Curve, Measurement, MetricContext, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.content import CHANNELS
from mesofuse.volumes.grid import AXES, Triple
from mesofuse.volumes.intensity_statistics import LAGS, pairs_of
from mesofuse_metrics.images import compared
from mesofuse_metrics.options import IntensityOptions
from mesofuse_metrics.pieces import directions


class Variogram(AdditiveMetric):
    """Half the mean squared difference of voxels at a distance along the axes.

    Formula: γ(r) = ½ ⟨(v(x) − v(x + r))²⟩, the variance minus the autocovariance; at 1, 2, 4, 8 and 16 voxels, the mean
    over the axes. Unit: none, squares of values on the scale 0 to 255. Convention: pairs inside the volume alone. Where
    there are images for several directions, one value for the planes that each shows.
    Source: Matheron (1963).
    """

    def __init__(self, options: IntensityOptions | None = None) -> None:
        """Take no options."""

    def reach(self, context: MetricContext) -> Triple:
        """Look as far as the largest distance."""
        return (0 if context.stack else LAGS[-1], LAGS[-1], LAGS[-1])

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count pairs that begin in the piece, and sum up their squared differences."""
        squares, pairs = pairs_of(block.labels, block.core, block.window)
        return {"squares": squares, "pairs": pairs}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Divide; a distance at which there are no pairs is left out."""
        groups = compared(context) if context.images and not context.stack else []
        several = [normals for normals, _ in groups if normals]
        found: list[Result] = []
        for normals in several or [""]:
            axes = [a for letter in normals for a in range(3) if AXES[a] != letter] or list(directions(context))
            squares, pairs = counts["squares"][:, axes].sum(1), counts["pairs"][axes].sum(0)
            for channel, sums in zip(CHANNELS[context.content], squares, strict=True):
                known = [(lag, float(0.5 * s / n)) for lag, s, n in zip(LAGS, sums, pairs, strict=True) if n]
                for lag, value in known:
                    what = Of(channel, f"{lag} voxel{'s' * (lag > 1)}", normals=normals)
                    found.append(Measurement("variogram", what, value, per_voxel=True))
                if known:
                    x, y = zip(*known, strict=True)
                    what = Of(channel, normals=normals)
                    found.append(Curve("variogram", what, tuple(map(float, x)), y, "voxel", per_voxel=True))
        return found
