"""Walking through labels slab by slab along z, as file formats want them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import Labels, is_masked

_SLAB_VOXELS = 2**25


def slabs(labels: Labels) -> Iterator[tuple[Region, np.ndarray]]:
    """Give whole-plane slabs in order of z, as thick as a chunk of a zarr volume (so that each chunk is read once).

    A chunk layer of more than 32 million voxels is read again for every part of it, to keep memory bounded.
    """
    _, rows, columns = shape = labels.grid.shape
    chunk = getattr(labels, "chunks", (64,))[0]
    thick = max(1, min(chunk, _SLAB_VOXELS // max(1, rows * columns)))
    for z in range(0, shape[0], thick):
        region = Region((z, 0, 0), (min(z + thick, shape[0]), rows, columns))
        yield region, labels.read(region)


def planes(labels: Labels) -> Iterator[np.ndarray]:
    """Give the planes (rows, columns) in order of z."""
    for _, slab in slabs(labels):
        yield from slab


class Crop:
    """A part of a volume, read by region, its own first voxel at (0, 0, 0)."""

    def __init__(self, labels: Labels, region: Region) -> None:
        self.labels, self.region = labels, region
        self.grid: Grid = labels.grid.cropped(region)
        self.phases, self.masked = labels.phases, is_masked(labels)

    def read(self, region: Region) -> np.ndarray:
        """Return the labels of a region of the part."""
        return self.labels.read(region.shifted(self.region.start))
