"""Labels as they are, under another grid or other names of their phases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.phases import Phase


@dataclass(frozen=True)
class Described:
    """Labels read where they are.

    Attributes:
        labels: The labels.
        grid: Their grid, of the same shape.
        phases: Their phases, of the same number.
    """

    labels: Labels
    grid: Grid
    phases: tuple[Phase, ...]

    @classmethod
    def of(cls, labels: Labels, grid: Grid | None = None, phases: tuple[Phase, ...] | None = None) -> Described:
        """Return labels with what is given in place of their own."""
        return cls(labels, labels.grid if grid is None else grid, labels.phases if phases is None else phases)

    @property
    def masked(self) -> bool:
        """Whether there are ignored voxels."""
        return is_masked(self.labels)

    @property
    def chunks(self) -> Triple | None:
        """The labels' chunks, where they have any."""
        return getattr(self.labels, "chunks", None)

    def read(self, region: Region) -> np.ndarray:
        """Return the labels of a region."""
        return self.labels.read(region)
