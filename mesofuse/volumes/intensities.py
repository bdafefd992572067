"""From image files to intensities: grey values or colours from 0 to 255, which are not taken for labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.content import Content, in_words
from mesofuse.volumes.formats.catalogue import BUILTIN, read_raw
from mesofuse.volumes.formats.planar_stack import colors, grey
from mesofuse.volumes.formats.raster import as_it_looks
from mesofuse.volumes.formats.spec import FormatSpec
from mesofuse.volumes.grid import Region, Scale
from mesofuse.volumes.labelling import cropped, grid_of
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.part import Part
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.store.backends import is_zarr
from mesofuse.volumes.store.opening import open_volume

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey value (ITU-R BT.601)."""
_CLEAR = 0.01
"""With a greater share of transparent pixels than this, an image has a surround that shows nothing."""


def read_intensities(
    files: Mapping[str, str],
    content: Content,
    *,
    formats: Sequence[FormatSpec] = BUILTIN,
    voxel_size: Scale | None = None,
    unit: str | None = None,
    crop: str | None = None,
) -> tuple[dict[str, LabelArray], list[str]]:
    """Read images whose values mean intensities; they are labels without phases.

    Values of uint8 stay as they are. Others are scaled so that the lowest value of all the files becomes 0 and the
    highest 255. Palettes are read as they look; colours become grey values by their luminance where grey is wanted.

    Args:
        files: Paths, by any key.
        content: What they are to hold.
        formats: The formats to choose from.
        voxel_size: Overrides the files'.
        unit: Unit of ``voxel_size``.
        crop: The part of each to take, as ``z0:z1,y0:y1,x0:x1``.

    Returns:
        The images by key, and sentences on what was changed.

    Raises:
        UserError: If a file is missing, damaged, not an image of numbers, of one value only, in part transparent, or
            of grey values where colours are wanted; or if the files are of unlike types.
    """
    raws = {key: _looks(read_raw(path, formats), content) for key, path in files.items()}
    if crop is not None:
        raws = {key: cropped(raw, crop)[0] for key, raw in raws.items()}
    notes = [f"{raw.path}: {note}" for raw in raws.values() for note in raw.said(voxel_size is not None)]
    arrays = {key: _arranged(raw, content, notes) for key, raw in raws.items()}
    kinds = {key: array.dtype for key, array in arrays.items()}
    first = next(iter(kinds))
    for key, kind in kinds.items():
        if kind != kinds[first]:
            raise UserError(
                f"{files[key]} holds {kind} values, but {files[first]} holds {kinds[first]}, so that equal values need "
                "not mean the same: save all images with one type."
            )
    if kinds[first] != np.uint8:
        low = min(float(array.min()) for array in arrays.values())
        high = max(float(array.max()) for array in arrays.values())
        notes.append(f"{', '.join(files.values())}: {kinds[first]} values {low:g} to {high:g} became 0 to 255")
        arrays = {key: _scaled(array, low, high) for key, array in arrays.items()}
    found = {}
    for key, array in arrays.items():
        if (array == array.flat[0]).all():
            raise UserError(f"{files[key]} shows nothing: all its values are the same.")
        grid = grid_of(raws[key], array.shape[-3:], voxel_size, unit)
        found[key] = LabelArray(np.ascontiguousarray(array), grid, ())
    return found, notes


def open_intensities(
    path: str,
    content: Content,
    *,
    formats: Sequence[FormatSpec] = BUILTIN,
    voxel_size: Scale | None = None,
    unit: str | None = None,
    crop: str | None = None,
) -> tuple[Labels, list[str]]:
    """Open a volume of intensities that mesofuse made, or read an image file of them; see `read_intensities`.

    Raises:
        UserError: If it can't be read, or a volume holds something else.
    """
    if not is_zarr(path):
        found, notes = read_intensities(
            {"": path}, content, formats=formats, voxel_size=voxel_size, unit=unit, crop=crop
        )  # fmt: skip
        return found[""], notes
    volume = open_volume(path)
    if volume.content != content:
        raise UserError(f"{path} holds {in_words(volume.content)}, but {in_words(content)} are expected.")
    return (Part(volume, Region.parse(crop, volume.grid.shape)) if crop else volume), []


def _looks(raw: RawImage, content: str) -> RawImage:
    """Return an image with the grey values or colours that it shows."""
    return as_it_looks(colors(raw) if content == "colour" else grey(raw))


def _arranged(raw: RawImage, content: str, notes: list[str]) -> np.ndarray:
    """Return (z, y, x) or, for colours, (3, z, y, x), of numbers that are finite."""
    array, path = raw.array, raw.path
    clear = 0 if raw.mask is None else int(np.count_nonzero(raw.mask))
    if raw.mask is not None and clear > _CLEAR * raw.mask.size:
        raise UserError(
            f"{path} has {clear} transparent pixels ({100 * clear / raw.mask.size:.2f} %), which show nothing: crop "
            "the image to what is opaque, or save it without transparency."
        )
    if clear or raw.partly:
        notes.append(
            f"{path}: {clear} of its pixels are transparent and {raw.partly} partly so, which is left out: they are "
            "read as the values that they hide"
        )
    if array.dtype.kind not in "biuf":
        raise UserError(f"{path} holds {array.dtype} values; an image of numbers is expected.")
    # An array that is said to hold colours has them on its last axis, though its file can't say so.
    color = raw.color or (content == "colour" and array.ndim in (3, 4) and array.shape[-1] in (3, 4))
    if array.ndim - color not in (2, 3):
        raise UserError(
            f"{path} has the shape {array.shape}; an image has 2 axes and a volume 3, and colours one more."
        )
    if array.size == 0:
        raise UserError(f"{path} is empty: its shape is {array.shape}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UserError(f"{path} holds NaN or infinite values; an image needs a value everywhere.")
    if not color:
        if content == "colour":
            raise UserError(f"{path} holds no colours, but one value per pixel: give --content grey.")
        return array if array.ndim == 3 else array[np.newaxis]
    rgb = np.moveaxis(array[..., :3], -1, 0)
    rgb = rgb if rgb.ndim == 4 else rgb[:, np.newaxis]
    if content == "colour":
        return rgb
    if (rgb[0] == rgb[1]).all() and (rgb[0] == rgb[2]).all():
        return np.asarray(rgb[0])
    notes.append(f"{path}: its colours became grey values, by their luminance")
    bright = np.tensordot(np.array(LUMINANCE), rgb, 1)
    return np.rint(bright).astype(array.dtype) if array.dtype.kind in "iu" else bright.astype(array.dtype)


def _scaled(array: np.ndarray, low: float, high: float) -> np.ndarray:
    if low == high:
        return np.zeros(array.shape, np.uint8)
    return np.rint((array.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)
