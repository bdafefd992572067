"""Opening a stored volume whatever its voxels hold."""

from __future__ import annotations

from pathlib import Path

from mesofuse.errors import UserError
from mesofuse.volumes.content import Content
from mesofuse.volumes.store import backends, ome
from mesofuse.volumes.store.intensities import IntensityVolume
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.volume import Mode, StoredVolume, open_group


def open_volume(path: str | Path, mode: Mode = "r") -> StoredVolume:
    """Open a volume of intensities or of labels, whichever it is.

    Raises:
        UserError: See `StoredVolume.open`.
    """
    attributes = dict(open_group(str(path), mode).attrs)
    own = isinstance(attributes.get("mesofuse"), dict)
    grey = own and ome.intensities(ome.find_ome(attributes, str(path)))
    return IntensityVolume.open(path, mode) if grey else LabelVolume.open(path, mode)


def content_at(path: str | Path) -> Content:
    """Return what the voxels of a file hold: intensities where it is a volume of them that mesofuse made, else phases.

    Image files may be taken for either; nothing is read of them.
    """
    if not backends.is_zarr(path):
        return "phases"
    try:
        return open_volume(path).content
    except UserError:
        return "phases"
