"""TIFF stacks: ImageJ's and OME's voxel sizes, baseline resolution, compressed files, streamed writing."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tifffile

from mesofuse.errors import UserError
from mesofuse.volumes import format_image
from mesofuse.volumes.format_tiff_metadata import KEY, what_it_says
from mesofuse.volumes.grid import SYMBOLS
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import planes
from mesofuse.volumes.raw import RawImage

_BIG = 2**32 - 2**25
_DAMAGE = re.compile(r"invalid (page )?offset|invalid value offset|invalid circular|corrupt|invalid tag", re.IGNORECASE)


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
            says = what_it_says(tif, array.shape[: array.ndim - color])
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


# --- writing ------------------------------------------------------------------------------------------------------


def write(labels: Labels, path: str) -> None:
    """Write an ImageJ TIFF stack with voxel size and unit, plane by plane; above 4 GB a BigTIFF with OME metadata.

    A note in the file keeps the exact voxel size, the origin and the phases' names and colours.
    """
    grid = labels.grid
    big = grid.region.size > _BIG
    note = json.dumps({
        KEY: {
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
