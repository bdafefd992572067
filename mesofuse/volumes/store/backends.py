"""Where zarr volumes lie: a folder, a zip file, or any fsspec URL, behind the few calls that volumes need."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mesofuse.errors import UserError, first_line
from mesofuse.volumes.files import beside, remove
from mesofuse.volumes.store import digests

if TYPE_CHECKING:
    from zarr.abc.store import Store

MARKERS = ("zarr.json", ".zgroup", ".zarray")
_STRANGER = "{} exists and {}, so --overwrite leaves it alone; choose another name."


def is_url(path: str) -> bool:
    """Return whether ``path`` is an fsspec URL such as ``s3://bucket/volume.zarr``."""
    return "://" in path


def is_zarr(path: str | Path) -> bool:
    """Return whether ``path`` looks like a zarr store by its name or its files, without opening it."""
    text = str(path)
    if is_url(text) or Path(text).suffix.lower() == ".zarr" or text.lower().endswith((".zarr.zip", ".zip")):
        return True
    return Path(text).is_dir() and any((Path(text) / name).is_file() for name in MARKERS)


def open_store(path: str, *, writable: bool) -> Store:
    """Return the zarr store at ``path``.

    Raises:
        UserError: If a zip is to be written in place, its file is broken, or the URL's protocol is not installed.
    """
    from mesofuse.volumes.store.zarr_stores import FolderStore, ReadOnlyZip, RemoteStore

    if is_url(path):
        try:
            return RemoteStore.from_url(path, read_only=not writable)
        except (ImportError, ValueError) as error:
            raise UserError(f"{path} can't be opened: {error}.") from error
    if path.lower().endswith(".zip"):
        if writable:
            raise UserError(
                f"{path} is a zip, which can't be written piece by piece; "
                "write a folder and pack it with `mesofuse export`."
            )
        import zipfile

        if not zipfile.is_zipfile(path):
            raise UserError(f"{path} is not a zip file, or it is cut off at its end.")
        try:
            zipfile.ZipFile(path).close()
        except Exception as error:  # of zipfile, struct, the system: a damaged list of entries shows as nearly anything
            raise UserError(f"{path} is a damaged zip file, perhaps cut off ({first_line(error)}).") from error
        return ReadOnlyZip(path, mode="r")
    return FolderStore(path, read_only=not writable)


def exists(store: Store, key: str) -> bool:
    """Return whether a key is in the store."""
    from zarr.core.sync import sync
    from zarr.storage import LocalStore

    if isinstance(store, LocalStore):  # thirty times as fast as asking through zarr's event loop
        return (store.root / key).is_file()
    return sync(store.exists(key))


def keys(store: Store, prefix: str) -> set[str]:
    """Return all keys below a prefix."""
    from zarr.core.sync import sync

    from mesofuse.volumes.store.zarr_stores import FolderStore

    if isinstance(store, FolderStore):
        return _files_below(store.root, prefix)

    async def collect() -> set[str]:
        return {key async for key in store.list_prefix(prefix)}

    return sync(collect())


def _files_below(root: Path, prefix: str) -> set[str]:
    """Return the files of a folder; one that can't be listed is an error, not empty."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    found: set[str] = set()
    for parent, _, names in os.walk(root / prefix, onerror=refuse):
        place = Path(parent).relative_to(root).as_posix()
        found.update(names if place == "." else (f"{place}/{name}" for name in names))
    return found


def delete(store: Store, key: str) -> None:
    """Delete one key; nothing happens where it is missing."""
    from zarr.core.sync import sync

    if exists(store, key):
        sync(store.delete(key))


def stored_bytes(store: Store, prefix: str = "") -> int:
    """Return the bytes that all keys below a prefix take."""
    from zarr.core.sync import sync

    return int(sync(store.getsize_prefix(prefix)))


def clear_for_overwrite(path: str) -> None:
    """Delete the zarr store at ``path``; nothing happens where nothing is.

    Raises:
        UserError: If what exists is not a zarr store, or holds files that belong to none.
    """
    from zarr.core.sync import sync

    if is_url(path):
        store = open_store(path, writable=True)
        if any(exists(store, marker) for marker in MARKERS):
            sync(store.delete_dir(""))
        elif keys(store, ""):
            raise UserError(_STRANGER.format(path, "is not a zarr volume"))
        return
    check_replaceable(path)
    place = Path(path)
    if place.is_dir():  # a kill must not leave half of it under its name
        away = beside(place)
        place.rename(away)
        place = away
    remove(place)


def check_replaceable(path: str) -> None:
    """Raise unless what is at ``path`` is a zarr volume, or nothing, so that deleting it harms no stranger's files.

    Raises:
        UserError: If it is not a zarr store, or holds files that belong to none.
    """
    folder = Path(path)
    if folder.is_dir() and any(folder.iterdir()):
        strangers = sorted(child.name for child in folder.iterdir() if not _belongs(child))
        if strangers or not any((folder / marker).is_file() for marker in MARKERS):
            found = f" (it holds {strangers[0]!r})" if strangers else ""
            raise UserError(_STRANGER.format(path, f"is not a zarr volume{found}"))
    elif folder.is_file() and not path.lower().endswith(".zip"):
        raise UserError(_STRANGER.format(path, "is a file, not a zarr volume"))


def _belongs(child: Path) -> bool:
    """Return whether a file or folder at the top of a zarr group is part of it, or what a killed writer left."""
    if child.is_dir():
        return any((child / marker).is_file() for marker in MARKERS) or child.name == "c" or child.name.isdigit()
    known = child.name in {*MARKERS, ".zattrs", ".zmetadata", ".DS_Store", digests.NAME}
    return known or child.name.startswith(".nfs") or child.name.endswith(".partial")


def occupied(path: str) -> bool:
    """Return whether something is at ``path`` (an empty folder counts as nothing)."""
    if is_url(path):
        return bool(keys(open_store(path, writable=False), ""))
    place = Path(path)
    return place.is_file() or (place.is_dir() and any(place.iterdir()))
