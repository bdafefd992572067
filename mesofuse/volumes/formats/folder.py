"""Folders of 2D images, one per plane, in natural order (``2.png`` before ``10.png``)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from mesofuse.errors import UserError
from mesofuse.volumes.formats import image, tiff
from mesofuse.volumes.formats.planar_stack import colors
from mesofuse.volumes.formats.raster import stacked
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import planes
from mesofuse.volumes.raw import RawImage

_SUFFIXES = (".tif", ".tiff", ".png", ".bmp", ".jpg", ".jpeg")


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts numbers in names by value."""
    return [(0, int(p), "") if p.isdigit() else (1, 0, p.lower()) for p in re.split(r"(\d+)", name) if p]


def read(path: str) -> RawImage:
    """Read all images of a folder as a volume; the voxel size in the plane is that of the first, if it has one.

    Raises:
        UserError: If it holds no images, or images of unlike shape, type or kind.
    """
    files = sorted(
        (f for f in Path(path).iterdir() if f.suffix.lower() in _SUFFIXES and not f.name.startswith(".")),
        key=lambda f: natural_key(f.name),
    )
    if not files:
        raise UserError(f"{path} is a folder without images ({', '.join(_SUFFIXES)}) and without a zarr volume.")
    return stacked(lambda i: _plane(files[i]), len(files), path)


def _plane(file: Path) -> RawImage:
    if file.stat().st_size == 0:
        raise UserError(f"{file} is an empty file (0 bytes).")
    read = tiff.read if file.suffix.lower() in (".tif", ".tiff") else image.read
    plane = colors(read(str(file)))  # a file of a folder is no stack
    if plane.array.ndim - plane.color == 3 and plane.array.shape[0] == 1:
        mask = None if plane.mask is None else plane.mask[0]
        plane = replace(plane, array=plane.array[0], mask=mask)
    if plane.array.ndim - plane.color != 2:
        raise UserError(f"{file} has the shape {plane.array.shape}; a folder holds one 2D image per plane.")
    return plane


def write(labels: Labels, path: str) -> None:
    """Write one PNG a plane (``z0000.png`` …), pixel values the labels; a folder can't hold a voxel size."""
    folder = Path(path)
    folder.mkdir(parents=True)
    digits = max(4, len(str(labels.grid.shape[0] - 1)))
    for z, plane in enumerate(planes(labels)):
        image.save_plane(plane, labels, str(folder / f"z{z:0{digits}d}.png"))
