"""Lineal-path function: how likely a line segment lies wholly in a phase."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import Curve, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import AXES
from mesofuse_metrics.options import LinealPathOptions
from mesofuse_metrics.runs import inside_lengths, run_axes, run_lengths


class LinealPath:
    """L(r) of each phase along each axis.

    Formula: L(r) = share of all segments of length r along the axis, from a voxel's centre to another's within the
    volume, that lie in the phase; L(0) = φ. From runs: L(k h) = Σ_runs max(0, length − k) / (lines · (n − k)) for n
    voxels of size h a line. Curves over r in the unit of length; no unit.
    Convention: only segments inside the volume, none across its ends or over an ignored voxel.
    Source: Lu, Torquato, Phys. Rev. A 45 (1992) 922.
    """

    needs: ClassVar[Needs] = Needs(bytes_per_voxel=1, masked=True)

    def __init__(self, options: LinealPathOptions | None = None) -> None:
        """Take the largest distance."""
        self.lags = (options or LinealPathOptions()).lags

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Find the runs along each axis and add them up."""
        results: list[Result] = []
        for axis in run_axes(context):
            every, _ = run_lengths(labels, axis, len(context.phases))
            n = labels.shape[axis]
            lengths, k = np.arange(n + 1), np.arange(min(self.lags, n - 1) + 1)
            stretches = inside_lengths(labels, axis, context.masked)
            segments = np.array([int(stretches @ np.maximum(lengths - lag, 0)) for lag in k])
            k, segments = k[segments > 0], segments[segments > 0]
            x = tuple((k * context.grid.voxel_size[axis]).tolist())
            for phase, runs in zip(context.phases, every, strict=True):
                inside = np.array([int(runs @ np.maximum(lengths - lag, 0)) for lag in k])
                y = tuple((inside / segments).tolist())
                results.append(Curve("lineal-path", Of(phase.name, along=AXES[axis]), x, y, context.grid.symbol))
        return results
