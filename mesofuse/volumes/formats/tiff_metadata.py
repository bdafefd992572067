"""What a TIFF says about its voxels: size, unit, origin and phases, from OME, ImageJ or the resolution tags."""

from __future__ import annotations

import contextlib
import math
import xml.etree.ElementTree as ET
from typing import Any

import tifffile

from mesofuse.errors import UserError
from mesofuse.volumes.formats import own_note
from mesofuse.volumes.grid import SYMBOLS, parse_unit
from mesofuse.volumes.units import Said, understand

_PRINT_RESOLUTION = 20.0  # µm; baseline tags that say more (below 1270 dpi) are about printing, not about the specimen
_PRINT_DOTS = (72, 96, 100, 120, 150, 200, 300, 400, 600, 1200)  # per inch, that programs give pictures
_RESOLUTION_UNITS = {2: "inch", 3: "centimetre", 4: "millimetre", 5: "micrometre"}
_PRINTED = (2, 3)
_OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def what_it_says(tif: tifffile.TiffFile, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return voxel size, unit, origin and phases of an image of ``shape``, as `RawImage` takes them."""
    planes = 1 if len(shape) < 3 else shape[0]
    said = _ome_size(tif, planes) or _imagej_size(tif, planes) or _resolution(tif, planes)
    return own_note.reconcile(said, _own_note(tif), shape)


def _own_note(tif: tifffile.TiffFile) -> own_note.Note | None:
    texts = [str((tif.imagej_metadata or {}).get("Info", ""))]
    if tif.is_ome and tif.ome_metadata:
        texts += [v.text or "" for v in ET.fromstring(tif.ome_metadata).iter(f"{_OME}Description")]
    return next((note for text in texts if (note := own_note.parse(text))), None)


def _ome_size(tif: tifffile.TiffFile, planes: int) -> Said | None:
    """Return the physical sizes of OME, each in its own unit; None where the file is not OME's or gives none."""
    if not tif.is_ome or not tif.ome_metadata:
        return None
    try:
        pixels = next(e for e in ET.fromstring(tif.ome_metadata).iter() if e.tag.endswith("}Pixels"))
    except (StopIteration, ET.ParseError):
        return Said.nothing("its OME metadata can't be read")
    texts = [pixels.get(f"PhysicalSize{a}") for a in "ZYX"]
    if not any(texts):
        return None
    return understand(
        [_number(text) for text in texts], [pixels.get(f"PhysicalSize{a}Unit", "µm") for a in "ZYX"], planes
    )


def _imagej_size(tif: tifffile.TiffFile, planes: int) -> Said | None:
    """Return ImageJ's calibration: the resolution is in pixels a unit, other axes may have units of their own.

    A stack without ``spacing`` is 1 unit deep, as ImageJ itself shows it.
    """
    meta = tif.imagej_metadata
    if not tif.is_imagej or not meta:
        return None
    words = [str(meta.get(key, "")).strip() for key in ("zunit", "yunit", "unit")]
    words = [word or words[2] for word in words]
    x, y = (_tidy(1 / r) if r > 0 else None for r in tif.pages.first.resolution)
    if (dots := _dots(words[2], tif.pages.first.resolution[0])) is not None:
        return Said.nothing(f"its resolution, {dots:g} pixels per inch, is that of a print rather than of the specimen")
    stack = _number(meta.get("slices", meta.get("images", 1))) > 1
    spacing = abs(_number(meta.get("spacing")))
    known = spacing > 0
    said = understand([spacing if known else 1.0 if stack else y, y, x], words, planes)
    if not stack or known or said.voxel_size is None or said.unit is None:
        return said
    deep = f"it does not say how far its planes lie apart, which in ImageJ means 1 {SYMBOLS[parse_unit(words[0])]}"
    return Said(said.voxel_size, said.unit, (*said.notes, deep))


def _resolution(tif: tifffile.TiffFile, planes: int) -> Said:
    """Return what the resolution tags mean: pixels an inch, a centimetre …; they say nothing of the depth."""
    page = tif.pages.first
    unit = page.tags.valueof(296, default=2)
    per_unit = page.resolution
    if tif.is_imagej or not min(per_unit) > 0 or not {282, 283} <= set(page.tags.keys()):
        return Said()
    if unit not in _RESOLUTION_UNITS:
        plain = max(per_unit) <= 1 or per_unit in ((72, 72), (96, 96))
        tags = f"its resolution is {per_unit[0]:g} × {per_unit[1]:g} pixels (x, y) without a unit of length"
        return Said() if plain else Said.nothing(tags)
    x, y = (_tidy(1 / r) for r in page.get_resolution("MICROMETER"))
    if unit in _PRINTED and max(x, y) >= _PRINT_RESOLUTION:
        dots = f"{per_unit[0]:g} pixels per {_RESOLUTION_UNITS[unit]}"
        return Said.nothing(f"its resolution, {dots}, is that of a print rather than of the specimen")
    return understand([None, y, x], ["µm"] * 3, planes)


def _dots(unit: str, per_unit: float) -> float | None:
    """Return dots per inch where ImageJ's calibration is but the print resolution of the picture that it opened."""
    with contextlib.suppress(UserError):
        dots = per_unit * {"inch": 1.0, "centimeter": 2.54}.get(parse_unit(unit), 0.0)
        if any(abs(dots / usual - 1) < 0.005 for usual in _PRINT_DOTS):
            return float(round(dots))
    return None


def _number(value: Any) -> float:
    """Return a number, NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _tidy(value: float) -> float:
    """Undo the rounding of a resolution that is stored as a fraction of 32-bit numbers."""
    return float(f"{value:.9g}")
