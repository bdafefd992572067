"""Local thickness: the diameter of the largest ball that fits into a phase around each of its points."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.metric import Curve, Measurement, MetricContext, Needs, Result
from mesofuse.volumes.grid import Scale
from mesofuse.volumes.quantities import power_unit
from mesofuse_metrics.options import ThicknessOptions


class LocalThickness:
    """Mean local thickness of each phase (of the pore: its pore size), and its distribution over the phase.

    Formula: t(x) = 2 max r over the balls of radius r that lie in the phase and hold x; radii are the distances of
    voxel centres from the nearest voxel centre outside. Mean over the phase's voxels; density p(t), ∫ p dt = 1. Units:
    length; 1/length. NaN for a phase that is not there or fills all.
    Convention: the volume's sides are no walls, so that balls go on beyond them; a voxel up to half a voxel off a ball
    still belongs to it, as balls of voxels have rough rims; ``levels`` sizes, evenly spaced, are told apart and t is
    rounded down to them. Known error: −1 to +1 voxel, so that features below 4 voxels are rough.
    Source: Hildebrand, Rüegsegger, J. Microsc. 185 (1997) 67.
    """

    needs: ClassVar[Needs] = Needs(three_d=True, bytes_per_voxel=16)

    def __init__(self, options: ThicknessOptions | None = None) -> None:
        """Take how many sizes are told apart, and the threads."""
        self.options = options or ThicknessOptions()

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Find the thickness of each phase."""
        results: list[Result] = []
        unit, per_unit = context.grid.symbol, power_unit(context.grid, -1)
        for phase in context.phases:
            mask = labels == phase.value
            if not mask.any() or mask.all():
                results.append(Measurement("local-thickness", phase.name, float("nan"), unit))
                continue
            sizes, voxels = self._thickness(mask, context.grid.voxel_size)
            results.append(Measurement("local-thickness", phase.name, float(np.average(sizes, weights=voxels)), unit))
            width = sizes[0] - sizes[1] if len(sizes) > 1 else sizes[0]
            x, y = sizes[::-1], (voxels / (voxels.sum() * width))[::-1]
            results.append(Curve("local-thickness", phase.name, tuple(x.tolist()), tuple(y.tolist()), unit, per_unit))
        return results

    def _thickness(self, mask: np.ndarray, voxel_size: Scale) -> tuple[np.ndarray, np.ndarray]:
        """Return sizes, decreasing, and the voxels whose thickness is each of them."""
        radius = _distance(mask, voxel_size, self.options.threads)
        largest = float(radius.max())
        smallest = min(voxel_size)  # every voxel of the phase holds a ball of one voxel
        levels = np.linspace(largest, smallest, self.options.levels) if largest > smallest else np.array([largest])
        rim = min(voxel_size) / 2
        voxels, covered = np.zeros(len(levels), np.int64), 0
        for i, level in enumerate(levels[:-1]):
            beyond = _distance(radius < level, voxel_size, self.options.threads)
            total = int(np.count_nonzero(mask & (beyond < level + rim)))
            voxels[i], covered = total - covered, total
        voxels[-1] = int(np.count_nonzero(mask)) - covered
        return 2 * levels, voxels


def _distance(mask: np.ndarray, voxel_size: Scale, threads: int) -> np.ndarray:
    """Return for each voxel of the mask how far the nearest voxel outside of it is; 0 outside."""
    try:
        import edt
    except ImportError as error:
        raise UserError(f"The metric 'local-thickness' needs the package edt, which is broken: {error}.") from None
    distance: np.ndarray = edt.edt(mask, anisotropy=voxel_size, black_border=False, parallel=threads)
    return distance
