"""The file formats: which there are, which one a path is in, reading any of them, writing most of them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesofuse.errors import UserError, first_line, nearest
from mesofuse.volumes import backends
from mesofuse.volumes.files import check_free, replacing
from mesofuse.volumes.format_spec import FormatSpec

if TYPE_CHECKING:
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.raw import RawImage


def _spec(name: str, suffixes: tuple[str, ...], summary: str, *, readable: bool = True) -> FormatSpec:
    module = f"mesofuse.volumes.format_{name}"
    return FormatSpec(name, suffixes, summary, f"{module}:read" if readable else "", f"{module}:write")


BUILTIN: tuple[FormatSpec, ...] = (
    _spec("tiff", (".tif", ".tiff"), "TIFF stack; ImageJ's and OME's voxel sizes are read and written."),
    _spec("image", (".png", ".bmp", ".jpg", ".jpeg"), "One 2D image."),
    _spec("folder", ("/",), "Folder of 2D images in natural order, one a plane."),
    _spec("npy", (".npy",), "NumPy array."),
    _spec("vti", (".vti",), "VTK image data for ParaView and PyVista (write only).", readable=False),
    _spec("zarr", (".zarr", ".zip"), "OME-Zarr volume."),
)


def read_raw(path: str | Path, formats: Sequence[FormatSpec] = BUILTIN, format: str | None = None) -> RawImage:
    """Read an image file, a folder of images or a zarr volume.

    Args:
        path: Where it is.
        formats: The formats to choose from.
        format: Name of the format, where the file's ending does not tell.

    Raises:
        UserError: If it does not exist, is empty, is in no known format, or is damaged; the path is always named.
        MemoryError: If it does not fit the memory.
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
        with warnings.catch_warnings():  # of libraries about what is odd in a file: what matters the readers say
            warnings.simplefilter("ignore")
            image: RawImage = _load(spec.reader)(text)
    except (UserError, MemoryError):
        raise
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or first_line(error)}.") from error
    except Exception as error:  # libraries raise nearly anything on a damaged file
        raise UserError(
            f"{path} can't be read as {spec.name}: it is damaged, or of a kind that is not known ({first_line(error)})."
        ) from error
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
    if not labels.phases:
        spec = intensity_spec(spec)
    if backends.is_url(str(path)):
        _to_url(spec, labels, str(path), overwrite)
        return
    target = Path(str(path).rstrip("/"))
    check_free(target, overwrite)
    if target.is_dir():
        if spec.name == "zarr":
            backends.check_replaceable(str(target))
        elif spec.name != "folder" or any(not f.name.lower().endswith(".png") for f in target.iterdir()):
            raise UserError(
                f"{path} is a folder that holds other files, so --overwrite leaves it alone; choose another name."
            )
    with replacing(target, overwrite=overwrite) as temporary:
        _load(spec.writer)(labels, str(temporary))


def intensity_spec(spec: FormatSpec) -> FormatSpec:
    """Return a format with its writer of grey values and colours.

    Raises:
        UserError: It has none.
    """
    able = ("tiff", "image", "folder", "npy")
    if spec.name not in able:
        raise UserError(
            f"The format {spec.name} is written for phases alone; export grey values and colours as .tif, .npy, .png "
            "(one plane) or a folder of PNGs (NAME/)."
        )
    return replace(spec, writer=f"mesofuse.volumes.intensity_files:write_{spec.name}")


def _to_url(spec: FormatSpec, labels: Labels, path: str, overwrite: bool) -> None:
    """Write a zarr volume to where there is no renaming."""
    if spec.name != "zarr" or path.endswith(".zip"):
        raise UserError(f"{path} is a URL, where only .zarr volumes can be written; write {spec.name} to a local path.")
    if backends.occupied(path):
        if not overwrite:
            raise UserError(f"{path} exists already; choose another name or add --overwrite to replace it.")
        backends.clear_for_overwrite(path)
    _load(spec.writer)(labels, path)


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
        has = f"ends with {ending!r}" if ending else "has no ending"
        raise UserError(
            f"{path} {has}, which tells no format that can be {verb}; use one of {known}, or name the format with the "
            "--format of `mesofuse import` or `mesofuse export`."
        )
    return formats[-max(fits)[1]]


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
