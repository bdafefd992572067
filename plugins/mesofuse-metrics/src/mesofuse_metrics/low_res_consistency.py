"""How far a volume agrees with the scan that it was made from."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from mesofuse.interfaces.degradation import agrees, degraded
from mesofuse.interfaces.metric import AdditiveMetric, Block, Measurement, MetricContext, Needs, Result
from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.mask import compared
from mesofuse_metrics.options import NoOptions

PIECE = 1 << 22  # one-hot values held at once


class LowResConsistency(AdditiveMetric):
    """Share of scan voxels that the volume, degraded as the instrument would, shows as the scan has them.

    Formula: C = |{v : D(x)_v = l_v}| / N, with D(x)_v the phase that shows most strongly in voxel v after the
    degradation D of the volume's one-hot labels x, l the scan, N its voxels; for each phase of the scan likewise.
    Unit: none. Convention: a phase that shows as strongly as the strongest to within 1e-4 counts as seen (an interface
    through the middle of a voxel is a tie). An image is compared with a scan one voxel thick, of scale 1 along z.
    Ignored voxels of the scan, and those in whose space every voxel of the volume is ignored, do not count.
    Phases that no scan phase shows are left to the degradation.
    Source: the voxel-wise condition of Dahari et al., Advanced Energy Materials 2023, arXiv:2110.11281.
    """

    needs: ClassVar[Needs] = Needs(low_res=True, masked=True)
    align: ClassVar[bool] = True

    def __init__(self, options: NoOptions | None = None) -> None:
        """Take no options."""

    def reach(self, context: MetricContext) -> Triple:
        """Look as far as the degradation does."""
        assert context.degradation is not None
        assert context.scale is not None
        z, y, x = (math.ceil(h * s) + 1 for h, s in zip(context.degradation.halo, context.scale, strict=True))
        return (z, y, x)

    def count(self, block: Block) -> dict[str, np.ndarray]:
        """Count the scan voxels of each phase, and those reproduced."""
        context = block.context
        assert context.low_res is not None
        assert context.degradation is not None
        assert context.scale is not None
        scale, halo, shape = context.scale, context.degradation.halo, context.low_res.grid.shape
        voxels = np.zeros(len(context.low_res.phases), np.int64)
        right = np.zeros_like(voxels)
        for low in _low_region(block.core, scale).blocks(_piece(scale, len(context.phases))):
            window = low.grown(halo, shape)
            labels = block.labels[window.scaled(scale).within(block.window)]
            seen = degraded(context.degradation, labels, len(context.phases), window)
            truth = context.low_res.read(low)
            known = compared(truth, block.labels[low.scaled(scale).within(block.window)], low, scale)
            right_here = agrees(seen[:, *low.within(window)], truth) & known
            voxels += np.bincount(truth[known], minlength=len(voxels))
            right += np.bincount(truth[right_here], minlength=len(voxels))
        return {"voxels": voxels, "right": right}

    def finish(self, counts: dict[str, np.ndarray], context: MetricContext) -> list[Result]:
        """Divide; NaN for a phase that the scan does not have."""
        assert context.low_res is not None
        voxels, right = counts["voxels"], counts["right"]
        shares = [("all", voxels.sum(), right.sum())]
        shares += list(zip([p.name for p in context.low_res.phases], voxels, right, strict=True))
        return [
            Measurement(
                "low-res-consistency",
                name,
                float(hit / n) if n else float("nan"),
                reason="" if n else "the scan does not have the phase",
            )
            for name, n, hit in shares
        ]


def _low_region(core: Region, scale: tuple[float, float, float]) -> Region:
    """Return the scan voxels that ``core`` is made of."""
    start, stop = (
        tuple(math.ceil(edge / s - 1e-6) for edge, s in zip(corner, scale, strict=True))
        for corner in (core.start, core.stop)
    )
    low = Region(start, stop)  # type: ignore[arg-type]
    if low.scaled(scale) != core:
        raise ValueError(f"The piece {core} is not made of whole scan voxels at scale {scale}.")
    return low


def _piece(scale: tuple[float, float, float], phases: int) -> Triple:
    """Return how many scan voxels to degrade at once, so that one-hot labels stay small."""
    edge = round((PIECE / phases) ** (1 / 3))
    z, y, x = (max(1, int(edge / s)) for s in scale)
    return (z, y, x)
