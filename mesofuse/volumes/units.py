"""Lengths: conversion between units, and voxel sizes as users write them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from mesofuse.errors import UserError
from mesofuse.volumes.grid import AXES, SYMBOLS, Scale, parse_unit

METRES = {
    "picometer": 1e-12,
    "angstrom": 1e-10,
    "nanometer": 1e-9,
    "micrometer": 1e-6,
    "millimeter": 1e-3,
    "centimeter": 1e-2,
    "decimeter": 1e-1,
    "meter": 1.0,
    "kilometer": 1e3,
    "inch": 0.0254,
}


def convert(value: float, unit: str, to: str) -> float:
    """Return a length in another unit (OME-Zarr names); ``pixel`` converts to nothing but itself."""
    return value if unit == to else float(f"{value * METRES[unit] / METRES[to]:.12g}")


def parse_voxel_size(text: str | float, unit: str | None = None) -> tuple[Scale, str]:
    """Return voxel size (z, y, x) and unit from ``0.4`` or ``0.4,0.4,1.0``; micrometers if no unit is given.

    Raises:
        UserError: If it is not one or three finite numbers above 0, or the unit is unknown.
    """
    try:
        values = [float(part) for part in str(text).split(",")]
    except ValueError:
        values = []
    if len(values) not in (1, 3) or not all(math.isfinite(v) and v > 0 for v in values):
        raise UserError(
            f"The voxel size {text!r} is not usable: give one number above 0, or three as z,y,x, "
            "for example 0.4 or 1.0,0.4,0.4."
        )
    size = (values[0],) * 3 if len(values) == 1 else (values[0], values[1], values[2])
    return size, parse_unit(unit) if unit else "micrometer"


def parse_pixel_size(text: str | float) -> tuple[float, float]:
    """Return an image's pixel size (along a column of pixels, along a row) from ``0.1`` or ``0.1,0.2``.

    Raises:
        UserError: If it is not one or two finite numbers above 0.
    """
    try:
        values = [float(part) for part in str(text).split(",")]
    except ValueError:
        values = []
    if len(values) not in (1, 2) or not all(math.isfinite(v) and v > 0 for v in values):
        raise UserError(
            f"The pixel size {text!r} is not usable: give one number above 0, or two as height,width of a pixel, for "
            "example 0.1."
        )
    return values[0], values[-1]


class Said(NamedTuple):
    """What a file says of the size of its voxels.

    Attributes:
        voxel_size: Edge of a voxel along z, y, x in ``unit``, or None where it is unknown.
        unit: OME-Zarr name of the unit, or None.
        notes: What could not be understood or had to be assumed, as sentences without a full stop.
    """

    voxel_size: Scale | None = None
    unit: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def nothing(cls, *reasons: str) -> Said:
        """Return that the size is unknown, for reasons that read on from the file's name."""
        return cls(notes=tuple(f"{reason}, so its voxel size is unknown" for reason in reasons))


def understand(sizes: Sequence[float | None], words: Sequence[str | None], planes: int) -> Said:
    """Return what the sizes and units mean that a file gives along z, y and x, in the unit of x.

    Args:
        sizes: Edge of a voxel along z, y, x; None, or a number that is no length, where the file does not say.
        words: The unit of each, as the file writes it; None or empty where it names none.
        planes: Planes along z. If there are several and the file does not say their spacing, it is taken to be that of
            the rows, with a note.
    """
    given = [float(v) if v is not None and math.isfinite(v) and v > 0 else None for v in sizes]
    if not any(given):
        return Said()
    units: list[str] = []
    for word in words:
        try:
            units.append(parse_unit(word) if word and word.strip(" \t\r\n\0") else "pixel")
        except UserError:
            return Said.nothing(f"its unit {str(word)[:40]!r} is not a known unit of length")
    z, y, x = (v if u != "pixel" else None for v, u in zip(given, units, strict=True))
    if all(u == "pixel" for u in units):
        numbers = " × ".join("?" if v is None else f"{v:g}" for v in given)
        plain = all(v in (None, 1.0) for v in given)
        return Said() if plain else Said.nothing(f"it gives its voxels as {numbers} (z, y, x) without a unit of length")
    if z is None and given[0] not in (None, 1.0) and planes > 1:
        return Said.nothing(f"it gives the distance of its planes, {given[0]:g}, without a unit of length")
    if y is None or x is None:
        lacking = " and ".join(a for a, v in zip(AXES, (z, y, x), strict=True) if v is None)
        return Said.nothing(f"it says no length of a voxel along {lacking}")
    unit = units[2]
    y = convert(y, units[1], unit)
    if z is not None:
        return Said((convert(z, units[0], unit), y, x), unit)
    assumed = f"it does not say how far its planes lie apart, so that is taken to be as between its rows, {y:g} "
    return Said((y, y, x), unit, (assumed + SYMBOLS[unit],) if planes > 1 else ())
