"""Which voxels of a file are no material, as users say it: ``--ignore VALUE``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Region, Scale, Triple, scaled_edge
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.phases import IGNORED, Phase

SURROUND = "surround:"


@dataclass(frozen=True)
class Ignore:
    """One value to be ignored.

    Attributes:
        text: The value as it was given: a number, ``nan``, or a colour as ``#rrggbb``.
        surround: Only outside of the convex outline of all else; see `surrounding`.
        optional: It may be absent.
    """

    text: str
    surround: bool = False
    optional: bool = False

    @classmethod
    def parse(cls, text: str, *, optional: bool = False) -> Ignore:
        """Read ``7``, ``nan``, ``#ff0000`` or ``surround:0``.

        Raises:
            UserError: If it is none of these.
        """
        value = text.strip().lower()
        surround = value.startswith(SURROUND)
        value = value.removeprefix(SURROUND).strip()
        if not value.startswith("#"):
            try:
                number = float(value)
            except ValueError:
                number = math.inf
            if math.isinf(number):
                raise UserError(
                    f"{text!r} is no value to be ignored: give a number as the file has it, for example 255, a colour "
                    "such as '#ff0000', nan, or surround:0 for what of a value lies around the material."
                )
            value = f"{number:.17g}"
        return cls(value, surround, optional)

    def where(self, array: np.ndarray, colors: Sequence[str] = ()) -> np.ndarray:
        """Return where an array (z, y, x) holds what is to be ignored.

        Args:
            array: The values; with colours, indices of them.
            colors: The colours as ``#rrggbb``.
        """
        if self.text.startswith("#"):
            index = colors.index(self.text) if self.text in colors else -1
            found = array == index if index >= 0 else np.zeros(array.shape, bool)
        elif colors:
            found = np.zeros(array.shape, bool)
        elif self.text == "nan":
            found = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
        else:
            number = float(self.text)
            found = array == (int(number) if number.is_integer() else number)
        return surrounding(found) if self.surround else np.asarray(found)

    def __str__(self) -> str:
        """Return it as `parse` reads it."""
        return (SURROUND if self.surround else "") + self.text


def surrounding(found: np.ndarray) -> np.ndarray:
    """Return the part of a mask (z, y, x) that lies outside of the convex outline of all else.

    The outline is that of what is seen along each axis (only along z of a single image): a cylinder's outside, a frame
    or a rotated scan's corners lie outside of it; a pore inside does not, whatever it is connected with.
    """
    inside = np.ones(found.shape, bool)
    for axis in range(3):
        if axis and found.shape[0] == 1:
            break
        inside &= np.expand_dims(convex(np.any(~found, axis=axis)), axis)
    return found & ~inside


def convex(flat: np.ndarray) -> np.ndarray:
    """Return the pixels in the convex hull of a 2D mask's pixels."""
    rows = np.flatnonzero(flat.any(axis=1))
    hull = np.zeros(flat.shape, bool)
    if not len(rows):
        return hull
    left = _lower(rows, flat[rows].argmax(axis=1))
    right = -_lower(rows, flat[rows][:, ::-1].argmax(axis=1) - (flat.shape[1] - 1))
    columns = np.arange(flat.shape[1])
    hull[rows[0] : rows[-1] + 1] = (columns >= left[:, None] - 1e-9) & (columns <= right[:, None] + 1e-9)
    return hull


def _lower(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the lower convex hull of points in order of x, at every whole x from the first to the last."""
    chain: list[tuple[int, int]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    corners = np.array(chain)
    lower: np.ndarray = np.interp(np.arange(x[0], x[-1] + 1), corners[:, 0], corners[:, 1])
    return lower


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def ignored_in(
    array: np.ndarray,
    ignore: Sequence[Ignore],
    name: str,
    colors: Sequence[str] = (),
    transparent: np.ndarray | None = None,
) -> tuple[np.ndarray | None, list[str], list[Ignore]]:
    """Return where values of an image are to be ignored, what to say of it, and what was found of it.

    Args:
        array: The values (z, y, x); with colours, indices of them.
        ignore: What is to be ignored.
        name: What to call the image.
        colors: The colours as ``#rrggbb``.
        transparent: Where the image is transparent, and so ignored anyway.

    Returns:
        The mask or None where nothing is ignored; a sentence without a full stop for each; those that occur.

    Raises:
        UserError: If a value that is not optional does not occur.
    """
    mask: np.ndarray | None = None
    notes, found = [], []
    if transparent is not None and transparent.any():
        mask = transparent
        share = np.count_nonzero(mask) / mask.size
        notes.append(
            f"{np.count_nonzero(mask):,} voxels ({share:.2%}) are transparent, or marked as no material, in the file "
            "and so ignored"
        )
    for each in ignore:
        part = each.where(array, colors)
        count = int(np.count_nonzero(part))
        if not count:
            if each.optional:
                continue
            values = colors or [f"{v:g}" for v in np.unique(array)[:12]]
            where = " around all else" if each.surround else ""
            raise UserError(
                f"{name} has no voxel of the value {each.text}{where}, which is to be ignored; its values are "
                f"{', '.join(map(str, values))}."
            )
        found.append(each)
        what = "the surround of value" if each.surround else "the value"
        notes.append(f"{count:,} voxels ({count / array.size:.2%}) of {what} {each.text} are ignored")
        mask = part if mask is None else mask | part
    if mask is not None and mask.all():
        raise UserError(f"Every voxel of {name} is to be ignored; nothing would be left.")
    return mask, notes, found


def check_found(wanted: Sequence[Ignore], found: Mapping[str, Sequence[Ignore]]) -> None:
    """Refuse values that are to be ignored in any of several files, and occur in none.

    Args:
        wanted: The values.
        found: Those that each file has, by its name.

    Raises:
        UserError: If one occurs in no file.
    """
    there = {str(each) for values in found.values() for each in values}
    absent = next((each for each in wanted if str(each) not in there), None)
    if absent is not None:
        where = " around all else" if absent.surround else ""
        raise UserError(
            f"The value {absent.text}, which is to be ignored, does not occur{where} in {' or '.join(found)}; "
            "`mesofuse info` shows the values of a file."
        )


def owners(region: Region, scale: Scale) -> list[np.ndarray]:
    """Return along each axis to which scan voxel, from 0, each of a region's high-resolution voxels belongs.

    Args:
        region: Scan voxels.
        scale: High-resolution voxels along one of them.
    """
    spans = zip(region.start, region.stop, scale, strict=True)
    return [np.repeat(np.arange(b - a), np.diff([scaled_edge(i, s) for i in range(a, b + 1)])) for a, b, s in spans]


def on_fine_grid(values: np.ndarray, region: Region, scale: Scale) -> np.ndarray:
    """Return values of scan voxels at each of their own high-resolution voxels.

    Args:
        values: (z, y, x), of the voxels of ``region``.
        region: Scan voxels.
        scale: High-resolution voxels along one of them.
    """
    for axis, owner in enumerate(owners(region, scale)):
        values = values.take(owner, axis)
    return values


def compared(scan: np.ndarray, labels: np.ndarray, region: Region, scale: Scale) -> np.ndarray:
    """Return which scan voxels can be compared with a result: those of which both have something.

    Args:
        scan: uint8 labels (z, y, x) of the scan in ``region``.
        labels: uint8 labels of the result in ``region.scaled(scale)``.
        region: Scan voxels.
        scale: High-resolution voxels along one of them.
    """
    known = scan != IGNORED
    inside = labels != IGNORED
    if inside.all():
        return np.asarray(known)
    for axis, (a, b, s) in enumerate(zip(region.start, region.stop, scale, strict=True)):
        edges = np.array([scaled_edge(i, s) - scaled_edge(a, s) for i in range(a, b)])
        inside = np.logical_or.reduceat(inside, edges, axis=axis)
    return np.asarray(known & inside)


class Relabelled:
    """Labels of which some values are ignored, and the others numbered anew, read where they are.

    Attributes:
        labels: The volume.
        ignored: The labels of it that are ignored.
        phases: The phases that are left.
    """

    masked = True

    def __init__(self, labels: Labels, ignored: Sequence[int]) -> None:
        """Take a volume and the labels of it that are ignored."""
        self.labels, self.grid, self.ignored = labels, labels.grid, tuple(ignored)
        kept = [p for p in labels.phases if p.value not in ignored]
        self.phases = tuple(Phase(i, p.name, p.color) for i, p in enumerate(kept))
        self._table = np.full(256, IGNORED, np.uint8)
        for phase, old in zip(self.phases, kept, strict=True):
            self._table[old.value] = phase.value

    @property
    def chunks(self) -> Triple | None:
        """The volume's chunks, where it has any."""
        return getattr(self.labels, "chunks", None)

    def read(self, region: Region) -> np.ndarray:
        """Return the labels of a region, numbered anew."""
        renumbered: np.ndarray = self._table[self.labels.read(region)]
        return renumbered


def relabelled(labels: Labels, ignore: Sequence[Ignore], name: str) -> tuple[Labels, list[str], list[Ignore]]:
    """Return labels without some of their values, what to say of it, and what was found; as `ignored_in`.

    Args:
        labels: The labels, which are read once to count; none of ``ignore`` is a surround.
        ignore: What is to be ignored, by label.
        name: What to call the volume.

    Raises:
        UserError: As `ignored_in`.
    """
    counts = np.zeros(256, np.int64)
    for region in labels.grid.region.blocks((64, 256, 256)):
        counts += np.bincount(labels.read(region).ravel(), minlength=256)
    values = np.flatnonzero(counts).astype(np.uint8)[None, None]
    found, notes, gone = [], [], []
    for each in ignore:
        hit = values[each.where(values)]
        if not len(hit):
            if each.optional:
                continue
            known = ", ".join(str(v) for v in values.ravel())
            raise UserError(
                f"{name} has no voxel of the value {each.text}, which is to be ignored; its values are {known}."
            )
        count = int(counts[hit].sum())
        notes.append(f"{count:,} voxels ({count / counts.sum():.2%}) of the value {each.text} are ignored")
        found.append(each)
        gone += [int(v) for v in hit if v != IGNORED]
    left = [p for p in labels.phases if p.value not in gone]
    if not counts[[p.value for p in left]].sum():
        raise UserError(f"Every voxel of {name} is to be ignored; nothing would be left.")
    return (Relabelled(labels, gone) if gone else labels), notes, found
