"""Volume fraction of each phase."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse_metrics.options import NoOptions
from mesofuse_metrics.pieces import slabs


class VolumeFraction(AdditiveMetric):
    """Share of the voxels (of an image: of the pixels, an area fraction) that a phase fills.

    Formula: φ_i = N_i / N. Unit: none. Convention: every voxel counts whole, ignored ones not at all; an area
    fraction estimates the volume fraction without bias (Delesse 1847).
    """

    needs: ClassVar[Needs] = Needs(masked=True)

    def __init__(self, options: NoOptions | None = None) -> None:
        """Take no options."""

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count the voxels of each phase."""
        total = np.zeros(len(block.context.phases), np.int64)
        for slab in slabs(block):
            own = slab.own
            if len(total) <= 8:
                total += [np.count_nonzero(own == value) for value in range(len(total))]
            else:
                total += np.bincount(own.ravel(), minlength=len(total))[: len(total)]
        return {"voxels": total}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Divide by the voxels in all."""
        voxels = counts["voxels"]
        return [
            Measurement("volume-fraction", Of(phase.name), float(count / voxels.sum()))
            for phase, count in zip(context.phases, voxels, strict=True)
        ]
