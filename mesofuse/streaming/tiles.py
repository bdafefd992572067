"""Canonical tiles: the one way to cut a volume that a model has, whatever the storage, the region or the workers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from mesofuse.interfaces.method import Model
from mesofuse.streaming.periodic import check_model
from mesofuse.volumes.grid import AXES, Region, Scale, Triple


@dataclass(frozen=True)
class Tile:
    """One canonical tile.

    Attributes:
        index: Its place in the grid of tiles.
        core: The scan voxels it owns.
        window: The core with the model's halo, ending where the volume ends, unless it goes on there (see `Tiling`).
        output: The high-resolution voxels that it makes.
    """

    index: Triple
    core: Region
    window: Region
    output: Region


@dataclass(frozen=True)
class Tiling:
    """How a scan is cut for a model.

    Attributes:
        shape: Shape of the scan.
        edge: Scan voxels of a tile per axis; the last tile of an axis ends where the volume ends.
        halo: Scan voxels that a tile needs beyond its own.
        scale: Output voxels along one scan voxel.
        periodic: Axes whose end continues into their start: windows go on beyond the ends.
        endless: Windows go on beyond the ends of all axes, since there is noise alone, which has no end.
    """

    shape: Triple
    edge: Triple
    halo: Triple
    scale: Scale
    periodic: str = ""
    endless: bool = False

    @classmethod
    def of(cls, model: Model, shape: Triple, periodic: str = "") -> Tiling:
        """Return the tiling of a model for a scan of ``shape``, or a grid of that shape without one.

        Raises:
            UserError: If the model can't make a volume of this shape periodic.
        """
        check_model(model, shape, periodic)
        endless = not model.problem.low_phases
        edge = model.tile if model.can_tile else shape
        halo = model.halo if model.can_tile or endless else (0, 0, 0)
        return cls(shape, edge, halo, model.scale, periodic, endless)

    @property
    def counts(self) -> Triple:
        """Tiles along each axis."""
        return tuple(-(-n // e) for n, e in zip(self.shape, self.edge, strict=True))  # type: ignore[return-value]

    @property
    def slot(self) -> Triple:
        """A shape that holds the output of any tile."""
        whole = Region.whole(self.edge).scaled(self.scale).shape
        return tuple(n + (s != int(s)) for n, s in zip(whole, self.scale, strict=True))  # type: ignore[return-value]

    @property
    def output(self) -> Region:
        """All high-resolution voxels."""
        return Region.whole(self.shape).scaled(self.scale)

    def tile(self, index: Triple) -> Tile:
        """Return the tile at a place in the grid of tiles."""
        start = tuple(i * e for i, e in zip(index, self.edge, strict=True))
        stop = tuple(min(n, a + e) for n, a, e in zip(self.shape, start, self.edge, strict=True))
        core = Region(start, stop)  # type: ignore[arg-type]
        return Tile(index, core, self._window(core), core.scaled(self.scale))

    def _window(self, core: Region) -> Region:
        beyond = tuple(h if self.endless or a in self.periodic else 0 for h, a in zip(self.halo, AXES, strict=True))
        inside = tuple(h - b for h, b in zip(self.halo, beyond, strict=True))
        return core.grown(inside, self.shape).grown(beyond)

    def touching(self, region: Region) -> Iterator[Tile]:
        """Give the tiles whose output meets a region of high-resolution voxels, in C order."""
        ranges = []
        for axis in range(3):
            wide = self.edge[axis] * self.scale[axis]
            first = max(0, int(region.start[axis] / wide) - 1)
            last = min(self.counts[axis], int(region.stop[axis] / wide) + 2)
            ranges.append(range(first, last))
        for index in itertools.product(*ranges):
            tile = self.tile(index)  # type: ignore[arg-type]
            if tile.output.intersect(region):
                yield tile
