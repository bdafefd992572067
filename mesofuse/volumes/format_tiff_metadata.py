"""What a TIFF says about its voxels: size, unit, origin and phases, from OME, ImageJ or the resolution tags."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import tifffile

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid, Scale, parse_unit
from mesofuse.volumes.units import convert

KEY = "mesofuse"
"""Key of the note that `mesofuse.volumes.format_tiff.write` leaves in a file."""
_PRINT_RESOLUTION = 20.0  # µm; baseline tags that say more (below 1270 dpi) are about printing, not about the specimen
_OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def what_it_says(tif: tifffile.TiffFile, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return voxel size, unit, origin and phases.

    Other programs keep the note that `write` leaves even when they crop or rescale the image, so its voxel size and
    origin count only where shape and voxel size are still those of the note.
    """
    size, unit = _ome_size(tif) or _imagej_size(tif) or _baseline_size(tif) or (None, None)
    note = _own_note(tif)
    if note is None:
        return {"voxel_size": size, "unit": unit}
    grid, phases = note
    changed = grid.shape != (1,) * (3 - len(shape)) + shape
    if size is None or not grid.known:
        changed |= size is not None or grid.known
    else:
        changed |= unit != grid.unit or not np.allclose(size, grid.voxel_size, rtol=1e-4, atol=0)
    if changed:
        return {"voxel_size": size, "unit": unit, **phases}
    scaled = grid.known or grid.voxel_size != (1.0, 1.0, 1.0) or any(grid.origin)
    return {"voxel_size": grid.voxel_size if scaled else None, "unit": grid.unit, "origin": grid.origin, **phases}


def _own_note(tif: tifffile.TiffFile) -> tuple[Grid, dict[str, Any]] | None:
    """Return the grid, exact to the last digit, and the phases that `write` noted."""
    notes = [str((tif.imagej_metadata or {}).get("Info", ""))]
    if tif.is_ome and tif.ome_metadata:
        notes += [v.text or "" for v in ET.fromstring(tif.ome_metadata).iter(f"{_OME}Description")]
    for note in notes:
        try:
            data = json.loads(note)[KEY]
            z, y, x = (int(n) for n in data["shape"])
            grid = Grid((z, y, x), _scale(data["voxel_size"]), parse_unit(data["unit"]), _scale(data["origin"]))
            names = tuple(str(p["name"]) for p in data["phases"])
            colors = tuple(str(p["color"]) for p in data["phases"])
        except (ValueError, KeyError, TypeError, UserError):
            continue
        if min(grid.voxel_size) <= 0 or not all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors):
            continue
        return grid, {"phase_names": names, "phase_colors": colors}
    return None


def _ome_size(tif: tifffile.TiffFile) -> tuple[Scale, str] | None:
    if not tif.is_ome or not tif.ome_metadata:
        return None
    try:
        pixels = next(e for e in ET.fromstring(tif.ome_metadata).iter() if e.tag.endswith("}Pixels"))
        units = [parse_unit(pixels.get(f"PhysicalSize{a}Unit", "µm")) for a in "ZYX"]
        sizes = [float(pixels.get(f"PhysicalSize{a}") or "nan") for a in "ZYX"]
    except (StopIteration, ET.ParseError, ValueError, UserError):
        return None
    if not sizes[2] > 0 or not sizes[1] > 0 or "pixel" in units[1:]:
        return None
    y, x = convert(sizes[1], units[1], units[2]), sizes[2]
    z = convert(sizes[0], units[0], units[2]) if sizes[0] > 0 and units[0] != "pixel" else y
    return (z, y, x), units[2]


def _imagej_size(tif: tifffile.TiffFile) -> tuple[Scale, str] | None:
    """ImageJ: resolution is in pixels a unit; a stack without ``spacing`` is 1 unit deep, as ImageJ itself shows it."""
    meta = tif.imagej_metadata
    if not tif.is_imagej or not meta:
        return None
    word = str(meta.get("unit", "")).replace("\\u00B5", "µ")
    try:
        unit = parse_unit(word)
    except UserError:
        return None
    (rx, ry) = tif.pages.first.resolution
    if unit == "pixel" or not (rx > 0 and ry > 0):
        return None
    y, x = _tidy(1 / ry), _tidy(1 / rx)
    stack = int(meta.get("slices", meta.get("images", 1))) > 1
    z = float(meta.get("spacing", 1.0 if stack else y))
    return (abs(z) or y, y, x), unit


def _baseline_size(tif: tifffile.TiffFile) -> tuple[Scale, str] | None:
    """Resolution tags in pixels an inch or a centimetre; they say nothing about depth, which is taken as the row's."""
    page = tif.pages.first
    if tif.is_imagej or page.resolutionunit not in (2, 3):
        return None
    rx, ry = page.resolution
    if not (rx > 0 and ry > 0):
        return None
    per_inch = 25400.0 if page.resolutionunit == 2 else 10000.0
    x, y = _tidy(per_inch / rx), _tidy(per_inch / ry)
    return ((y, y, x), "micrometer") if max(x, y) < _PRINT_RESOLUTION else None


def _tidy(value: float) -> float:
    """Undo the rounding of a resolution that is stored as a fraction of 32-bit numbers."""
    return float(f"{value:.9g}")


def _scale(values: Any) -> Scale:
    z, y, x = (float(v) for v in values)
    return (z, y, x)
