"""Recognising padding: a constant surround that counts as material unless it is ignored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Region
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.mask import convex, surrounding

LEAST, MOST = 0.02, 0.9
"""A surround that is a smaller share of the voxels changes no number that is worth a word; in a larger one lies some
object, not a cut-out of material."""
ROUND = 0.15
"""Share of an image outside of a disc or a turned square, at least; corners without material may be less."""
RARE = 0.1
"""Planes or columns of one value are called padding where inside they are this many times rarer."""
VOXELS, PLANES = 1 << 21, 96
"""Voxels and planes of a volume that are looked at, about."""
FILLED = 0.7
"""Share of the material's density that the rim of its outline has at least, where it was cut out."""
DENSE = 0.25
"""Share of all else inside its outline from which an image's surround can be told from material."""
LAYER, SMALL = 0.4, 32
"""Share of an axis up to which planes at one side are called padding; pixels along an image's sides from which its
corners are looked at."""
DEEP = 8
"""Planes from which a column through all of them is unlikely to be of one phase by chance."""


@dataclass(frozen=True)
class Surround:
    """A value that lies around all else.

    Attributes:
        label: The label.
        share: Its share of the voxels outside of the convex outline of all else.
        shape: What it looks like.
    """

    label: int
    share: float
    shape: str

    def note(self, value: object) -> str:
        """Return what to say of it, given the file's own value; without a full stop."""
        return (
            f"the value {value} lies around all else ({100 * self.share:.1f} % of the voxels, {self.shape}): it counts "
            f"as material; if it is padding, leave it out with --ignore surround:{value}"
        )


def find_surround(labels: Labels) -> Surround | None:
    """Return the constant surround of labels, if they have one; None where voxels are ignored already.

    Looked for are whole planes of one value at the sides, which planes inside are not (a frame, slices of padding), and
    columns through the volume that are of one value at two or more corners of a projection, which columns inside are
    not (a cylinder's outside, the corners of a rotated scan). In an image, where each pixel is such a column, all four
    corners must be wider than any gap inside, around an outline with material at its rim. At most about `VOXELS` voxels
    are read at once.

    Args:
        labels: A volume, or a stack of images.
    """
    if is_masked(labels) or not labels.phases or min(labels.grid.shape[1:]) < DEEP:
        return None
    array = _thinned(labels)
    best: Surround | None = None
    for value in np.unique(array[:: max(1, len(array) - 1), :: array.shape[1] - 1, :: array.shape[2] - 1]):
        found = array == value
        share = float(surrounding(found).mean())
        if not LEAST <= share <= MOST or (best is not None and share <= best.share):
            continue
        shape = _frame(found) or _corners(found)
        if shape:
            best = Surround(int(value), share, shape)
    return best


def _thinned(labels: Labels) -> np.ndarray:
    """Return evenly spaced voxels of labels."""
    z, y, x = labels.grid.shape
    planes = np.unique(np.linspace(0, z - 1, min(z, PLANES)).round().astype(int))
    step = max(1, round((len(planes) * y * x / VOXELS) ** 0.5))
    read = [labels.read(Region((k, 0, 0), (k + 1, y, x)))[0, ::step, ::step].copy() for k in planes.tolist()]
    return np.stack(read)


def _frame(found: np.ndarray) -> str:
    """Return what whole planes at the sides look like, or nothing."""
    sides, widest = 0, 0.0
    for axis in range(3):
        if found.shape[axis] < DEEP:
            continue
        plain: np.ndarray = np.asarray(found.all(axis=tuple(a for a in range(3) if a != axis)))
        if plain.all():
            continue
        first, last = int((~plain).argmax()), int((~plain)[::-1].argmax())
        inner = plain[first : len(plain) - last]
        for width in (first, last):
            widest = max(widest, width / len(plain))
            sides += width >= 2 and width / len(plain) >= LEAST / 2 and inner.mean() < RARE * width / len(plain)
    # What fills more of one side is a layer, rather than padding.
    return "a frame" if sides > 1 else "at one side" if sides and widest <= LAYER else ""


def _corners(found: np.ndarray) -> str:
    """Return what columns of one value at corners look like, or nothing."""
    for column, deep in _projections(found):
        outside = column & ~convex(~column)
        corners = sum(bool(outside[i, j]) for i in (0, -1) for j in (0, -1))
        inside = column & ~outside
        if outside.mean() < LEAST:
            continue
        if deep and corners >= 2 and inside.mean() < RARE * outside.mean():
            return "as around a cylinder or a turned scan"
        if (
            not deep
            and min(column.shape) >= SMALL
            and outside.mean() >= ROUND
            and corners == 4
            and _cut_out(column)
            and _width(outside, column) > _width(inside, column)
        ):
            return "as around a disc or a turned image"
    return ""


def _projections(found: np.ndarray) -> Iterator[tuple[np.ndarray, bool]]:
    """Give, for each axis, which columns along it are of the value throughout, and whether these are long."""
    for axis in range(3):
        if axis == 0 or found.shape[axis] >= DEEP <= found.shape[0]:
            yield np.asarray(found.all(axis=axis)), found.shape[axis] >= DEEP


def _cut_out(column: np.ndarray) -> bool:
    """Return whether what is not in a mask fills the rim of its convex outline as it fills the rest.

    Something cut out of a material does; the outline of a few grains touches them at its corners alone. Where little
    else is inside, this can't be told.
    """
    from scipy.ndimage import binary_erosion

    outline = convex(~column)
    if (~column[outline]).mean() < DENSE:
        return False
    rim = outline & ~binary_erosion(outline, iterations=3)
    return bool((~column[rim]).mean() > FILLED * (~column[outline]).mean()) if rim.any() else False


def _width(part: np.ndarray, of: np.ndarray) -> float:
    """Return how far the innermost pixel of a part of a mask is from what is not in the mask."""
    from scipy.ndimage import distance_transform_edt

    distance = distance_transform_edt(of)
    return float(distance[part].max()) if part.any() else 0.0
