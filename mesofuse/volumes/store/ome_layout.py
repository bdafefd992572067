"""Which group of an OME-Zarr store holds the image: bioformats2raw's series, labels next to an image, plates.

Source: https://ngff.openmicroscopy.org/0.5/ (bioformats2raw.layout, labels, plate).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mesofuse.errors import UserError

if TYPE_CHECKING:
    import zarr

_MOST = 8  # names in a sentence


def image_group(group: zarr.Group, path: str) -> zarr.Group:
    """Return the group of the one image that a store holds: the group itself, its only series, its only labels.

    A group of none of these kinds is returned as it is.

    Raises:
        UserError: If it holds several images; their paths are named.
    """
    about = _about(group)
    if "multiscales" in about:
        return group
    if "bioformats2raw.layout" in about:
        return _only(group, _series(group), path, "series of images, as bioformats2raw writes them")
    if names := _names(about.get("labels")):
        return _only(group, names, path, "label images")
    for kind in ("plate", "well"):
        if kind in about:
            raise UserError(
                f"{path} is a {kind} with the images of many fields; give one of them, as in "
                f"{path.rstrip('/')}/{'0' if kind == 'well' else 'A/1/0'}."
            )
    return group


def labels_hint(group: zarr.Group, path: str) -> str:
    """Return a sentence, after a space, that names the label images next to an image; empty if there are none."""
    import zarr

    below = group.get("labels")
    names = _names(_about(below).get("labels")) if isinstance(below, zarr.Group) else []
    if not names:
        return ""
    return f" It holds labels too: give {_listed([f'labels/{name}' for name in names], path)}."


def _about(group: zarr.Group) -> Mapping[str, Any]:
    attributes: Mapping[str, Any] = dict(group.attrs)
    about = attributes.get("ome", attributes)
    return about if isinstance(about, Mapping) else {}


def _names(value: Any) -> list[str]:
    """Return the names of groups in a list from a file, without any that lead out of the store."""
    found = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
    return [name for name in found if name and not {"", ".", ".."} & set(name.split("/"))]


def _series(group: zarr.Group) -> list[str]:
    """Return the names of the series: those that its group ``OME`` lists, else 0, 1, 2 … as far as they go."""
    import zarr

    about = group.get("OME")
    listed = _names(_about(about).get("series")) if isinstance(about, zarr.Group) else []
    return listed or list(itertools.takewhile(group.__contains__, map(str, range(1 << 12))))


def _only(group: zarr.Group, names: list[str], path: str, what: str) -> zarr.Group:
    import zarr

    if len(names) > 1:
        raise UserError(f"{path} holds {len(names)} {what}; give one of them: {_listed(names, path)}.")
    found = group.get(names[0]) if names else None
    if not isinstance(found, zarr.Group):
        raise UserError(f"{path} says that it holds {what}, but {repr(names[0])[:60] if names else 'none'} is there.")
    return found


def _listed(names: list[str], path: str) -> str:
    """Return where images lie, as users give them."""
    base = path.rstrip("/")
    zipped = "" if "://" in base or not base.lower().endswith(".zip") else ", once it is unpacked"
    base = base[:-4] if zipped else base
    shown = [f"{base}/{name[:60]}" for name in names[:_MOST]]
    more = f" … ({len(names)} in all)" if len(names) > _MOST else ""
    return " or ".join(shown) + more + zipped
