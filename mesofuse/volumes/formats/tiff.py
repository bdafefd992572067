"""TIFF stacks: ImageJ's and OME's voxel sizes, baseline resolution, compressed files, streamed writing."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import tifffile

from mesofuse.errors import UserError
from mesofuse.volumes.formats.own_note import note_of
from mesofuse.volumes.formats.tiff_decoding import opened
from mesofuse.volumes.formats.tiff_metadata import what_it_says
from mesofuse.volumes.formats.tiff_pixels import pixels
from mesofuse.volumes.grid import SYMBOLS
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import planes
from mesofuse.volumes.raw import RawImage

_BIG = 2**32 - 2**25
# What tifffile logs where it reads on with less than the file should hold, or with zeros.
_DAMAGE = re.compile(
    r"invalid (page )?offset|invalid value offset|invalid circular|corrupt|invalid tag|data are zeroed|not match|"
    r"series (raised|failed|expected|contains)|failed to reshape|missing data|required tags|incorrect Strip|"
    r"incompletely|ignoring predictor|TiffTag (2[5-9]\d|3[0-4]\d) @",
    re.IGNORECASE,
)


def read(path: str) -> RawImage:
    """Read a TIFF of one image or a stack; uncompressed stacks are memory-mapped.

    Voxel size: from OME, ImageJ or the baseline resolution tags, in this order.

    Raises:
        UserError: If it is not a TIFF, is cut off, or holds more than one stack.
    """
    try:
        with _damage(path), opened(path) as (tif, bits, lossy):
            raw = pixels(tif, path, bits, lossy)
            says = what_it_says(tif, raw.array.shape[: raw.array.ndim - raw.color])
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
    return replace(raw, **says)


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


def write(labels: Labels, path: str) -> None:
    """Write an ImageJ TIFF stack with voxel size and unit, plane by plane; above 4 GB a BigTIFF with OME metadata.

    A note in the file keeps the exact voxel size, the origin and the phases' names and colours.
    """
    grid = labels.grid
    big = grid.region.size > _BIG
    note = note_of(labels)
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
