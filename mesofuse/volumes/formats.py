"""The file formats: which there are, which one a path is in, reading any of them, writing most of them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesofuse.errors import UserError, nearest
from mesofuse.volumes import backends
from mesofuse.volumes.files import check_free, replacing
from mesofuse.volumes.format_spec import FormatSpec

if TYPE_CHECKING:
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.raw import RawImage

_HERE = "mesofuse.volumes"
BUILTIN: tuple[FormatSpec, ...] = (
    FormatSpec(
        "tiff", (".tif", ".tiff"), "TIFF stack; ImageJ's and OME's voxel sizes are read and written.",
        f"{_HERE}.format_tiff:read", f"{_HERE}.format_tiff:write",
    ),
    FormatSpec(
        "image", (".png", ".bmp", ".jpg", ".jpeg"), "One 2D image.", f"{_HERE}.format_image:read", f"{_HERE}.format_image:write",
    ),
    FormatSpec(
        "folder", ("/",), "Folder of 2D images in natural order, one a plane.",
        f"{_HERE}.format_folder:read", f"{_HERE}.format_folder:write",
    ),
    FormatSpec("npy", (".npy",), "NumPy array.", f"{_HERE}.format_npy:read", f"{_HERE}.format_npy:write"),
    FormatSpec("vti", (".vti",), "VTK image data for ParaView and PyVista (write only).", "", f"{_HERE}.format_vti:write"),
    FormatSpec("zarr", (".zarr", ".zip"), "OME-Zarr volume.", f"{_HERE}.format_zarr:read", f"{_HERE}.format_zarr:write"),
)  # fmt: skip


def read_raw(path: str | Path, formats: Sequence[FormatSpec] = BUILTIN, format: str | None = None) -> RawImage:
    """Read an image file, a folder of images or a zarr volume.

    Args:
        path: Where it is.
        formats: The formats to choose from.
        format: Name of the format, where the file's ending does not tell.

    Raises:
        UserError: It does not exist, is empty, is in no known format, or is damaged; the path is always named.
    """
    text, place = str(path), Path(path)
    if not backends.is_url(text):
        if not place.exists():
            raise UserError(f"{path} does not exist.")
        if place.is_file() and place.stat().st_size == 0:
            raise UserError(f"{path} is an empty file (0 bytes).")
    spec = _choose(path, [f for f in formats if f.reader], format, "read")
    if place.is_dir() and spec.name not in ("folder", "zarr"):
        raise UserError(f"{path} is a folder, not a {spec.name} file.")
    try:
        image: RawImage = _load(spec.reader)(text)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}.") from error
    return image


def write_labels(
    labels: Labels,
    path: str | Path,
    formats: Sequence[FormatSpec] = BUILTIN,
    format: str | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write labels to a file; it appears under its name only when it is whole.

    Args:
        labels: What to write, read by region.
        path: Where to; its ending names the format (a name that ends with ``/`` is a folder of images).
        formats: The formats to choose from.
        format: Name of the format, where the file's ending does not tell.
        overwrite: Replace a file that is there, or a folder of this format.

    Raises:
        UserError: The format is not known or can't hold it, or the file exists or can't be written.
    """
    spec = _choose(path, [f for f in formats if f.writer], format, "written")
    target = Path(str(path).rstrip("/"))
    check_free(target, overwrite)
    if target.is_dir():
        if spec.name == "zarr":
            backends.check_replaceable(str(target))
        elif spec.name != "folder" or any(not f.name.lower().endswith(".png") for f in target.iterdir()):
            raise UserError(
                f"{path} is a folder that holds other files, so --overwrite leaves it alone; choose another name."
            )
    with replacing(target) as temporary:
        _load(spec.writer)(labels, str(temporary))


def _choose(path: str | Path, formats: Sequence[FormatSpec], name: str | None, verb: str) -> FormatSpec:
    """Return the format that is named, or that owns the path's ending (the longest that fits)."""
    if name:
        for spec in formats:
            if spec.name == name:
                return spec
        raise UserError(f"No format {name!r} can be {verb}.{nearest(name, [f.name for f in formats])}")
    text = str(path).lower()
    if verb == "read" and Path(path).is_dir():
        text = "x.zarr" if backends.is_zarr(path) else "x/"
    fits = [(len(s), -i) for i, f in enumerate(formats) for s in f.suffixes if text.endswith(s)]
    if not fits:
        known = ", ".join(sorted({s for f in formats for s in f.suffixes if s != "/"}))
        ending = Path(path).suffix
        raise UserError(
            f"{path} {'ends with ' + repr(ending) if ending else 'has no ending'}, which tells no format that can be {verb}; "
            f"use one of {known}, or name the format with --format."
        )
    return formats[-max(fits)[1]]


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
