"""How many pieces each phase falls into, and how large the largest is."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.quantities import power_unit
from mesofuse_metrics.components import components
from mesofuse_metrics.options import ConnectivityOptions
from mesofuse_metrics.reasons import ABSENT, unless


class ConnectedComponents:
    """Components of each phase per volume, and the share of the phase that its largest component holds.

    Formula: n_i = components of phase i / volume (what is ignored left out; unit 1/length³); largest share = max N_c
    / N_i (no unit; NaN for an absent phase). Convention: voxels are joined by faces unless ``connectivity`` says
    otherwise; components cut by the volume's sides count whole, so small volumes have more of them; specks of one voxel
    count.
    """

    needs: ClassVar[Needs] = Needs(three_d=True, bytes_per_voxel=8, masked=True)

    def __init__(self, options: ConnectivityOptions | None = None) -> None:
        """Take how voxels are joined."""
        self.connectivity = (options or ConnectivityOptions()).connectivity

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Find the components and count them."""
        found = components(labels, self.connectivity)
        share = found.sizes.sum() / labels.size if context.masked else 1.0
        volume = float(np.prod(context.grid.extent)) * share
        results: list[Result] = []
        for phase in context.phases:
            sizes = found.sizes[1:][found.phase[1:] == phase.value]
            largest = float(sizes.max() / sizes.sum()) if len(sizes) else float("nan")
            results += [
                Measurement("connected-components", Of(phase.name), len(sizes) / volume, power_unit(context.grid, -3)),
                Measurement("largest-component", Of(phase.name), largest, reason=unless(largest, ABSENT)),
            ]
        return results
