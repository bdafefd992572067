"""What the samples of a picture mean, the same for every file format: palettes, white as zero, transparency.

The rules: a palette's indices are the values, unless the same index has other colours in other planes; then the colours
are. Where a file says that zero is white, its values are turned round. Opaque is as if there were no transparency.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.raw import RawImage


def turned_round(array: np.ndarray, bits: int, path: str) -> tuple[np.ndarray, str]:
    """Return the values of a picture in which zero is white, as if zero were black, and a note that says so.

    Args:
        array: Booleans or unsigned whole numbers.
        bits: Bits of a value in the file.
        path: For messages.

    Raises:
        UserError: If the values are of another type, for which white is nowhere defined.
    """
    if array.dtype.kind == "b":
        return ~array, "it says that zero is white, so its 1 is read as 0 and its 0 as 1"
    if array.dtype.kind != "u":
        raise UserError(
            f"{path} is tagged 'zero is white', but holds {array.dtype} values, of which none is black: save it with "
            "zero as black (photometric 1, MinIsBlack)."
        )
    top = 2**bits - 1
    note = f"it says that zero is white, so its {top} is read as 0 and its 0 as {top}"
    return (array ^ array.dtype.type(top)), note


def without_opacity(raw: RawImage, opacity: np.ndarray) -> RawImage:
    """Return a picture with a mask of its transparent pixels and the number of those that are partly so.

    Args:
        raw: The picture.
        opacity: Unsigned whole numbers or booleans, 0 for transparent, the type's greatest for opaque.

    Raises:
        UserError: If all pixels are transparent.
    """
    top = True if opacity.dtype.kind == "b" else np.iinfo(opacity.dtype).max
    clear: np.ndarray = opacity == 0
    if opacity.size and clear.all():
        raise UserError(f"{raw.path} is transparent everywhere, so it shows nothing: save it without transparency.")
    partly = int(np.count_nonzero(~clear & (opacity != top)))
    return replace(raw, mask=clear if clear.any() else None, partly=partly)


def shared_palette(used: Sequence[np.ndarray], palettes: Sequence[np.ndarray]) -> np.ndarray | None:
    """Return the palette that all planes share, or None where an index means another colour in another plane.

    Args:
        used: The indices that occur in each plane.
        palettes: Each plane's colours, (n, 3) uint8.
    """
    longest = max(palettes, key=len)
    if all(np.array_equal(p, longest[: len(p)]) for p in palettes):
        return longest
    color_of: dict[int, bytes] = {}
    index_of: dict[bytes, int] = {}
    for indices, palette in zip(used, palettes, strict=True):
        for index in indices.tolist():
            color = palette[index].tobytes()
            if color_of.setdefault(index, color) != color or index_of.setdefault(color, index) != index:
                return None
    shared = np.zeros((max(map(len, palettes)), 3), np.uint8)
    for index, color in color_of.items():
        shared[index] = np.frombuffer(color, np.uint8)
    return shared


def as_it_looks(raw: RawImage) -> RawImage:
    """Return a picture with the brightness or the colours that it shows, from 0 to 255 for types of one byte."""
    array = raw.array
    if raw.palette is not None:
        check_indices(array, raw.palette, raw.path)
        return replace(raw, array=raw.palette[array], color=True, palette=None)
    if array.dtype.kind == "b":
        return replace(raw, array=(array.view(np.uint8) != 0) * np.uint8(255), bits=0)
    if 0 < raw.bits < 8:
        return replace(raw, array=array * np.uint8(255 // (2**raw.bits - 1)), bits=0)
    return raw


def check_indices(array: np.ndarray, palette: np.ndarray, path: str) -> None:
    """Raise where an index has no colour.

    Raises:
        UserError: If a value lies beyond the palette.
    """
    if array.size and int(array.max()) >= len(palette):
        raise UserError(f"{path} is damaged: the value {int(array.max())} is beyond its {len(palette)} colours.")


def stacked(read: Callable[[int], RawImage], count: int, path: str) -> RawImage:
    """Return one volume of planes that were saved one by one, in their order.

    Programs that make files small choose for each plane how to hold it. So planes of unlike kinds count as what they
    look like where some have palettes or colours.

    Args:
        read: Returns a plane by its number; its path names it in messages.
        count: How many there are.
        path: Where the volume came from.

    Raises:
        UserError: If the planes are of unlike shape, type or kind.
    """
    try:
        return _filled(read, count, path)
    except _UnlikeError as unlike:
        pair = (unlike.plane, unlike.first)
        first = unlike.first
        shown = all(p.array.shape[:2] == first.array.shape[:2] and p.array.dtype in _SHOWN for p in pair)
        if not shown or all(p.palette is None and not p.color for p in pair):
            raise UserError(str(unlike)) from None
    note = "its images are saved in unlike ways, so that what they look like tells the phases"
    try:
        return _filled(lambda i: _in_color(read(i)), count, path, (note,))
    except _UnlikeError as unlike:
        raise UserError(str(unlike)) from None


class _UnlikeError(Exception):
    """Two planes of unlike kinds."""

    def __init__(self, plane: RawImage, first: RawImage, path: str) -> None:
        self.plane, self.first = plane, first
        super().__init__(
            f"The images of {path} are not alike: {Path(plane.path).name} is {_kind(plane)}, but "
            f"{Path(first.path).name} is {_kind(first)}; save all of them in the same way."
        )


_SHOWN = (np.dtype(np.uint8), np.dtype(bool))


def _filled(read: Callable[[int], RawImage], count: int, path: str, notes: tuple[str, ...] = ()) -> RawImage:
    """Return the volume of planes of one kind."""
    first = read(0)
    volume = np.empty((count, *first.array.shape), first.array.dtype)
    mask: np.ndarray | None = None
    palettes: list[np.ndarray] = []
    said: list[str] = []
    lossy, partly = "", 0
    for i in range(count):
        plane = first if i == 0 else read(i)
        if _kind(plane) != _kind(first):
            raise _UnlikeError(plane, first, path)
        volume[i] = plane.array
        lossy, partly = lossy or plane.lossy, partly + plane.partly
        said += plane.notes
        palettes += [] if plane.palette is None else [plane.palette]
        if plane.mask is not None:
            mask = np.zeros((count, *plane.mask.shape), bool) if mask is None else mask
            mask[i] = plane.mask
    all_said = tuple(dict.fromkeys([*notes, *said]))
    raw = replace(first, array=volume, path=path, mask=mask, partly=partly, lossy=lossy, notes=all_said)
    if not palettes:
        return raw
    palette = shared_palette([np.unique(array) for array in volume], palettes)
    if palette is not None:
        return replace(raw, palette=palette)
    looks = np.stack([colors[array] for array, colors in zip(volume, palettes, strict=True)])
    note = "the palettes of its images differ, so that colours, not their numbers, tell the phases"
    return replace(raw, array=looks, color=True, palette=None, notes=(*raw.notes, note))


def _in_color(raw: RawImage) -> RawImage:
    looks = as_it_looks(raw)
    return looks if looks.color else replace(looks, array=np.repeat(looks.array[..., np.newaxis], 3, -1), color=True)


def _kind(plane: RawImage) -> str:
    """Return in words what must be alike in all planes."""
    what = " with a palette" if plane.palette is not None else ""
    bits = f" of {plane.bits} bits" if plane.bits and plane.array.dtype.kind != "b" and plane.palette is None else ""
    return f"{plane.array.shape} {plane.array.dtype}{bits}{what}"
