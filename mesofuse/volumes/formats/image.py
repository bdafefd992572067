"""Single 2D images: PNG, BMP, JPEG."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from PIL import Image, UnidentifiedImageError

from mesofuse.errors import UserError
from mesofuse.volumes.formats.bmp_check import check_bmp
from mesofuse.volumes.formats.png_check import check_png
from mesofuse.volumes.formats.raster import check_indices, without_opacity
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.raw import RawImage

_GREYS = {"L;2": 2, "L;4": 4}
"""Modes in which Pillow stretches the values of PNG to 0 … 255."""


def read(path: str) -> RawImage:
    """Read one 2D image; palette images give their indices and the palette.

    Raises:
        UserError: If it is not an image, is cut off, or is transparent everywhere.
    """
    try:
        with _large(), Image.open(path) as image:
            if image.format == "PNG":
                check_png(path)
            elif image.format in ("BMP", "DIB"):
                check_bmp(path)
            return _read(image, path)
    except UserError:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, EOFError, OSError) as error:
        if isinstance(error, (FileNotFoundError, PermissionError)):
            raise
        raise UserError(
            f"{path} is not an image that can be read, or is cut off ({str(error).split(chr(10))[0]})."
        ) from error


@contextmanager
def _large() -> Iterator[None]:
    """Let Pillow open images of up to 2³¹ pixels, such as stitched micrographs; it takes 179 million for an attack."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = 2**30
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _read(image: Image.Image, path: str) -> RawImage:
    tile = getattr(image, "tile", None)
    args = tile[0].args if tile else ""
    packed = str(args[0] if isinstance(args, tuple) else args)
    lossy = {"JPEG": "JPEG", "MPO": "JPEG"}.get(image.format or "", "")
    if image.format == "PNG" and "16" in packed and not image.mode.startswith("I"):
        raise UserError(
            f"{path} holds colours or transparency of 16 bits, which can't be read exactly: save it with 8 bits, or as "
            "grey values of 16 bits without transparency."
        )
    raw = replace(_values(image, packed, path), lossy=lossy)
    opacity = _opacity(image, packed)
    return raw if opacity is None else without_opacity(raw, opacity)


def _values(image: Image.Image, packed: str, path: str) -> RawImage:
    """Return the pixels without transparency."""
    if image.mode in ("LA", "La"):
        image = image.convert("L")
    if image.mode == "1":
        return RawImage(np.asarray(image.convert("L")) != 0, path, bits=1)
    if image.mode == "P":
        array = np.asarray(image)
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        check_indices(array, palette, path)
        return RawImage(array, path, palette=palette)
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        array, bits = np.asarray(image), _GREYS.get(packed, 0) if image.format == "PNG" else 0
        return RawImage(array // (255 // (2**bits - 1)) if bits else array, path, bits=bits)
    return RawImage(np.asarray(image.convert("RGB")), path, color=True)


def _opacity(image: Image.Image, packed: str) -> np.ndarray | None:
    """Return the opacity of pixels, which they have of their own or by a value that stands for transparency."""
    value = image.info.get("transparency")
    if isinstance(value, int) and image.mode != "P":
        values = np.asarray(image.convert("L") if image.mode == "1" else image)
        scale = 255 // (2 ** _GREYS[packed] - 1) if packed in _GREYS else 1
        return np.where(values == value * scale, 0, 255).astype(np.uint8)
    return np.asarray(image.convert("RGBA"))[..., 3] if image.has_transparency_data else None


def write(labels: Labels, path: str) -> None:
    """Write a volume of one plane as an image whose pixels are the labels, shown in the phases' colours.

    Raises:
        UserError: If it has more than one plane, or the format would blur labels.
    """
    if labels.grid.shape[0] != 1:
        raise UserError(
            f"An image holds one plane, not {labels.grid.shape[0]}; export a folder, or one plane with --region."
        )
    if path.lower().endswith((".jpg", ".jpeg")):
        raise UserError("JPEG blurs labels; export PNG or TIFF instead.")
    save_plane(labels.read(labels.grid.region)[0], labels, path)


def save_plane(plane: np.ndarray, labels: Labels, path: str) -> None:
    """Save one plane as a palette image: pixel values are labels, colours the phases'."""
    image = Image.fromarray(np.ascontiguousarray(plane)).convert("L")
    image.putpalette([c for p in labels.phases for c in p.rgb])
    image.save(path)
