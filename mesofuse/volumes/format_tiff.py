"""TIFF stacks: ImageJ's and OME's voxel sizes, baseline resolution, compressed files, streamed writing."""

from __future__ import annotations

import json
import logging
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tifffile

from mesofuse.errors import UserError
from mesofuse.volumes import format_image
from mesofuse.volumes.grid import SYMBOLS, Grid, Scale, parse_unit
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import planes
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.units import convert

_PRINT_RESOLUTION = 20.0  # µm; baseline tags that say more (below 1270 dpi) are about printing, not about the specimen
_BIG = 2**32 - 2**25
_DAMAGE = re.compile(r"invalid (page )?offset|invalid value offset|invalid circular|corrupt|invalid tag", re.IGNORECASE)
_OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"
_KEY = "mesofuse"


def read(path: str) -> RawImage:
    """Read a TIFF of one image or a stack; uncompressed stacks are memory-mapped.

    Voxel size: from OME, ImageJ or the baseline resolution tags, in this order.

    Raises:
        UserError: It is not a TIFF, is cut off, or holds more than one stack.
    """
    try:
        with _damage(path), tifffile.TiffFile(path) as tif:
            series = _one_series(tif, path)
            _check_whole(series, path)
            array, color = _pixels(series, path)
            says = _what_it_says(tif, array.shape[: array.ndim - color])
    except UserError:
        raise
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # tifffile raises nearly anything on damaged files
        if isinstance(error, MemoryError):
            raise
        raise UserError(
            f"{path} is not a TIFF that can be read, or is cut off ({str(error).split(chr(10))[0]})."
        ) from error
    return RawImage(array, path, color=color, **says)


@contextmanager
def _damage(path: str) -> Iterator[None]:
    """Turn what tifffile only logs about a damaged file into an error: it would return fewer pages without a word."""
    found: list[str] = []

    class Listen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if _DAMAGE.search(record.getMessage()):
                found.append(record.getMessage())

    logger, listener = logging.getLogger("tifffile"), Listen(logging.WARNING)
    propagate = logger.propagate
    logger.addHandler(listener)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(listener)
        logger.propagate = propagate
    if found:
        raise UserError(f"{path} is a damaged TIFF, perhaps cut off while it was copied ({found[0]}).")


def _one_series(tif: tifffile.TiffFile, path: str) -> Any:
    """Return the one stack of a file, thumbnails aside."""
    series = [s for s in tif.series if not getattr(s.keyframe, "is_reduced", False)]
    if not series:
        raise UserError(f"{path} holds no image.")
    if len(series) > 1:
        shapes = ", ".join("×".join(map(str, s.shape)) for s in series[:4])
        raise UserError(f"{path} holds {len(series)} images of unlike size ({shapes}); save the stack alone.")
    return series[0]


def _check_whole(series: Any, path: str) -> None:
    """Raise if a page's data should reach beyond the end of the file."""
    size = os.path.getsize(path)
    ends = [0 if series.dataoffset is None else series.dataoffset + series.nbytes]
    for page in series.pages:
        if page is not None:
            ends += [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if max(ends) > size:
        raise UserError(f"{path} is cut off: its data should reach byte {max(ends)}, but the file has {size}.")


def _pixels(series: Any, path: str) -> tuple[np.ndarray, bool]:
    """Return (z, y, x) or (y, x), colour last if there is any."""
    color = "S" in series.axes and series.shape[series.axes.index("S")] in (3, 4)
    if series.dataoffset is not None and series.keyframe.compression == 1 and series.keyframe.dtype is not None:
        array: np.ndarray = _mapped(series, path)
    else:
        try:
            array = series.asarray()
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            return _with_pillow(path)
    axes = series.axes
    if color and not axes.endswith("S"):
        array = np.moveaxis(array, axes.index("S"), -1)
        axes = axes.replace("S", "") + "S"
    spatial = array.ndim - color
    keep = [i for i in range(spatial) if array.shape[i] > 1 or axes[i] in "YX"]
    stacks = [i for i in keep if axes[i] not in "YX"]
    if len(stacks) > 1:
        named = ", ".join(f"{axes[i]}={array.shape[i]}" for i in stacks)
        raise UserError(
            f"{path} has more axes than a volume ({named} beside rows and columns); save one channel and one time."
        )
    shape = [array.shape[i] for i in (keep if stacks else keep[-2:])]
    return array.reshape([*shape, array.shape[-1]] if color else shape), color


def _mapped(series: Any, path: str) -> np.ndarray:
    dtype = np.dtype(series.dtype).newbyteorder(series.keyframe.parent.byteorder)
    return np.memmap(path, dtype, "r", offset=series.dataoffset, shape=series.shape)


def _with_pillow(path: str) -> tuple[np.ndarray, bool]:
    """Read compressions that tifffile leaves to imagecodecs (LZW, JPEG, CCITT) page by page."""
    from PIL import Image, ImageSequence

    with Image.open(path) as image:
        pages = [format_image.as_array(page.copy()) for page in ImageSequence.Iterator(image)]
    arrays = [array for array, _ in pages]
    return (arrays[0] if len(arrays) == 1 else np.stack(arrays)), pages[0][1]


# --- what the file says about its voxels --------------------------------------------------------------------------


def _what_it_says(tif: tifffile.TiffFile, shape: tuple[int, ...]) -> dict[str, Any]:
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
            data = json.loads(note)[_KEY]
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


# --- writing ------------------------------------------------------------------------------------------------------


def write(labels: Labels, path: str) -> None:
    """Write an ImageJ TIFF stack with voxel size and unit, plane by plane; above 4 GB a BigTIFF with OME metadata.

    A note in the file keeps the exact voxel size, the origin and the phases' names and colours.
    """
    grid = labels.grid
    big = grid.region.size > _BIG
    note = json.dumps({
        _KEY: {
            "shape": list(grid.shape), "voxel_size": list(grid.voxel_size),
            "unit": grid.unit, "origin": list(grid.origin),
            "phases": [{"name": p.name, "color": p.color} for p in labels.phases],
        }
    })  # fmt: skip
    z, y, x = grid.voxel_size
    shape: tuple[int, ...] = grid.shape
    if big:
        symbol = SYMBOLS[grid.unit] if grid.known else "pixel"
        sizes = {f"PhysicalSize{a}": v for a, v in zip("ZYX", grid.voxel_size, strict=True)}
        meta: dict[str, Any] = {"axes": "ZYX", **sizes, **{f"{k}Unit": symbol for k in sizes}, "Description": note}
    else:
        unit = {"micrometer": "um", "pixel": "pixel"}.get(grid.unit, SYMBOLS[grid.unit])
        shape = (1, grid.shape[0], 1, *grid.shape[1:], 1)  # in full, or a volume one voxel wide is misread
        meta = {
            "axes": "TZCYXS", "spacing": z, "unit": unit if unit.isascii() else "angstrom", "Info": note,
            "min": 0.0, "max": float(max(1, len(labels.phases) - 1)),
        }  # fmt: skip
    with tifffile.TiffWriter(path, imagej=not big, ome=big, bigtiff=big) as writer:
        writer.write(
            planes(labels), shape=shape, dtype=np.uint8, photometric="minisblack", resolution=(1 / x, 1 / y),
            resolutionunit=1, metadata=meta,
        )  # fmt: skip
