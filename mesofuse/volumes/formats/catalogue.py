"""The file formats: which there are, which one a path is in, reading any of them, writing most of them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesofuse.errors import UserError, first_line, nearest
from mesofuse.volumes.files import check_free, replacing
from mesofuse.volumes.formats import inner_path
from mesofuse.volumes.formats.spec import FormatSpec
from mesofuse.volumes.store import backends

if TYPE_CHECKING:
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.raw import RawImage


def _spec(
    name: str, suffixes: tuple[str, ...], summary: str, *, readable: bool = True, writable: bool = True
) -> FormatSpec:
    module = f"mesofuse.volumes.formats.{name}"
    reader, writer = (f"{module}:read" if readable else "", f"{module}:write" if writable else "")
    return FormatSpec(name, suffixes, summary, reader, writer)


BUILTIN: tuple[FormatSpec, ...] = (
    _spec("tiff", (".tif", ".tiff"), "TIFF stack; ImageJ's and OME's voxel sizes are read and written."),
    _spec("image", (".png", ".bmp", ".jpg", ".jpeg"), "One 2D image."),
    _spec("folder", ("/",), "Folder of 2D images in natural order, one per plane."),
    _spec("npy", (".npy",), "NumPy array."),
    _spec("vti", (".vti",), "VTK image data for ParaView and PyVista (write only).", readable=False),
    _spec("zarr", (".zarr", ".zip"), "OME-Zarr volume."),
    _spec("npz", (".npz",), "One array of a NumPy archive (FILE.npz:NAME; read only).", writable=False),
    _spec("mat", (".mat",), "One array of a MATLAB file (FILE.mat:NAME; read only).", writable=False),
    _spec("hdf5", (".h5", ".hdf5", ".hdf", ".nxs"), "One dataset of an HDF5 file (FILE.h5:/PATH)."),
    _spec("nrrd", (".nrrd", ".nhdr"), "NRRD with its spacings and units."),
    _spec("mrc", (".mrc", ".rec", ".st", ".map"), "MRC of electron microscopes (read only).", writable=False),
    _spec("metaimage", (".mha", ".mhd"), "MetaImage of ITK, ParaView and 3D Slicer."),
    _spec("raw", (".raw",), "Headerless bytes; `mesofuse import` takes --shape and --dtype."),
)


_TEXT = (".txt", ".csv", ".tsv", ".asc", ".xyz", ".dat")
_TEXT_HINT = (
    "{0} is text, not an image: make an array of it, its axes z, y, x, and save it as .npy. From a table of whole "
    "numbers x, y, z and value, in Python: `import numpy as np; t = np.loadtxt('{0}', dtype=int); "
    "t[:, :3] -= t[:, :3].min(0); a = np.full(t[:, 2::-1].max(0) + 1, -1); "
    "a[t[:, 2], t[:, 1], t[:, 0]] = t[:, 3]; np.save('volume.npy', a)`."
)


def read_raw(path: str | Path, formats: Sequence[FormatSpec] = BUILTIN, format: str | None = None) -> RawImage:
    """Read an image file, a folder of images or a zarr volume.

    Args:
        path: Where it is; of files that hold several arrays, with the name of one (``file.h5:/labels``).
        formats: The formats to choose from.
        format: Name of the format, where the file's ending does not tell.

    Raises:
        UserError: If it does not exist, is empty, is in no known format, is damaged, or does not fit the memory; its
            path is always named.
    """
    text, (file, inner) = str(path), inner_path.split(str(path))
    place = Path(file)
    if not backends.is_url(text):
        if not place.exists():
            raise UserError(f"{file} does not exist.")
        if place.is_file() and place.stat().st_size == 0:
            raise UserError(f"{file} is an empty file (0 bytes).")
    spec = _choose(file, [f for f in formats if f.reader], format, "read")
    if place.is_dir() and spec.name not in ("folder", "zarr"):
        raise UserError(f"{file} is a folder, not a {spec.name} file.")
    if inner and not set(spec.suffixes) <= set(inner_path.SUFFIXES):
        raise UserError(f"A file of the format {spec.name} holds one image: leave out {':' + inner!r}.")
    try:
        with warnings.catch_warnings():  # of libraries about what is odd in a file: what matters the readers say
            warnings.simplefilter("ignore")
            image: RawImage = _load(spec.reader)(text)
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"{path} needs more memory than there is, if it is not damaged.") from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or first_line(error)}.") from error
    except Exception as error:  # libraries raise nearly anything on a damaged file
        raise UserError(
            f"{path} can't be read as {spec.name}: it is damaged, or of a kind that is not known ({first_line(error)})."
        ) from error
    return image


def check_headerless(path: str, formats: Sequence[FormatSpec], format: str | None) -> None:
    """Refuse a shape for a file that has one of its own.

    Raises:
        UserError: If the file is of another format than ``raw``; one without a header may be said to be ``raw``.
    """
    owner = next((f for f in formats if f.reader and path.lower().endswith(f.suffixes)), None)
    name = format or (owner.name if owner else "raw")
    if name != "raw":
        raise UserError(
            f"{path} is of the format {name}, which says its own shape: leave out --shape, or, if it has no header, "
            "add --format raw."
        )


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
        overwrite: Replace a file that exists, or a folder of this format.

    Raises:
        UserError: If the format is not known or can't hold it, or the file exists or can't be written.
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
    header = target.with_suffix(".mhd") if spec.name == "raw" else None
    if header is not None:
        check_free(header, overwrite)
    with replacing(target, overwrite=overwrite) as temporary:
        _load(spec.writer)(labels, str(temporary))
        if header is not None:  # that of an older file would describe this one wrongly
            header.unlink(missing_ok=True)
    if header is not None:
        _write_header(labels, target, header)


def _write_header(labels: Labels, target: Path, header: Path) -> None:
    """Write the MetaImage header of a headerless file next to it."""
    from mesofuse.volumes.formats import metaimage

    with replacing(header) as temporary:
        temporary.write_text(metaimage.header_text(labels, target.name), encoding="utf-8")


def intensity_spec(spec: FormatSpec) -> FormatSpec:
    """Return a format with its writer of grey values and colours.

    Raises:
        UserError: If it has none.
    """
    able = ("tiff", "image", "folder", "npy")
    if spec.name not in able:
        raise UserError(
            f"The format {spec.name} is written for phases alone; export grey values and colours as .tif, .npy, .png "
            "(one plane) or a folder of PNGs (NAME/)."
        )
    return replace(spec, writer=f"mesofuse.volumes.formats.intensities:write_{spec.name}")


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
    if verb == "read" and text.endswith(_TEXT) and _is_text(path):
        raise UserError(_TEXT_HINT.format(path))
    fits = [(len(s), -i) for i, f in enumerate(formats) for s in f.suffixes if text.endswith(s)]
    if not fits:
        known = ", ".join(sorted({s for f in formats for s in f.suffixes if s != "/"}))
        ending = Path(path).suffix
        has = f"ends with {ending!r}" if ending else "has no ending"
        raise UserError(
            f"{path} {has}, which tells no format that can be {verb}; use one of {known}, or name the format with the "
            "--format of `mesofuse import` or `mesofuse export` (a headerless file: --shape of `mesofuse import`)."
        )
    return formats[-max(fits)[1]]


def _is_text(path: str | Path) -> bool:
    """Return whether a file begins with plain text."""
    if backends.is_url(str(path)) or not Path(path).is_file():
        return True
    with open(path, "rb") as file:
        return all(byte > 31 or byte in b"\t\r\n" for byte in file.read(4096))


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
