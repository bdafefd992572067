"""Single 2D images: PNG, BMP, JPEG."""

from __future__ import annotations

import numpy as np
from PIL import Image, UnidentifiedImageError

from mesofuse.errors import UserError
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.raw import RawImage

_JPEG_VALUES = 8  # a segmented image that JPEG left intact has no more


def read(path: str) -> RawImage:
    """Read one 2D image; palette images give their palette indices, transparency is left out.

    Raises:
        UserError: It is not an image, is cut off, or is a JPEG whose compression blurred the labels.
    """
    try:
        with Image.open(path) as image:
            array, color = as_array(image)
            lossy = image.format == "JPEG"
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, EOFError, OSError) as error:
        if isinstance(error, (FileNotFoundError, PermissionError)):
            raise
        raise UserError(
            f"{path} is not an image that can be read, or is cut off ({str(error).split(chr(10))[0]})."
        ) from error
    if lossy and len(np.unique(array)) > _JPEG_VALUES:
        raise UserError(
            f"{path} is a JPEG with {len(np.unique(array))} different grey values: it is a grey-level image, "
            "or JPEG has blurred its labels; segment it, and save labels as PNG or TIFF."
        )
    return RawImage(array, path, color=color)


def read_photo(path: str) -> RawImage:
    """Read one 2D image of intensities: a JPEG too, and a palette image as it looks.

    Raises:
        UserError: It is not an image, or is cut off.
    """
    try:
        with Image.open(path) as image:
            array, color = as_array(image.convert("RGB") if image.mode == "P" else image)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, EOFError, OSError) as error:
        if isinstance(error, (FileNotFoundError, PermissionError)):
            raise
        raise UserError(
            f"{path} is not an image that can be read, or is cut off ({str(error).split(chr(10))[0]})."
        ) from error
    return RawImage(array, path, color=color)


def as_array(image: Image.Image) -> tuple[np.ndarray, bool]:
    """Return the pixels of a Pillow image, and whether their last axis is colour."""
    if image.mode in ("LA", "La"):
        image = image.convert("L")
    elif image.mode in ("1", "P", "L", "I", "F") or image.mode.startswith("I;16"):
        pass
    else:
        image = image.convert("RGB")
    return np.asarray(image), image.mode == "RGB"


def write(labels: Labels, path: str) -> None:
    """Write a volume of one plane as an image whose pixels are the labels, shown in the phases' colours.

    Raises:
        UserError: It has more than one plane, or the format would blur labels.
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
