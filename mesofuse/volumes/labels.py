"""Labels with their grid and phases, in memory or anywhere that can be read by region.

Where there are no phases, the voxels hold intensities from 0 to 255 instead: grey values, or colours with a leading
axis of 3 (red, green, blue).
"""

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
        """Phases, by value 0 … n−1; none for intensities."""
        ...

    def read(self, region: Region) -> np.ndarray:
        """Return the uint8 labels of a region, or its intensities; those of colours are (3, *region.shape)."""
        ...


def is_masked(labels: Labels) -> bool:
    """Return whether labels may hold `mesofuse.volumes.phases.IGNORED`; only what says so by ``masked`` may."""
    return bool(getattr(labels, "masked", False))


@dataclass(frozen=True)
class LabelArray:
    """Labels held in memory; a stack of 2D images is one, with the images along axis 0.

    Attributes:
        array: uint8 labels (z, y, x), each below ``len(phases)``; or grey values (z, y, x), or colours (3, z, y, x).
        grid: Its grid; ``grid.shape == array.shape[-3:]``.
        phases: Its phases; none for intensities.
        masked: Whether there are voxels of the label `mesofuse.volumes.phases.IGNORED`, which are no material.
    """

    array: np.ndarray
    grid: Grid
    phases: tuple[Phase, ...]
    masked: bool = False

    def read(self, region: Region) -> np.ndarray:
        """Return the labels of a region (a view)."""
        view: np.ndarray = self.array[(..., *region.slices)]
        return view
