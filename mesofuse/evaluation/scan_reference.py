"""The scan that results are held against: how it goes with them, and what its instrument shows."""

from __future__ import annotations

from dataclasses import dataclass

from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.described import Described
from mesofuse.volumes.grid import Scale
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.phases import PhaseMatch


@dataclass(frozen=True)
class ScanReference:
    """A scan with all that comparing a volume with it takes.

    Attributes:
        low_res: The scan.
        match: Which phases each of its phases shows.
        scale: Voxels of a result along one of the scan's; None: the quotient of the shapes.
        degradation: The model of the instrument, built; None where there is none, and nothing can be compared.
    """

    low_res: Labels
    match: PhaseMatch
    scale: Scale | None = None
    degradation: Degradation | None = None

    @classmethod
    def of(cls, problem: Problem, low_res: Labels | None, degradation: Degradation | None) -> ScanReference | None:
        """Return the scan of a problem, with the problem's phases; None without a scan or an instrument."""
        if low_res is None or degradation is None:
            return None
        return cls(Described.of(low_res, phases=problem.low_phases), problem.match, problem.scale, degradation)

    def scale_of(self, volume: Labels) -> Scale:
        """Return the scale factor: what is given, or the quotient of the shapes."""
        if self.scale is not None:
            return self.scale
        high, low = volume.grid.shape, self.low_res.grid.shape
        return (high[0] / low[0], high[1] / low[1], high[2] / low[2])
