"""A part of a volume, taken for a volume of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.phases import Phase


@dataclass(frozen=True)
class Part:
    """The labels of a region, read where they are; its first voxel is (0, 0, 0).

    Attributes:
        labels: The whole volume.
        region: What is taken of it.
    """

    labels: Labels
    region: Region

    @property
    def grid(self) -> Grid:
        """The part's grid, where it lies in the volume's space."""
        return self.labels.grid.cropped(self.region)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The volume's phases."""
        return self.labels.phases

    @property
    def masked(self) -> bool:
        """Whether the volume has ignored voxels."""
        return is_masked(self.labels)

    @property
    def chunks(self) -> Triple | None:
        """The volume's chunks, where it has any."""
        return getattr(self.labels, "chunks", None)

    def read(self, region: Region) -> np.ndarray:
        """Return the labels of a region of the part."""
        return self.labels.read(region.shifted(self.region.start))
