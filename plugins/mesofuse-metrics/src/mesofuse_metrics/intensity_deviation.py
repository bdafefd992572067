"""Standard deviation of grey values and colours."""

from __future__ import annotations

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.content import CHANNELS
from mesofuse.volumes.intensity_statistics import histogram_of
from mesofuse_metrics.options import IntensityOptions


class IntensityDeviation(AdditiveMetric):
    """Standard deviation of each channel.

    Formula: σ² = Σ (v − m)² N(v) / Σ N(v) with N(v) the voxels of value v and m their mean. Unit: none, on the scale 0
    to 255. Convention: every voxel counts; the sum is divided by the number of voxels.
    """

    def __init__(self, options: IntensityOptions | None = None) -> None:
        """Take no options."""

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count the voxels of each value."""
        return {"histogram": histogram_of(block.own)}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Take the root of the mean square."""
        histogram = counts["histogram"]
        off = np.arange(256) - (histogram @ np.arange(256) / histogram.sum(1))[:, None]
        spreads = np.sqrt((histogram * off**2).sum(1) / histogram.sum(1))
        channels = zip(CHANNELS[context.content], spreads, strict=True)
        return [Measurement("intensity-deviation", Of(channel), float(spread)) for channel, spread in channels]
