"""Chord lengths: how far a line goes within a phase."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import Curve, Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.quantities import power_unit
from mesofuse_metrics.options import NoOptions
from mesofuse_metrics.reasons import ABSENT, unless
from mesofuse_metrics.runs import run_axes, run_lengths


class ChordLength:
    """Mean chord length of each phase along each axis, and the distribution of chords.

    Formula: mean chord l = 2 L_i / E_i, with L_i the length of all lines within phase i and E_i its ends inside the
    volume (a chord cut by the volume's side has one end, so there is no edge error). Unit: length; NaN without an end.
    Distribution: density p(l), ∫ p dl = 1, over the chords that end inside the volume at both sides; long chords are
    under-represented. Unit: 1/length.
    Convention: an ignored voxel cuts a chord as the volume's side does.
    Lines run along the voxels' centres; a run of k voxels is a chord of k voxel sizes. For an isotropic
    material l = 4 φ / s, with s the area per volume.
    Source: Torquato, Random Heterogeneous Materials (2002), ch. 2; Underwood, Quantitative Stereology (1970).
    """

    needs: ClassVar[Needs] = Needs(bytes_per_voxel=1, masked=True)

    def __init__(self, options: NoOptions | None = None) -> None:
        """Take no options."""

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Find the runs along each axis."""
        results: list[Result] = []
        for axis in run_axes(context):
            size = context.grid.voxel_size[axis]
            every, inner = run_lengths(labels, axis, len(context.phases))
            k = np.arange(every.shape[1])
            lines = labels.size // labels.shape[axis]
            for phase, all_runs, free in zip(context.phases, every, inner, strict=True):
                name = Of(phase.name, along=AXES[axis])
                ends = 2 * int(all_runs.sum()) - _ends_at_sides(labels, axis, phase.value, context.masked)
                mean = 2 * float(all_runs @ k) * size / ends if ends and lines else float("nan")
                why = "no line within the phase ends inside the volume" if all_runs.sum() else ABSENT
                results.append(Measurement("chord-length", name, mean, context.grid.symbol, reason=unless(mean, why)))
                if free.sum():
                    last = int(np.flatnonzero(free)[-1])
                    x, y = k[1 : last + 1] * size, free[1 : last + 1] / (free.sum() * size)
                    unit = power_unit(context.grid, -1)
                    results.append(
                        Curve("chord-length", name, tuple(x.tolist()), tuple(y.tolist()), context.grid.symbol, unit)
                    )
        return results


def _ends_at_sides(labels: np.ndarray, axis: int, value: int, masked: bool) -> int:
    """Return how many runs of a phase are cut by the volume's sides or by ignored voxels, each end counting."""
    ends = sum(int(np.count_nonzero(np.take(labels, side, axis) == value)) for side in (0, -1))
    if masked:
        lines = np.moveaxis(labels, axis, 0)
        for one, other in ((lines[1:], lines[:-1]), (lines[:-1], lines[1:])):
            ends += int(np.count_nonzero((one == value) & (other == IGNORED)))
    return ends
