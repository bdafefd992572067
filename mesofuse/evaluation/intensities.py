"""Measuring a volume of grey values or colours against its images."""

from __future__ import annotations

import math

from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.intensity_statistics import LAGS, IntensityStatistics, histogram_distance, statistics_of
from mesofuse.volumes.labels import Labels

COLOURS = ("red", "green", "blue")


def measure_intensities(volume: Labels, inputs: FusionInputs, name: str = "fused") -> tuple[Measured, Measured]:
    """Return the values of a result and those of its images.

    Mean and standard deviation are on the scale 0 to 255. The variogram at r is half the mean squared difference of
    voxels r apart along the axes in the planes that an image shows: the variance minus the autocovariance. The
    histogram distance is the earth mover's from the image, in grey values. Where there are several images, all is given
    for each.
    """
    made = statistics_of(volume)
    result, image = Measured(name, volume.grid), Measured("image", inputs.images[0].grid)
    groups = {axes: statistics_of(stack) for axes, stack in inputs.groups.items()}
    for axes, target in groups.items():
        prefix = f"normal to {', '.join(axes)}: " if len(groups) > 1 else ""
        planes = [a for letter in axes for a in range(3) if AXES[a] != letter]
        result.results += _values(made, planes, prefix)
        image.results += _values(target, [1, 2], prefix)
        result.results += [
            Measurement("histogram-distance", prefix + channel, float(distance))
            for channel, distance in zip(_channels(made), histogram_distance(made, target), strict=True)
        ]
    return result, image


def _channels(of: IntensityStatistics) -> tuple[str, ...]:
    return COLOURS if len(of.histogram) == 3 else ("grey",)


def _values(of: IntensityStatistics, axes: list[int], prefix: str) -> list[Measurement]:
    curves = of.variogram(axes)
    found = []
    for i, channel in enumerate(_channels(of)):
        label = prefix + channel
        found.append(Measurement("intensity-mean", label, float(of.mean[i])))
        found.append(Measurement("intensity-deviation", label, float(of.deviation[i])))
        for lag, value in zip(LAGS, curves[i], strict=True):
            if math.isfinite(value):
                unit = f"{lag} voxel{'s' * (lag > 1)}"
                found.append(Measurement("variogram", f"{label}, {unit}", float(value)))
    return found
