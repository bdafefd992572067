"""Planes that are tagged as colours: a picture, or a stack of 3 or 4 slices, which tifffile tags so by default?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats.raster import without_opacity
from mesofuse.volumes.raw import RawImage

_FEW = 32
"""More different values than this are no labels."""
_PURE = 8
"""So many colours can be made of two values: black, white, red, green, blue and their sums."""
_DARK = 32
"""A picture whose values lie below this is black to the eye."""
_WAYS = "save slices with tifffile.imwrite(…, photometric='minisblack'), colours as PNG or with planarconfig='contig'"


def same_labels(planes: np.ndarray) -> bool:
    """Return whether planes (first axis) each look like a label image of the same phases: few values, mostly shared."""
    found = [_values(plane) for plane in planes]
    if any(f is None for f in found):
        return False
    known = [f for f in found if f is not None]
    union = set[float]().union(*known)
    return len(union) <= _FEW and all(2 * len(f) >= len(union) for f in known)


def as_stack_or_colors(raw: RawImage) -> RawImage:
    """Return planes that are tagged as colours as what their content shows that they are.

    They are slices where every plane holds the same few values in combinations that no picture of as few colours has,
    or values so small that a picture would be black; they are colours where the planes hold values of their own.

    Raises:
        UserError: If they may be either.
    """
    if not raw.planar:
        return raw
    planes = np.moveaxis(raw.array, -1, 0)
    count = len(planes)
    note = f"its {count} planes are tagged as colours, but each is a label image: they are read as slices"
    stack = replace(raw, array=planes, color=False, planar=False, notes=(*raw.notes, note))
    found = [_values(plane) for plane in planes]
    few = [f for f in found if f is not None]
    if len(few) == count:
        union = set[float]().union(*few)
        small = max(union) < _DARK and min(union) >= 0
        if small or raw.array.dtype != np.uint8:
            return stack
        opaque = count == 4 and few[3] == {255}
        if not opaque and same_labels(planes):
            together = np.unique(raw.array.reshape(-1, count), axis=0)
            shared = [row for row in together.tolist() if len(set(row)) == 1]
            if len(shared) >= len(union) and len(together) >= _PURE and len(together) > len(union):
                return stack
            if len(together) > len(union) or len(shared) == len(together):
                raise _unclear(raw)
    return colors(raw)


def colors(raw: RawImage) -> RawImage:
    """Return planes that are tagged as colours as colours, without transparency.

    Raises:
        UserError: If all is transparent.
    """
    if not raw.planar:
        return raw
    colored = replace(raw, array=raw.array[..., :3], planar=False)
    return without_opacity(colored, raw.array[..., 3]) if raw.array.shape[-1] == 4 else colored


def grey(raw: RawImage) -> RawImage:
    """Return planes that are tagged as colours where grey values are wanted: equal planes are one.

    Raises:
        UserError: If they may be slices.
    """
    if not raw.planar:
        return raw
    first = raw.array[..., :1]
    if (raw.array[..., :3] == first).all():
        return colors(raw)
    raise _unclear(raw)


def _unclear(raw: RawImage) -> UserError:
    count = raw.array.shape[-1]
    return UserError(
        f"{raw.path} tags its {count} planes as colours, but they may be {count} slices (tifffile tags stacks of 3 and "
        f"4 so by default), and its values fit both: {_WAYS}."
    )


def _values(plane: np.ndarray) -> set[float] | None:
    """Return the different values of a plane, or None where there are too many for labels."""
    values = np.unique(plane.view(np.uint8) != 0 if plane.dtype.kind == "b" else plane)
    return set(values.tolist()) if len(values) <= _FEW else None
