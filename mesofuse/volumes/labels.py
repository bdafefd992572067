"""Labels with their grid and phases, in memory or anywhere that can be read by region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.phases import Phase


class Labels(Protocol):
    """Anything that has a grid and phases and gives its labels by region (an array, a zarr volume)."""

    @property
    def grid(self) -> Grid:
        """Shape, voxel size, unit and origin."""
        ...

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Phases, by value 0 … n−1."""
        ...

    def read(self, region: Region) -> np.ndarray:
        """Return the uint8 labels of a region."""
        ...


@dataclass(frozen=True)
class LabelArray:
    """Labels held in memory; a stack of 2D images is one, with the images along axis 0.

    Attributes:
        array: uint8 labels (z, y, x), each below ``len(phases)``.
        grid: Its grid; ``grid.shape == array.shape``.
        phases: Its phases.
    """

    array: np.ndarray
    grid: Grid
    phases: tuple[Phase, ...]

    def read(self, region: Region) -> np.ndarray:
        """Return the labels of a region (a view)."""
        view: np.ndarray = self.array[region.slices]
        return view
