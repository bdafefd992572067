"""zarr's stores, with what it takes to trust them: nothing empty is read, nothing torn is left, every unit is noted."""

from __future__ import annotations

import asyncio
import os
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zarr.storage import FsspecStore, LocalStore, ZipStore

from mesofuse.errors import first_line
from mesofuse.volumes.gate import writing
from mesofuse.volumes.store import digests

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest, Store
    from zarr.core.buffer import Buffer, BufferPrototype

METADATA = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata")
LARGEST_METADATA = 1 << 24
"""Bytes of a metadata file; a volume's take a few thousand."""
_LEFT = re.compile(r"(\..+\.[0-9a-f]{8}|.+\.[0-9a-f]{32})\.partial", re.DOTALL)


class UnusableFile(ValueError):
    """A file of a store that can't be what it should be, whatever is in it."""


def is_metadata(key: str) -> bool:
    """Return whether a key holds metadata, not voxels."""
    return key.rsplit("/", 1)[-1] in METADATA


def refuse(key: str, size: int, largest: int | None) -> None:
    """Refuse to read what is empty, or larger than it can be.

    Args:
        key: For the message.
        size: Its bytes.
        largest: Bytes that a chunk or shard can take, where it is known.

    Raises:
        UnusableFile: If it is empty, or too large.
    """
    limit = LARGEST_METADATA if is_metadata(key) else None if key == digests.NAME else largest
    if not size:
        raise UnusableFile(f"{key} is empty (0 bytes)")
    if limit is not None and size > limit:
        raise UnusableFile(f"{key} takes {size} bytes, more than the {limit} that it can")


class _Checking:
    """What all stores of mesofuse share; zarr takes an empty shard for one that was never written."""

    largest: int | None = None

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the bytes of a key, or of a part of it.

        Raises:
            UnusableFile: If there are none, or too many for what it is.
        """
        from zarr.core.buffer import default_buffer_prototype

        size = self._known_size(key)
        if size is not None:
            refuse(key, size, self.largest)
        found: Buffer | None = await super().get(key, prototype or default_buffer_prototype(), byte_range)  # type: ignore[misc]
        if found is not None:
            refuse(key, len(found), self.largest)
        return found

    def _known_size(self, key: str) -> int | None:
        """Return the bytes of a key where that is known before it is read."""
        return None


class FolderStore(_Checking, LocalStore):
    """A folder. Files appear by renaming; replaced metadata are on the disk before; units are noted with their SHA-256.

    Attributes:
        largest: Bytes that a chunk or shard can take, where it is known.
    """

    def __init__(self, root: Path | str, *, read_only: bool = False) -> None:
        super().__init__(Path(root).absolute(), read_only=read_only)

    def _known_size(self, key: str) -> int | None:
        try:
            return (self.root / key).stat().st_size if is_metadata(key) else None
        except OSError:
            return None

    async def set(self, key: str, value: Buffer) -> None:
        """Write a key."""
        if not self._is_open:
            await self._open()
        self._check_writable()
        await asyncio.to_thread(self._keep, key, value)

    def set_sync(self, key: str, value: Buffer) -> None:
        """Write a key."""
        self._ensure_open_sync()
        self._check_writable()
        self._keep(key, value)

    def _keep(self, key: str, value: Buffer) -> None:
        path, data = self.root / key, memoryview(value.as_buffer_like())
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
            try:
                with open(temporary, "wb") as file:
                    file.write(data)
                    if is_metadata(key) and path.exists():  # what is replaced may say that all is complete
                        file.flush()
                        os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            if not is_metadata(key) and key != digests.NAME:
                digests.append(self.root, key, data)


class ReadOnlyZip(_Checking, ZipStore):
    """A zip file, read only; an entry that would inflate to more than it can hold is not read."""

    def _known_size(self, key: str) -> int | None:
        if not self._is_open:
            self._sync_open()
        try:
            entry = self._zf.getinfo(key)
        except KeyError:
            return None
        if entry.compress_size > self.path.stat().st_size:
            raise UnusableFile(f"{key} is said to take {entry.compress_size} bytes, more than the zip has")
        return entry.file_size

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the bytes of a key, or of a part of it.

        Raises:
            UnusableFile: If its entry is damaged, empty, or larger than it can be.
        """
        try:
            return await super().get(key, prototype, byte_range)
        except UnusableFile:
            raise
        except Exception as error:  # of zipfile, zlib, struct: damage in an entry shows as nearly anything
            raise UnusableFile(f"{key} can't be unpacked ({first_line(error)})") from error

    async def getsize(self, key: str) -> int:
        """Return the bytes that an entry takes in the file, which need not be read for that.

        Raises:
            FileNotFoundError: If there is none.
        """
        if not self._is_open:
            self._sync_open()
        try:
            return self._zf.getinfo(key).compress_size
        except KeyError:
            raise FileNotFoundError(key) from None


class RemoteStore(_Checking, FsspecStore):
    """Anything that fsspec knows."""


def sweep_store(folder: Path) -> None:
    """Delete the temporary files that killed writers left in a store; only for whoever holds the lock on it."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if _LEFT.fullmatch(name):
                Path(parent, name).unlink(missing_ok=True)


def read_key(store: Store, key: str) -> bytes | None:
    """Return the bytes of a key, or None where it is missing.

    Raises:
        UnusableFile: If it is empty, or too large.
    """
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.sync import sync

    if isinstance(store, FolderStore):  # thirty times as fast as asking through zarr's event loop
        try:
            data: Any = (store.root / key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        refuse(key, len(data), store.largest)
        return bytes(data)
    found = sync(store.get(key, default_buffer_prototype()))
    return None if found is None else found.to_bytes()
