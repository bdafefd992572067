"""Two-point cluster function: how likely two points a distance apart lie in one cluster of a phase."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import Curve, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import AXES, Region
from mesofuse.volumes.phases import IGNORED
from mesofuse_metrics.components import component_ids
from mesofuse_metrics.options import ClusterOptions
from mesofuse_metrics.pieces import CACHED
from mesofuse_metrics.runs import run_axes


class TwoPointCluster:
    """C2(r) of each phase along each axis.

    Formula: C2(r) = probability that two points r apart along the axis lie in the same connected cluster of the phase:
    pairs of voxels in one cluster / all pairs of voxels at that distance, counted exactly. C2(0) = φ; C2 ≤ S2, and
    equal where the phase is one cluster; S2 − C2 is the share of pairs in two different clusters. Without a cluster
    that spans the material C2 falls to 0 with distance. Curves over r in the unit of length; no unit.
    Convention: voxels are joined by faces unless ``connectivity`` says otherwise (18 and 26 join an image's pixels by
    their corners too); images of a stack are not joined. Nothing is periodic: only pairs inside the volume count, and
    what is joined outside of it counts as apart, so subvolumes have less C2 than the whole. A phase that is not there
    has C2 = 0.
    Source: Torquato, Beasley, Chiew, J. Chem. Phys. 88 (1988) 6540.
    """

    needs: ClassVar[Needs] = Needs(bytes_per_voxel=8, masked=True)

    def __init__(self, options: ClusterOptions | None = None) -> None:
        """Take the largest distance and how voxels are joined."""
        self.options = options or ClusterOptions()

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Find the clusters, once for each image of a stack, and compare them at every distance."""
        axes = run_axes(context)
        far = {axis: min(self.options.lags, labels.shape[axis] - 1) for axis in axes}
        counts = {axis: np.zeros((len(context.phases), far[axis] + 1), np.int64) for axis in axes}
        for volume in np.split(labels, len(labels)) if context.stack else [labels]:
            ids, _ = component_ids(volume, self.options.connectivity)
            present = [p.value for p in context.phases if (volume == p.value).any()]
            for axis in axes:
                for lag in range(far[axis] + 1):
                    counts[axis][present, lag] += _pairs_in_one(ids, volume, axis, lag, present)
        results: list[Result] = []
        for axis in axes:
            n, k = labels.shape[axis], np.arange(far[axis] + 1)
            pairs = inside_pairs(labels, axis, k) if context.masked else labels.size // n * (n - k)
            k, pairs, inside = k[pairs > 0], pairs[pairs > 0], counts[axis][:, pairs > 0]
            x = tuple((k * context.grid.voxel_size[axis]).tolist())
            for phase in context.phases:
                y = tuple((inside[phase.value] / pairs).tolist())
                results.append(Curve("two-point-cluster", Of(phase.name, along=AXES[axis]), x, y, context.grid.symbol))
        return results


def inside_pairs(labels: np.ndarray, axis: int, lags: np.ndarray) -> np.ndarray:
    """Return how many pairs of voxels, neither of them ignored, lie each number of voxels apart along an axis."""
    known = np.moveaxis(labels != IGNORED, axis, 0)
    return np.array([np.count_nonzero(known[: len(known) - lag] & known[lag:]) for lag in lags.tolist()])


def _pairs_in_one(ids: np.ndarray, labels: np.ndarray, axis: int, lag: int, phases: list[int]) -> np.ndarray:
    """Count for each phase the pairs of voxels, ``lag`` apart, that have the same id."""
    n = labels.shape[axis]
    near, far = [slice(None)] * 3, [slice(None)] * 3
    near[axis], far[axis] = slice(n - lag), slice(lag, n)
    one, other, phase = ids[tuple(near)], ids[tuple(far)], labels[tuple(near)]
    counts = np.zeros(len(phases), np.int64)
    _, y, x = one.shape
    rows = max(1, CACHED // x)
    for block in Region.whole(one.shape).blocks((max(1, rows // y), min(y, rows), x)):
        same, of = one[block.slices] == other[block.slices], phase[block.slices]
        counts += [np.count_nonzero(same & (of == value)) for value in phases]
    return counts
