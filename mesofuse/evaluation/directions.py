"""Images for several directions next to volumes: a volume's planes normal to an axis, and the mean of the images.

An image normal to z shows the directions y (rows) and x (columns), and so on: the rows of a plane run along the lower
of its two axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mesofuse.evaluation.subvolumes import Key, Sampled, collect
from mesofuse.interfaces.metric import Curve, Measured, Measurement
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import AXES, Grid, Region, Triple
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.phases import Phase
from mesofuse.volumes.quantities import conversion

ROWS, COLUMNS = "y", "x"  # what a metric calls the two directions of an image
_UNEQUAL = "It depends on the pixel size, which is not the same in the images of all directions."


@dataclass(frozen=True)
class Planes:
    """A volume as the stack of its planes normal to an axis.

    Attributes:
        labels: The volume.
        normal: The axis.
    """

    labels: Labels
    normal: int

    @property
    def order(self) -> Triple:
        """The volume's axes in the order of the stack's: the normal, rows, columns."""
        rows, columns = (a for a in range(3) if a != self.normal)
        return (self.normal, rows, columns)

    @property
    def grid(self) -> Grid:
        """The volume's grid, its axes in the stack's order."""
        grid, (z, y, x) = self.labels.grid, self.order
        shape, voxel, origin = grid.shape, grid.voxel_size, grid.origin
        return Grid(
            (shape[z], shape[y], shape[x]), (voxel[z], voxel[y], voxel[x]), grid.unit,
            (origin[z], origin[y], origin[x]),
        )  # fmt: skip

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The volume's phases."""
        return self.labels.phases

    def read(self, region: Region) -> np.ndarray:
        """Return the labels of a region of the stack."""
        start, stop = [0, 0, 0], [0, 0, 0]
        for axis, low, high in zip(self.order, region.start, region.stop, strict=True):
            start[axis], stop[axis] = low, high
        read = self.labels.read(Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])))
        lead = tuple(range(read.ndim - 3))
        return read.transpose(*lead, *(len(lead) + axis for axis in self.order))


def in_planes(label: str, normals: str) -> Of:
    """Return what a quantity of planes is of, for example ``pore | y/z (normal to z, y)`` for their rows."""
    of = Of.read(label)
    if of.along in (ROWS, COLUMNS):
        of = of.to(along="/".join(sorted({_shown(of.along, normal) for normal in normals}, key=AXES.index)))
    return of.to(normals=normals)


def of_planes(label: str) -> bool:
    """Return whether a quantity is one of planes (see `in_planes`), next to that of the whole."""
    return bool(Of.read(label).normals)


def _shown(direction: str, normal: str) -> str:
    """Return the volume's axis that the rows or columns of planes run along."""
    rows, columns = (a for a in AXES if a != normal)
    return rows if direction == ROWS else columns


def pooled(parts: Sequence[Sampled], normals: str) -> Sampled:
    """Return patches of planes normal to several axes as those of one, a patch of each in turn.

    Args:
        parts: The patches normal to each of the axes; as many of each as there will be of all.
        normals: The axes.
    """
    count = len(parts[0].regions)
    taken = [parts[i % len(parts)] for i in range(count)]
    regions = [part.regions[i] for i, part in enumerate(taken)]
    merged = replace(parts[0], values={}, curves={}, reasons={}, regions=regions)
    for key in parts[0].values:
        if all(key in part.values for part in parts):
            values = [part.values[key][i] for i, part in enumerate(taken)]
            merged.values[key] = np.array(values)
            merged.reasons[key] = [part.reasons[key][i] for i, part in enumerate(taken)]
    for key in parts[0].curves:
        merged.curves[key] = [curve for part in parts for curve in part.curves.get(key, [])]
    return renamed(merged, normals)


def renamed(sampled: Sampled, normals: str) -> Sampled:
    """Return patches with labels that say which axes their planes are normal to."""

    def name(key: Key) -> Key:
        return key[0], in_planes(key[1], normals)

    return replace(
        sampled,
        values={name(k): v for k, v in sampled.values.items()},
        units={name(k): v for k, v in sampled.units.items()},
        per_voxel={name(k) for k in sampled.per_voxel},
        curves={name(k): [replace(c, label=name(k)[1]) for c in v] for k, v in sampled.curves.items()},
        reasons={name(k): v for k, v in sampled.reasons.items()},
    )


def with_planes(sampled: Sampled, planes: Iterable[Sampled]) -> Sampled:
    """Return what was measured of a volume with what was measured of as many patches of its planes."""
    for more in planes:
        sampled = replace(
            sampled,
            values=sampled.values | more.values,
            units=sampled.units | more.units,
            per_voxel=sampled.per_voxel | more.per_voxel,
            curves=sampled.curves | more.curves,
            reasons=sampled.reasons | more.reasons,
        )
    return sampled


def mean_of_images(images: Mapping[str, Sampled]) -> Sampled:
    """Return what images for several directions say of the volume, and each image's own values next to it.

    A quantity without direction is the mean over the three axes of the image that is normal to each. One along an axis
    is the mean of the two planes that show this axis. Errors follow, as patch i is the mean of the images' patches i.

    Args:
        images: Patches of each image by the axes that it is normal to (all three of them), as many of each.
    """
    of = {axis: sampled for axes, sampled in images.items() for axis in axes}
    first = of[AXES[0]]
    even = _alike(images)
    skipped = {metric: why for sampled in images.values() for metric, why in sampled.skipped.items()}
    mean = replace(
        first, values={}, units={}, per_voxel=set(), curves={}, reasons={}, skipped=skipped,
        independent=min(sampled.independent for sampled in images.values()),
    )  # fmt: skip
    for metric, label in dict.fromkeys(k for sampled in images.values() for k in (*sampled.values, *sampled.curves)):
        if (metric, label) in first.per_voxel and not even:
            mean.skipped[metric] = _UNEQUAL
            continue
        for name, sources in _sources(label):
            _add(mean, (metric, name), [(of[axis], (metric, own)) for axis, own in sources])
    own = [renamed(sampled, axes) for axes, sampled in images.items()]
    if not even:
        own = [
            replace(s, values={k: v for k, v in s.values.items() if k not in s.per_voxel}, per_voxel=set()) for s in own
        ]
    return with_planes(mean, own)


def _sources(label: str) -> list[tuple[Of, list[tuple[str, Of]]]]:
    """Return what of the volume an image's value tells, each with the normals and values that it is the mean of."""
    of = Of.read(label)
    if of.along not in (ROWS, COLUMNS):
        return [(of, [(axis, of) for axis in AXES])]
    found: dict[str, list[tuple[str, Of]]] = {}
    for normal in AXES:
        for direction in (ROWS, COLUMNS):
            found.setdefault(_shown(direction, normal), []).append((normal, of.to(along=direction)))
    return [(of.to(along=axis), found[axis]) for axis in AXES]


def _add(mean: Sampled, key: Key, sources: Sequence[tuple[Sampled, Key]]) -> None:
    """Add the mean of several images' values of one quantity, and all their curves."""
    units = [sampled.units.get(own) for sampled, own in sources]
    if units[0] is not None and all(unit is not None for unit in units):
        factors = [conversion(unit or "", units[0]) for unit in units]
        if None not in factors:
            values = [s.values[own] * f for (s, own), f in zip(sources, factors, strict=True) if f is not None]
            mean.values[key], mean.units[key] = np.mean(values, axis=0), units[0]
            texts = zip(*(s.reasons[own] for s, own in sources), strict=True)
            mean.reasons[key] = ["; ".join(dict.fromkeys(filter(None, why))) for why in texts]
            if any(own in sampled.per_voxel for sampled, own in sources):
                mean.per_voxel.add(key)
    curves = [replace(c, label=key[1]) for sampled, own in sources for c in sampled.curves.get(own, [])]
    units_of = {(c.x_unit, c.y_unit) for c in curves}
    if curves and len(units_of) == 1 and all(own in sampled.curves for sampled, own in sources):
        mean.curves[key] = curves


def _alike(images: Mapping[str, Sampled]) -> bool:
    """Return whether all images have the same pixels along each axis of the volume."""
    known = [sampled.grid.known for sampled in images.values()]
    if not all(known):
        return not any(known)
    sizes: dict[str, list[float]] = {}
    unit = next(iter(images.values())).grid.symbol
    for axes, sampled in images.items():
        factor = conversion(sampled.grid.symbol, unit)
        for normal in axes:
            for direction, size in zip((ROWS, COLUMNS), sampled.grid.voxel_size[1:], strict=True):
                sizes.setdefault(_shown(direction, normal), []).append(size * factor if factor else np.nan)
    return all(max(found) <= min(found) * 1.001 for found in sizes.values())


def mean_of_whole(images: Mapping[str, Measured], name: str) -> Measured:
    """Return `mean_of_images` of what was measured of the whole images, values alone."""
    mean = mean_of_images({axes: collect(m.volume, m.grid, [m.grid.region], [m]) for axes, m in images.items()})
    results: list[Measurement | Curve] = [
        Measurement(*key, float(values[0]), mean.units[key], key in mean.per_voxel, mean.reasons[key][0])
        for key, values in mean.values.items()
    ]
    return Measured(name, mean.grid, results, mean.skipped)
