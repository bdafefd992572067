"""Mean of grey values and colours."""

from __future__ import annotations

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.content import CHANNELS
from mesofuse.volumes.intensity_statistics import histogram_of
from mesofuse_metrics.options import IntensityOptions


class IntensityMean(AdditiveMetric):
    """Mean value of each channel.

    Formula: m = Σ v N(v) / Σ N(v) with N(v) the voxels of value v. Unit: none, on the scale 0 to 255. Convention: every
    voxel counts.
    """

    def __init__(self, options: IntensityOptions | None = None) -> None:
        """Take no options."""

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count the voxels of each value."""
        return {"histogram": histogram_of(block.own)}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Take the mean."""
        histogram = counts["histogram"]
        means = histogram @ np.arange(256) / histogram.sum(1)
        channels = zip(CHANNELS[context.content], means, strict=True)
        return [Measurement("intensity-mean", Of(channel), float(mean)) for channel, mean in channels]
