"""Lengths: conversion between units, and voxel sizes as users write them."""

from __future__ import annotations

import math

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Scale, parse_unit

METRES = {
    "angstrom": 1e-10,
    "nanometer": 1e-9,
    "micrometer": 1e-6,
    "millimeter": 1e-3,
    "centimeter": 1e-2,
    "meter": 1.0,
}


def convert(value: float, unit: str, to: str) -> float:
    """Return a length in another unit (OME-Zarr names); ``pixel`` converts to nothing but itself."""
    return value if unit == to else float(f"{value * METRES[unit] / METRES[to]:.12g}")


def parse_voxel_size(text: str | float, unit: str | None = None) -> tuple[Scale, str]:
    """Return voxel size (z, y, x) and unit from ``0.4`` or ``0.4,0.4,1.0``; micrometers if no unit is given.

    Raises:
        UserError: It is not one or three finite numbers above 0, or the unit is unknown.
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
