"""Opening a stored volume whatever its voxels hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mesofuse.errors import UserError
from mesofuse.volumes.content import Content
from mesofuse.volumes.store import backends, ome
from mesofuse.volumes.store.intensities import IntensityVolume
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.volume import Mode, StoredVolume, open_group

if TYPE_CHECKING:
    import zarr


def open_volume(path: str | Path, mode: Mode = "r") -> StoredVolume:
    """Open a volume of intensities or of labels, whichever it is.

    Raises:
        UserError: See `StoredVolume.open`.
    """
    group = open_group(str(path), mode)
    kind = LabelVolume if _content_of(group, str(path)) == "phases" else IntensityVolume
    return kind.from_group(str(path), mode, group)


def content_at(path: str | Path) -> Content:
    """Return what the voxels of a file hold: intensities where it is a volume of them that mesofuse made, else phases.

    Image files may be taken for either. Metadata alone are read.
    """
    if not backends.is_zarr(path):
        return "phases"
    try:
        return _content_of(open_group(str(path), "r"), str(path))
    except UserError:
        return "phases"


def _content_of(group: zarr.Group, path: str) -> Content:
    attributes = dict(group.attrs)
    if not isinstance(attributes.get("mesofuse"), dict):
        return "phases"
    metadata = ome.find_ome(attributes, path)
    return ome.content(metadata) if ome.intensities(metadata) else "phases"
