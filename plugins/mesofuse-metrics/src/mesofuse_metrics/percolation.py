"""Share of each phase that connects opposite faces of the volume."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import AXES
from mesofuse_metrics.components import boxed, components
from mesofuse_metrics.options import ConnectivityOptions
from mesofuse_metrics.reasons import ABSENT, unless


class Percolation:
    """Share of a phase's voxels that lie in components which touch both ends of the volume along an axis.

    Formula: P_i,a = Σ N_c / N_i over the components c of phase i with a voxel in the first and one in the last layer
    normal to axis a. Unit: none; NaN for a phase that is not there.
    Convention: voxels are joined by faces (as flow is in finite volumes) unless ``connectivity`` says otherwise; the
    other sides of the volume are walls, nothing is periodic. Ignored voxels join nothing; the ends of a volume that has
    some are the sides of the smallest box around the others.
    """

    needs: ClassVar[Needs] = Needs(three_d=True, bytes_per_voxel=8, masked=True)

    def __init__(self, options: ConnectivityOptions | None = None) -> None:
        """Take how voxels are joined."""
        self.connectivity = (options or ConnectivityOptions()).connectivity

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Find the components once, then those that cross along each axis."""
        found = components(boxed(labels, context.masked), self.connectivity)
        results: list[Result] = []
        for axis, name in enumerate(AXES):
            crossing = found.crossing(axis)
            for phase in context.phases:
                own = found.phase[1:] == phase.value
                voxels = found.sizes[1:][own].sum()
                share = found.sizes[1:][own & crossing[1:]].sum() / voxels if voxels else np.nan
                results.append(
                    Measurement("percolation", Of(phase.name, along=name), float(share), reason=unless(share, ABSENT))
                )
        return results
