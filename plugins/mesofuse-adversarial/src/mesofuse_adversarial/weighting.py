"""Weighted sums along axes, shared by the degradations: the same bits for a voxel whatever window it is computed in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Triple, scaled_edge


@dataclass(frozen=True)
class Taps:
    """Which high-resolution voxels make each scan voxel, along one axis.

    Attributes:
        index: High-resolution voxels in absolute coordinates, one row a scan voxel.
        weight: Their weights, of the same shape; each row sums to 1.
    """

    index: np.ndarray
    weight: np.ndarray


class Weighted(torch.nn.Module):
    """A scan whose voxels show weighted means of the phases; a subclass says the weights, by `taps`, and the halo.

    Args:
        problem: Its scale, and which image phases each scan phase shows.
        sharpness: Factor before the softmax over the shares.
    """

    halo: Triple
    # Powers of two, odd and non-integer factors, and 1 along z: a planar job.
    test_scales = (2, 4, (2.5, 3, 1.25), (1, 5.33, 1.6))

    def __init__(self, problem: Problem, sharpness: float) -> None:
        super().__init__()
        self._problem = problem
        self._sharpness = sharpness

    def taps(self, axis: int, start: int, stop: int) -> Taps:
        """Return what scan voxels start … stop−1 are made of along an axis."""
        raise NotImplementedError

    def shares(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Return the share of each scan phase in what a voxel sees; arguments and shape as `forward`."""
        x = shown(probabilities, self._problem)
        for axis, scale in enumerate(self._problem.scale):
            start = region.start[axis]
            x = reduce_axis(x, axis + 2, self.taps(axis, start, region.stop[axis]), start, scale)
        return x

    def forward(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Return how strongly each scan phase shows: (batch, low phases, *region.shape), summing to 1.

        Args:
            probabilities: (batch, phases, *region.scaled(scale).shape).
            region: The scan voxels that they fill.
        """
        return torch.softmax(self._sharpness * self.shares(probabilities, region), 1)


def shown(probabilities: torch.Tensor, problem: Problem) -> torch.Tensor:
    """Sum the image phases that each scan phase shows, on axis 1; integers become float32."""
    if not probabilities.is_floating_point():
        probabilities = probabilities.float()
    groups = [[probabilities[:, v] for v in values] for values in problem.match.shows]
    return torch.stack([sum(group[1:], group[0]) for group in groups], 1)


def reduce_axis(x: torch.Tensor, axis: int, taps: Taps, start: int, scale: float) -> torch.Tensor:
    """Sum along an axis by taps.

    Args:
        x: Values; along ``axis`` they fill the voxels of a window that starts at scan voxel ``start``. The
            first and last stand for all beyond.
        axis: Axis of ``x``.
        taps: One row for each scan voxel of the window.
        start: First scan voxel.
        scale: Scale factor of the axis.
    """
    # Parts are added one by one: a library's reduction may order its sum, and so its last bit, by the array's shape.
    weight = torch.from_numpy(taps.weight).to(x)
    count = weight.shape[1]
    if scale.is_integer() and _own(taps, start, int(scale)):
        parts = x.reshape(*x.shape[:axis], -1, int(scale), *x.shape[axis + 1 :]).unbind(axis + 1)
        first = int(taps.index[0, 0]) - start * int(scale)
        products = (parts[first + t] * weight[0, t] for t in range(count))
    else:
        index = torch.from_numpy(taps.index - scaled_edge(start, scale)).clamp(0, x.shape[axis] - 1).to(x.device)
        weight = weight.reshape(*weight.shape, *(1,) * (x.dim() - axis - 1))
        products = (x.index_select(axis, index[:, t]) * weight[:, t] for t in range(count))
    total = next(products)
    for product in products:
        total = total + product
    return total


def _own(taps: Taps, start: int, scale: int) -> bool:
    """Return whether every scan voxel is made of its own high-resolution voxels alone."""
    first = (start + np.arange(len(taps.index))) * scale
    return bool(np.all(taps.index[:, 0] >= first) and np.all(taps.index[:, -1] < first + scale))


def gaussian_weights(radius: int, sigma: float) -> np.ndarray:
    """Return a Gaussian sampled at −radius … radius, summing to 1."""
    values = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights: np.ndarray = values / math.fsum(values)
    return weights
