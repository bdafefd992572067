"""Distance of the histogram of grey values or colours from the image's."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.content import CHANNELS
from mesofuse.volumes.intensity_statistics import histogram_of
from mesofuse_metrics.images import compared
from mesofuse_metrics.options import IntensityOptions


class HistogramDistance(AdditiveMetric):
    """Earth mover's distance of each channel's histogram from that of the image.

    Formula: d = Σ over v of |F(v) − F_image(v)| with F the share of voxels of at most the value v. Unit: none, on the
    scale 0 to 255: the mean difference of the sorted values. Convention: of several images the distance from each.
    Source: Rubner, Tomasi and Guibas (2000).
    """

    needs: ClassVar[Needs] = Needs(images=True)

    def __init__(self, options: IntensityOptions | None = None) -> None:
        """Take no options."""

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count the voxels of each value."""
        return {"histogram": histogram_of(block.own)}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Compare with each image."""
        assert context.images is not None
        found: list[Result] = []
        for normals, image in compared(context):
            distances = np.abs(_shares(counts["histogram"]) - _shares(histogram_of(image.array))).sum(1)
            for channel, distance in zip(CHANNELS[context.content], distances, strict=True):
                found.append(Measurement("histogram-distance", Of(channel, normals=normals), float(distance)))
        return found


def _shares(histogram: np.ndarray) -> np.ndarray:
    shares: np.ndarray = histogram.cumsum(1) / histogram.sum(1, keepdims=True)
    return shares
