"""OME-Zarr volumes as a file format: any zarr image to a raw image, labels to a folder or a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.files import remove
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.room import check_room
from mesofuse.volumes.store import backends, ome
from mesofuse.volumes.store.axes import ArrangedArray, Arrangement, arrangement_of
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.metadata import check_array
from mesofuse.volumes.store.ome_layout import image_group, labels_hint
from mesofuse.volumes.store.write_units import scan_shape

if TYPE_CHECKING:
    import zarr


def read(path: str) -> RawImage:
    """Read the finest level of an OME-Zarr image, or a plain zarr array, whose values need not be labels 0 … n−1.

    Axes are taken by their names, and those of one place alone are dropped.

    Raises:
        UserError: If it is not zarr, is damaged, holds several images, or has axes that are not understood.
    """
    import zarr

    try:
        node = zarr.open(store=backends.open_store(path, writable=False), mode="r")
    except FileNotFoundError:
        raise UserError(f"{path} is not a zarr volume: it holds no zarr.json.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a zarr volume, or its metadata are cut off ({str(error).split(chr(10))[0]})."
        ) from error
    try:
        if isinstance(node, zarr.Array):
            arranged = arrangement_of(node, path)
            check_array(node, path)
            check_room(path, node.shape, node.dtype.itemsize)
            return RawImage(np.asarray(node[...]) if arranged is None else _voxels(node, arranged, path), path)
        node = image_group(node, path)
        meta = ome.find_ome(dict(node.attrs), path)
        array = node[ome.dataset_paths(meta)[0]]
        if not isinstance(array, zarr.Array):
            raise UserError(f"{path} is damaged: its finest level is not an array.")
        arranged = ome.arrangement(meta, path)
        shape = arranged.shape(array, path)
        check_array(array, path)
        check_room(path, shape, array.dtype.itemsize)
        voxels = _voxels(array, arranged, path)
    except (KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is damaged: {str(error).split(chr(10))[0]}.") from error
    grid = ome.read_grid(meta, 0, shape, path)
    phases = ome.read_phases(meta, None) or ()
    hint = "" if "image-label" in meta else labels_hint(node, path).strip().rstrip(".")
    return RawImage(
        voxels,
        path,
        grid.voxel_size,
        grid.unit,
        grid.origin,
        tuple(p.name for p in phases),
        tuple(p.color for p in phases),
        mask=voxels == IGNORED if ome.read_masked(meta) else None,
        notes=(hint[0].lower() + hint[1:],) if hint else (),
        size_notes=() if "mesofuse" in node.attrs else ome.size_notes(meta, shape, path),
    )


def _voxels(array: zarr.Array[Any], arranged: Arrangement, path: str) -> np.ndarray:
    """Return all voxels as (z, y, x)."""
    return ArrangedArray(array, arranged, path)[..., slice(None), slice(None), slice(None)]


def write(labels: Labels, path: str) -> None:
    """Write labels as a volume of their own: a folder, or a zip if the name says so, without coarser levels."""
    if path.lower().endswith(".zip"):
        folder = path + ".folder"
        try:
            copy(labels, folder)
            pack(folder, path)
        finally:
            remove(Path(folder))
    else:
        copy(labels, path)


def copy(
    labels: Labels, path: str, chunks: int = 64, shards: int | None = None, provenance: dict[str, Any] | None = None
) -> LabelVolume:
    """Make a new volume with the same labels, grid and phases, in bounded memory."""
    said = getattr(labels, "provenance", None) if provenance is None else provenance
    volume = LabelVolume.create(
        path, labels.grid, labels.phases, chunks=chunks, shards=shards, provenance=said, masked=is_masked(labels)
    )
    for region in labels.grid.region.blocks(scan_shape(volume.write_unit)):
        volume.write(region, np.ascontiguousarray(labels.read(region)))
    volume.sort_digests()
    return volume


def pack(folder: str, path: str) -> None:
    """Pack a zarr folder into a zip as zarr's ZipStore reads it: no compression, for chunks are compressed already."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for file in sorted(Path(folder).rglob("*")):
            if file.is_file() and not file.name.endswith(".partial"):
                archive.write(file, file.relative_to(folder).as_posix())
