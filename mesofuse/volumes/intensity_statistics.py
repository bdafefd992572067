"""Statistics of grey values and colours that add up over the pieces of a volume: histogram and variogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.labels import Labels

LAGS = (1, 2, 4, 8, 16)
"""Distances of the variogram in voxels."""
PIECE: Triple = (64, 128, 256)


@dataclass(frozen=True)
class IntensityStatistics:
    """Counts of one image or volume.

    Attributes:
        histogram: Voxels of each value 0 to 255: int64 (channels, 256).
        squares: Sums of squared differences of voxels at a distance along an axis: int64 (channels, 3, lags).
        pairs: How many such pairs there are: int64 (3, lags).
    """

    histogram: np.ndarray
    squares: np.ndarray
    pairs: np.ndarray

    def __add__(self, other: IntensityStatistics) -> IntensityStatistics:
        """Return the counts of two pieces together."""
        return IntensityStatistics(
            self.histogram + other.histogram, self.squares + other.squares, self.pairs + other.pairs
        )

    @property
    def mean(self) -> np.ndarray:
        """Mean of each channel, 0 to 255."""
        mean: np.ndarray = self.histogram @ np.arange(256) / self.histogram.sum(1)
        return mean

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation of each channel."""
        off = np.arange(256) - self.mean[:, None]
        found: np.ndarray = np.sqrt((self.histogram * off**2).sum(1) / self.histogram.sum(1))
        return found

    def variogram(self, axes: Sequence[int]) -> np.ndarray:
        """Return half the mean squared difference at each of `LAGS`, over some axes: (channels, lags).

        It is the variance minus the autocovariance. NaN where the image is shorter than the distance.
        """
        squares, pairs = self.squares[:, list(axes)].sum(1), self.pairs[list(axes)].sum(0)
        return np.where(pairs > 0, 0.5 * squares / np.maximum(pairs, 1), np.nan)


def statistics_of(labels: Labels) -> IntensityStatistics:
    """Return the counts of an image or volume of intensities, read piece by piece.

    Where axis 0 numbers separate images, leave it out of the axes of `IntensityStatistics.variogram`.
    """
    shape = labels.grid.shape
    parts = (_piece(labels, core, shape) for core in labels.grid.region.blocks(PIECE))
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def _piece(labels: Labels, core: Region, shape: Triple) -> IntensityStatistics:
    """Count the core's voxels, and the pairs whose first voxel lies in the core."""
    stop: Triple = tuple(min(b + LAGS[-1], n) for b, n in zip(core.stop, shape, strict=True))  # type: ignore[assignment]
    window = Region(core.start, stop)
    values = labels.read(window)
    return IntensityStatistics(histogram_of(values[(..., *core.within(window))]), *pairs_of(values, core, window))


def histogram_of(values: np.ndarray) -> np.ndarray:
    """Return how many voxels have each value 0 to 255: int64 (channels, 256).

    Args:
        values: uint8 intensities (z, y, x) or (channels, z, y, x).
    """
    channels = values.reshape(-1, *values.shape[-3:])
    return np.stack([np.bincount(channel.ravel(), minlength=256) for channel in channels])


def pairs_of(values: np.ndarray, core: Region, window: Region) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of squared differences and numbers of pairs whose first voxel lies in the core.

    Args:
        values: uint8 intensities of the window, (z, y, x) or (channels, z, y, x).
        core: The voxels that pairs begin in.
        window: The core, and beyond it up to the largest of `LAGS` towards the volume's end.

    Returns:
        `IntensityStatistics.squares` and `IntensityStatistics.pairs` of the core.
    """
    values = values.reshape(-1, *window.shape).astype(np.int32)
    squares = np.zeros((len(values), 3, len(LAGS)), np.int64)
    pairs = np.zeros((3, len(LAGS)), np.int64)
    for axis in range(3):
        for i, lag in enumerate(LAGS):
            shift = [lag if a == axis else 0 for a in range(3)]
            second = core.shifted(shift).intersect(window)
            if second is None:
                continue
            first = second.shifted([-s for s in shift])
            off = values[(..., *first.within(window))] - values[(..., *second.within(window))]
            squares[:, axis, i] = (off * off).sum(axis=(1, 2, 3), dtype=np.int64)
            pairs[axis, i] = second.size
    return squares, pairs


def histogram_distance(one: IntensityStatistics, other: IntensityStatistics) -> np.ndarray:
    """Return the earth mover's distance of two histograms in grey values, for each channel."""
    shares = [s.histogram.cumsum(1) / s.histogram.sum(1, keepdims=True) for s in (one, other)]
    distance: np.ndarray = np.abs(shares[0] - shares[1]).sum(1)
    return distance


def difference(
    made: IntensityStatistics, target: IntensityStatistics, axes: Sequence[int], target_axes: Sequence[int] = (1, 2)
) -> float:
    """Return how unlike an image the planes of a volume are: 0 for the same statistics.

    The mean over channels of: the distance of the histograms over the image's standard deviation, and the mean relative
    error of standard deviation and variogram.

    Args:
        made: The volume's.
        target: The image's.
        axes: The volume's axes that are compared.
        target_axes: The image's.
    """
    spread = np.maximum(target.deviation, 1.0)
    values = np.column_stack([made.deviation, made.variogram(axes)])
    truth = np.column_stack([target.deviation, target.variogram(target_axes)])
    errors = np.nanmean(np.abs(values - truth) / np.maximum(truth, 1.0), axis=1)
    return float(np.mean(histogram_distance(made, target) / spread + errors))
