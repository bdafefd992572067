"""Where pictures lie: volumes brought to one unit and space, a field of view cut from a plane, a length for its bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid, Region, Scale
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.units import convert


@dataclass(frozen=True)
class Box:
    """A rectangle of a plane, in physical coordinates of its rows and columns (edges, not voxel centres)."""

    top: float
    left: float
    height: float
    width: float

    @classmethod
    def centred(cls, grid: Grid, axis: int, height: float, width: float) -> Box:
        """Return the box about the middle of a grid's planes normal to ``axis``, moved to fall on voxel edges."""
        corner = []
        for i, side in zip(in_plane(axis), (height, width), strict=True):
            voxel = grid.voxel_size[i]
            first = max(0, math.floor((grid.extent[i] - side) / 2 / voxel + 1e-6))
            corner.append(grid.origin[i] + (first - 0.5) * voxel)
        return cls(corner[0], corner[1], height, width)


@dataclass(frozen=True)
class Picture:
    """A part of a plane.

    Attributes:
        labels: uint8 labels (rows, columns) of all voxels that lie in the part, the cut ones too; or intensities, those
            of colours (3, rows, columns).
        extent: Left, right, bottom and top edge of the labels, rows counted downwards.
        box: The part that was asked for.
    """

    labels: np.ndarray
    extent: tuple[float, float, float, float]
    box: Box


def in_plane(axis: int) -> tuple[int, int]:
    """Return the axes of the rows and columns of a plane normal to ``axis``."""
    rows, columns = (i for i in range(3) if i != axis)
    return rows, columns


def field_of_view(grid: Grid, axis: int, voxels: int, within: Sequence[float] | None = None) -> tuple[float, float]:
    """Return height and width of what is shown of a plane normal to ``axis``: all of it where that is not too much.

    At most a square of ``voxels`` of the finer voxel size along each side; of a strip, which is narrower than that, as
    much of its length as has the area of the square.

    Args:
        grid: The plane's grid.
        axis: What the plane is normal to.
        voxels: The edge of the square.
        within: Height and width that are not exceeded, or None.
    """
    rows, columns = in_plane(axis)
    edge = voxels * min(grid.voxel_size[rows], grid.voxel_size[columns])
    high, wide = min(grid.extent[rows], edge), min(grid.extent[columns], edge)
    height, width = min(grid.extent[rows], edge * edge / wide), min(grid.extent[columns], edge * edge / high)
    return (height, width) if within is None else (min(height, within[0]), min(width, within[1]))


def read_picture(labels: Labels, grid: Grid, axis: int, index: int, box: Box) -> Picture:
    """Read the part of a plane that lies in a box; ``grid`` is where the labels lie."""
    start, stop = [0, 0, 0], [0, 0, 0]
    start[axis], stop[axis] = index, index + 1
    edges = []
    for i, low, side in zip(in_plane(axis), (box.top, box.left), (box.height, box.width), strict=True):
        voxel, corner = grid.voxel_size[i], grid.origin[i] - grid.voxel_size[i] / 2
        start[i] = max(0, math.floor((low - corner) / voxel + 1e-6))
        stop[i] = min(grid.shape[i], math.ceil((low + side - corner) / voxel - 1e-6))
        edges.append((corner + start[i] * voxel, corner + stop[i] * voxel))
    if any(a >= b for a, b in zip(start, stop, strict=True)):
        raise UserError("The volumes lie apart and share no field of view; is the scan another sample's?")
    region = Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    (top, bottom), (left, right) = edges
    return Picture(labels.read(region).squeeze(axis - 3), (left, right, bottom, top), box)


def shares(labels: np.ndarray, phases: int) -> list[float]:
    """Return each phase's share of the labels that are not ignored."""
    counts = np.bincount(labels[labels != IGNORED], minlength=phases)
    return [float(c) / max(1, counts.sum()) for c in counts]


def place_image(grid: Grid, result: Grid, axis: int) -> Grid:
    """Return an image's grid in the result's unit; where a voxel size is unknown, with the result's voxels."""
    rows, columns = in_plane(axis)
    if grid.known and result.known:
        return _in_unit(grid, result.unit)
    voxel = (1.0, result.voxel_size[rows], result.voxel_size[columns])
    return replace(grid, voxel_size=voxel, unit=result.unit, origin=(0.0, 0.0, 0.0))


def place_scan(grid: Grid, result: Grid) -> Grid:
    """Return a scan's grid in the result's unit and space; where that is unknown, filling the result's space."""
    if grid.known and result.known:
        return _in_unit(grid, result.unit)
    if grid.known == result.known and _holds(grid, result):
        return grid
    voxel = _triple([e / n for e, n in zip(result.extent, grid.shape, strict=True)])
    steps = zip(result.origin, result.voxel_size, voxel, strict=True)
    return Grid(grid.shape, voxel, result.unit, _triple([o - v / 2 + w / 2 for o, v, w in steps]))


def _in_unit(grid: Grid, unit: str) -> Grid:
    voxel = _triple([convert(v, grid.unit, unit) for v in grid.voxel_size])
    return replace(
        grid, voxel_size=voxel, unit=unit, origin=_triple([convert(o, grid.unit, unit) for o in grid.origin])
    )


def _holds(outer: Grid, inner: Grid) -> bool:
    """Return whether a grid's space holds another's, but for a voxel."""
    for o, i, ov, iv, oe, ie in zip(
        outer.origin, inner.origin, outer.voxel_size, inner.voxel_size, outer.extent, inner.extent, strict=True
    ):
        start = (i - iv / 2) - (o - ov / 2)
        if start < -ov or start + ie > oe + ov:
            return False
    return True


def _triple(values: Sequence[float]) -> Scale:
    return (values[0], values[1], values[2])


def scale_bar(side: float, grid: Grid) -> tuple[float, str]:
    """Return a round length between a tenth and a quarter of a field's side, and how it reads with its unit.

    Where the unit is unknown, it counts the grid's voxels.
    """
    unit = 1.0 if grid.known else grid.voxel_size[-1]
    longest = side / unit / 4
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))
    text = f"{length:.10g}"
    return length * unit, f"{text} {grid.symbol}" if grid.known else f"{text} voxel{'s' * (length != 1)}"
