"""Grey values and colours as files of other programs, written slab by slab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.grid import SYMBOLS
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.planes import slabs

_LARGE = 2**32 - 2**25


def _colour_last(values: np.ndarray) -> np.ndarray:
    """Return (z, y, x) as it is and (3, z, y, x) as (z, y, x, 3)."""
    return np.ascontiguousarray(np.moveaxis(values, 0, -1)) if values.ndim == 4 else values


def _planes(volume: Labels) -> Iterator[np.ndarray]:
    for _, slab in slabs(volume):
        yield from _colour_last(slab)


def _colour(volume: Labels) -> bool:
    return next(_planes(volume)).ndim == 3


def write_npy(volume: Labels, path: str) -> None:
    """Write uint8 (z, y, x), or (z, y, x, 3) of colours."""
    shape = (*volume.grid.shape, *((3,) if _colour(volume) else ()))
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for region, slab in slabs(volume):
        array[region.slices] = _colour_last(slab)
    array.flush()


def write_tiff(volume: Labels, path: str) -> None:
    """Write an ImageJ TIFF stack, of colours as RGB, with the voxel size; above 4 GB a BigTIFF with OME metadata."""
    import tifffile

    grid, colour = volume.grid, _colour(volume)
    z, y, x = grid.voxel_size
    planes, rows, columns = grid.shape
    samples = 3 if colour else 1
    if large := grid.region.size * samples > _LARGE:
        symbol = SYMBOLS[grid.unit] if grid.known else "pixel"
        sizes = {f"PhysicalSize{a}": v for a, v in zip("ZYX", grid.voxel_size, strict=True)}
        meta = {"axes": "ZYXS" if colour else "ZYX", **sizes, **{f"{k}Unit": symbol for k in sizes}}
        shape = (planes, rows, columns, *((3,) if colour else ()))
    else:
        unit = {"micrometer": "um", "pixel": "pixel"}.get(grid.unit, SYMBOLS[grid.unit])
        meta = {"axes": "TZCYXS", "spacing": z, "unit": unit if unit.isascii() else "angstrom"}
        shape = (1, planes, 1, rows, columns, samples)  # in full, or a volume one voxel wide is misread
    with tifffile.TiffWriter(path, imagej=not large, ome=large, bigtiff=large) as writer:
        writer.write(
            _planes(volume), shape=shape, dtype=np.uint8, photometric="rgb" if colour else "minisblack",
            resolution=(1 / x, 1 / y), resolutionunit=1, metadata=meta,
        )  # fmt: skip


def write_image(volume: Labels, path: str) -> None:
    """Write a volume of one plane as a picture.

    Raises:
        UserError: If it has more than one plane.
    """
    from PIL import Image

    if volume.grid.shape[0] != 1:
        raise UserError(
            f"An image holds one plane, not {volume.grid.shape[0]}; export a folder, or one plane with --region."
        )
    Image.fromarray(next(_planes(volume))).save(path)


def write_folder(volume: Labels, path: str) -> None:
    """Write one PNG a plane (``z0000.png`` …)."""
    from PIL import Image

    folder = Path(path)
    folder.mkdir(parents=True)
    digits = max(4, len(str(volume.grid.shape[0] - 1)))
    for z, plane in enumerate(_planes(volume)):
        Image.fromarray(plane).save(folder / f"z{z:0{digits}d}.png")
