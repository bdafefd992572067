"""Volumes on disk: one zarr v3 group with OME-Zarr 0.5 metadata, and the one function that writes voxels."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import numpy as np

from mesofuse.errors import UserError, is_scarce
from mesofuse.volumes.content import Content
from mesofuse.volumes.files import own_name, replacing, sync, sync_entries
from mesofuse.volumes.grid import AXES, Grid, Region, Triple
from mesofuse.volumes.phases import Phase
from mesofuse.volumes.store import backends, digests, ome
from mesofuse.volumes.store.array_units import ArrayUnits, Damage, one_line
from mesofuse.volumes.store.axes import ArrangedArray
from mesofuse.volumes.store.levels import Level, build, create_array, pyramid
from mesofuse.volumes.store.metadata import check_array
from mesofuse.volumes.store.ome_layout import image_group, labels_hint
from mesofuse.volumes.store.write_units import check_block, highest_label, layout
from mesofuse.volumes.store.zarr_stores import read_key

if TYPE_CHECKING:
    import zarr

Mode = Literal["r", "r+"]
_CHECK = "`mesofuse check {}` says all that is damaged and what mends it."


class StoredVolume:
    """Voxels (uint8) in a zarr store: a folder, a zip (read only) or an fsspec URL.

    What they hold, a subclass says. It gives them by region like any `mesofuse.volumes.labels.Labels`. Pickling keeps
    where it is, not its voxels, so it is cheap to hand to a worker. A chunk (or shard) whose key exists has been
    written: empty ones are stored too. Different write units may be written at the same time from threads and
    processes.

    Attributes:
        path: Where it lies, as the user gave it.
        mode: ``r`` or ``r+``.
        array: The zarr array of full resolution.
        grid: Its grid.
        phases: Its phases; none for intensities.
        axes: Names of the array's axes, as they are read.
        arrangement: How they are stored; z, y, x, but for what other software made.
        content: What its voxels hold.
        masked: Whether voxels of the value `IGNORED` are no material.
        notes: What the user should know of its voxel size, as sentences without a full stop.
    """

    path: str
    mode: Mode
    grid: Grid
    phases: tuple[Phase, ...]
    axes: tuple[str, ...] = AXES
    content: Content
    notes: tuple[str, ...] = ()

    def __init__(self, path: str, mode: Mode, group: zarr.Group, phases: tuple[Phase, ...] | None = None) -> None:
        """Use `open` or `create`."""
        self.path, self.mode, self._group = path, mode, group
        attributes = dict(group.attrs)
        self._own = isinstance(attributes.get("mesofuse"), dict)
        self._ome = self._understood(ome.find_ome(attributes, path))
        self.arrangement = ome.arrangement(self._ome, path)
        self._complete = not self._own
        self.array = self._open_level(0)
        self.grid = ome.read_grid(self._ome, 0, _triple(self.array.shape[-3:]), path)
        self.notes = () if self._own else ome.size_notes(self._ome, self.grid.shape, path)
        self.masked = ome.read_masked(self._ome)
        self.phases = phases or self._find_phases()
        self.units = self._units_of(self.array)

    # --- opening and creating -------------------------------------------------------------------------------------

    @classmethod
    def open(cls, path: str | Path, mode: Mode = "r") -> Self:
        """Open a volume.

        Raises:
            UserError: If there is nothing, no zarr, no OME-Zarr metadata, metadata cut off, several images, axes that
                are not understood, or voxels of another kind.
        """
        return cls._open(str(path), mode)

    @classmethod
    def _open(cls, path: str, mode: Mode, phases: tuple[Phase, ...] | None = None, grid: Grid | None = None) -> Self:
        volume = cls.from_group(path, mode, open_group(path, mode), phases)
        volume.grid = grid or volume.grid
        return volume

    @classmethod
    def from_group(cls, path: str, mode: Mode, group: zarr.Group, phases: tuple[Phase, ...] | None = None) -> Self:
        """Take a group that `open_group` has opened for a volume.

        Raises:
            UserError: See `open`.
        """
        volume = cls(path, mode, group, phases)
        if mode == "r+" and not volume.arrangement.plain:
            raise UserError(f"{path} is not stored as z, y, x, so it can't be written; `mesofuse import` makes a copy.")
        return volume

    @classmethod
    def _create(
        cls,
        path: str,
        grid: Grid,
        metadata: Callable[[str], dict[str, Any]],
        channels: tuple[int, ...],
        *,
        chunks: int | Triple,
        shards: int | Triple | None,
        overwrite: bool,
        provenance: dict[str, Any] | None,
    ) -> Self:
        """Make the store with the metadata for its name; ``channels`` is the leading axis of colours."""
        import zarr

        chunk, shard = layout(grid.shape, chunks, shards)
        store = backends.open_store(path, writable=True)
        if backends.occupied(path):
            if not overwrite:
                raise UserError(f"{path} exists already; choose another name or add --overwrite to replace it.")
            backends.clear_for_overwrite(path)
        name = own_name(Path(path.rstrip("/")))
        attributes = {"ome": metadata(name), "mesofuse": dict(provenance or {})}
        group = zarr.create_group(store=store, attributes=attributes, zarr_format=3)
        axes = (*"c"[: len(channels)], *AXES)
        whole = (*channels, *shard) if shard else None
        create_array(group, "0", (*channels, *grid.shape), (*channels, *chunk), whole, axes=axes)
        return cls(path, "r+", group)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path and what the user said about it; phases too, as a foreign volume is scanned to find them."""
        return (type(self)._open, (self.path, self.mode, self.phases, self.grid))

    # --- what it is -----------------------------------------------------------------------------------------------

    @property
    def chunks(self) -> Triple:
        """Shape of a chunk."""
        return _triple(self.array.chunks[-3:])

    @property
    def shards(self) -> Triple | None:
        """Shape of a shard, or None."""
        return _triple(self.array.shards[-3:]) if self.array.shards else None

    @property
    def channels(self) -> tuple[int, ...]:
        """The leading axis of what is read and written: (3,) for colours, else empty."""
        return tuple(self.array.shape[:-3])

    @property
    def values(self) -> int | None:
        """How many values its voxels may have, 0 … n−1; None for any."""
        return len(self.phases) or None

    @property
    def write_unit(self) -> Triple:
        """Shape of the block that is one key in the store: a shard, or a chunk where there are no shards."""
        return self.shards or self.chunks

    @property
    def provenance(self) -> dict[str, Any]:
        """How it was made; empty for a volume that mesofuse did not make."""
        return dict(self._group.attrs["mesofuse"]) if self._own else {}  # type: ignore[arg-type]

    def set_provenance(self, provenance: dict[str, Any]) -> None:
        """Replace what is said about how it was made."""
        self._group.attrs.update({"mesofuse": dict(provenance)})
        self._own = True

    @property
    def levels(self) -> tuple[Grid, ...]:
        """Grids of the resolution levels, the finest first."""
        paths = ome.dataset_paths(self._ome)
        shapes = [_triple(self._open_level(i).shape[-3:]) for i in range(len(paths))]
        return tuple(ome.read_grid(self._ome, i, shape, self.path) for i, shape in enumerate(shapes))

    def level(self, index: int) -> Level:
        """Return one resolution level as labels of its own.

        Raises:
            UserError: If there is no such level.
        """
        grids = self.levels
        if not 0 <= index < len(grids):
            raise UserError(f"{self.path} has no level {index}; it has levels 0 to {len(grids) - 1}.")
        array = self._open_level(index)
        return Level(grids[index], self.phases, array, self.path, whole=self._own, masked=self.masked)

    @property
    def complete(self) -> bool:
        """Whether every write unit has been written."""
        self._complete = self._complete or next(self.missing(), None) is None
        return self._complete

    def stored_bytes(self) -> int:
        """Return the bytes it takes where it is stored, all levels and metadata included."""
        return backends.stored_bytes(self._group.store)

    # --- reading and writing --------------------------------------------------------------------------------------

    def read(self, region: Region) -> np.ndarray:
        """Return the uint8 labels of a region.

        Raises:
            UserError: If a part of it was never written (an unfinished volume), or a chunk is damaged.
        """
        if region.intersect(self.grid.region) != region:
            raise ValueError(f"the region {region} reaches outside the volume of shape {self.grid.shape}")
        if not self._complete and not self.done(region):
            raise UserError(self._absent(region))
        try:
            labels = np.asarray(self.array[(..., *region.slices)]).astype(np.uint8, copy=False)
        except Exception as error:  # whatever a codec raises
            if is_scarce(error):
                raise
            raise UserError(self._blame(region, error)) from error
        most = self.values if self._own else None
        if most is not None and (highest := highest_label(labels, self.masked)) >= most:
            raise UserError(self._blame(region, ValueError(f"it holds the value {highest}")))
        return labels

    def write(self, region: Region, labels: np.ndarray) -> None:
        """Write a region; the only function of mesofuse that writes voxels of full resolution.

        Args:
            region: Whole write units: each start a multiple of `write_unit`, each stop too or the volume's end.
            labels: uint8 labels of the region's shape, each below ``len(phases)``, or `IGNORED` where masked; or
                intensities, those of colours with their leading axis.

        Raises:
            ValueError: If the region, shape, dtype or a value is not as said (a programmer's error).
            OSError: If the place can't be written (disk full, no permission).
        """
        if self.mode != "r+":
            raise ValueError(f"{self.path} is open for reading only; open it with mode 'r+' to write")
        check_block(region, labels, self.grid.shape, self.write_unit, self.values or 256, self.channels, self.masked)
        try:
            self.array[(..., *region.slices)] = labels
        except (ValueError, RuntimeError):  # a torn shard at the volume's end is read first; all of it is replaced here
            self.discard(region)
            self.array[(..., *region.slices)] = labels

    def done(self, region: Region) -> bool:
        """Return whether every write unit that a region touches has been written."""
        return self.units.written(self._where(region))

    def missing(self) -> Iterator[Region]:
        """Give the write units that have not been written, in C order."""
        return (region_of(where) for _, where in self.units.missing())

    def discard(self, region: Region) -> None:
        """Delete the keys of all write units that a region touches, so that torn ones count as missing."""
        self.units.discard(self._where(region))
        self._complete = False

    # --- trusting what is stored ----------------------------------------------------------------------------------

    def known_digests(self) -> dict[str, str]:
        """Return key to SHA-256 of the units that were noted when they were written; others can only be decoded."""
        try:
            found = read_key(self._group.store, digests.NAME)
        except ValueError:  # emptied by a power cut
            found = None
        return digests.parse(found.decode("ascii", "replace")) if found else {}

    def discard_damaged(self, watch: Callable[[int, int], None] | None = None) -> list[Damage]:
        """Read and decode every unit that exists, delete those that can't be used, and return them.

        Args:
            watch: Called with units done and units in all.
        """
        bad = list(self.units.damaged(self.known_digests(), missing=False, watch=counted(self.units.count, watch)))
        for damage in bad:
            self.discard(region_of(damage.where))
        return bad

    def level_units(self) -> list[ArrayUnits]:
        """Return the units of the coarser levels, the finer first.

        Raises:
            UserError: If the metadata of one can't be read.
        """
        return [self._units_of(self._open_level(i)) for i in range(1, len(self.level_names()))]

    def level_names(self) -> list[str]:
        """Return the names of the levels' arrays, the finest first."""
        return ome.dataset_paths(self._ome)

    def levels_are_sound(self) -> bool:
        """Return whether every unit of the coarser levels is there and can be used."""
        known = self.known_digests()
        try:
            return not any(True for units in self.level_units() for _ in units.damaged(known))
        except UserError:
            return False

    def seal(self, provenance: dict[str, Any]) -> None:
        """Replace what is said about how it was made, once all that was written before is on the disk."""
        if backends.is_url(self.path):
            self.set_provenance(provenance)
            return
        self.sort_digests()
        folder = Path(self.path)
        sync(folder)
        self.set_provenance(provenance)
        sync_entries(folder)

    def sort_digests(self) -> None:
        """Put the digests of a local volume in order, those of all units that exist and no others."""
        if backends.is_url(self.path):
            return
        store, known = self._group.store, self.known_digests()
        keys = [k for k in backends.keys(store, "") if "/c/" in k and not k.endswith(".partial")]
        for key in keys:
            if key not in known:  # its line was cut off, but it could be decoded
                known[key] = digests.digest(read_key(store, key) or b"")
        with replacing(Path(self.path) / digests.NAME) as temporary:
            temporary.write_text(digests.render(known, keys), encoding="ascii")

    def build_levels(self, count: int | None = None, progress: Callable[[int, int], None] | None = None) -> None:
        """Make the coarser resolution levels for viewers: the most frequent label of 2×2×2 voxels, or their mean.

        Ties of labels go to the lowest; blocks at the end of an odd axis are smaller; an axis of length 1 stays. Memory
        is bounded. The metadata name the levels only when all are done, so that a kill leaves a valid volume of one
        level. Levels are for looking, not for measuring: the mode favours common phases.

        Args:
            count: Number of levels, the full resolution included; by default, halve until no axis is longer than 128.
            progress: Called with blocks done and blocks in all.

        Raises:
            UserError: If the volume is unfinished.
        """
        if not self.complete:
            raise UserError(self._unfinished("parts of it have"))
        grids = pyramid(self.grid, count)
        name = str(self._ome["multiscales"][0].get("name", ""))
        self._set_ome(grids[:1], name)
        build(self._group, self, grids, self.chunks, self.shards, progress, self.channels)
        self._set_ome(grids, name)
        self.sort_digests()

    # --- inner workings -------------------------------------------------------------------------------------------

    def _unfinished(self, what: str) -> str:
        return (
            f"{self.path} is unfinished: {what} not been written yet; "
            "finish it with `mesofuse generate … --resume`, or make it anew with --overwrite."
        )

    def _set_ome(self, grids: tuple[Grid, ...], name: str) -> None:
        metadata = self._metadata(grids, name)
        self._group.attrs.update({"ome": metadata})
        self._ome = self._understood(metadata)

    def _metadata(self, grids: tuple[Grid, ...], name: str) -> dict[str, Any]:
        """Return the OME metadata of such voxels on these grids."""
        raise NotImplementedError

    def _understood(self, metadata: dict[str, Any]) -> dict[str, Any]:
        """Return OME metadata of three axes.

        Raises:
            UserError: If they are of voxels of another kind.
        """
        raise NotImplementedError

    def _find_phases(self) -> tuple[Phase, ...]:
        """Return the phases; by default there are none."""
        return ()

    def _open_level(self, index: int) -> zarr.Array[Any]:
        import zarr

        name = ome.dataset_paths(self._ome)[index]
        try:
            array = self._group[name]
        except KeyError:
            raise UserError(
                f"{self.path} is damaged: its metadata name the array {name!r}, which is not there."
            ) from None
        except (ValueError, TypeError, ArithmeticError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{self.path} has an array {name!r} whose metadata can't be read ({one_line(error)})."
            ) from error
        if not isinstance(array, zarr.Array):
            raise UserError(f"{self.path} is damaged: {name!r} is a group where an array should be.")
        check_array(array, self.path)
        if self.axes == AXES:
            self.arrangement.shape(array, self.path)
        elif array.ndim != len(self.axes):
            raise UserError(f"{self.path} has {array.ndim} axes (shape {array.shape}), not {', '.join(self.axes)}.")
        if array.dtype.kind not in "iub":
            raise UserError(
                f"{self.path} holds {array.dtype} values, not labels; "
                f"segment the image first, or import it with `mesofuse import`.{labels_hint(self._group, self.path)}"
            )
        if not self.arrangement.plain:
            return cast("zarr.Array[Any]", ArrangedArray(array, self.arrangement, self.path))
        return array.with_config({"write_empty_chunks": True})

    def _where(self, region: Region) -> tuple[slice, ...]:
        """Return a region's place in the array."""
        return (*(slice(0, n) for n in self.channels), *region.slices)

    def _units_of(self, array: zarr.Array[Any]) -> ArrayUnits:
        return ArrayUnits(self._group.store, array, self.values if self._own else None, self.masked)

    def _absent(self, region: Region) -> str:
        """Say what is to be done about units that are not there."""
        if not self.provenance.get("complete"):
            return self._unfinished(f"its region {region} has")
        key = next(
            key for key, _ in self.units.touching(self._where(region)) if not backends.exists(self._group.store, key)
        )
        return f"{self.path} is damaged: its chunk file {key} is missing; {_CHECK.format(self.path)}"

    def _blame(self, region: Region, error: Exception) -> str:
        """Say which write unit of a region can't be read."""
        for key, where in self.units.touching(self._where(region)):
            if reason := self.units.fault(key, where, {}):
                return (
                    f"{self.path} is damaged: its chunk {region_of(where)} (file {key}) {reason}; "
                    f"{_CHECK.format(self.path)}"
                )
        return f"The region {region} of {self.path} can't be read ({one_line(error)})."


def open_group(path: str, mode: Mode) -> zarr.Group:
    """Return the group of a store that holds the image.

    Raises:
        UserError: If there is none, or its metadata can't be read.
    """
    import zarr

    if not backends.is_url(path) and not Path(path).exists():
        raise UserError(f"{path} does not exist.")
    if Path(path).is_file() and not path.lower().endswith(".zip"):
        raise UserError(f"{path} is a file, not a zarr volume.")
    try:
        group = zarr.open_group(store=backends.open_store(path, writable=mode == "r+"), mode=mode)
    except zarr.errors.ContainsArrayError:
        raise UserError(
            f"{path} is a single zarr array without OME-Zarr metadata; `mesofuse import` reads it."
        ) from None
    except FileNotFoundError:
        raise UserError(f"{path} is not a zarr volume: it holds no zarr.json.") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UserError(
            f"{path} has metadata that can't be read, perhaps cut off ({one_line(error)}): restore its zarr.json "
            "from a copy, or make the volume anew with --overwrite."
        ) from error
    return image_group(group, path)


def _triple(values: Any) -> Triple:
    a, b, c = (int(v) for v in values)
    return (a, b, c)


def region_of(where: tuple[slice, ...]) -> Region:
    """Return the region of voxels of a place in the array."""
    return Region(_triple([s.start for s in where[-3:]]), _triple([s.stop for s in where[-3:]]))


def counted(total: int, watch: Callable[[int, int], None] | None) -> Callable[[], None]:
    """Return what counts its calls for ``watch(done, total)``."""
    numbers = itertools.count(1)

    def call() -> None:
        if watch:
            watch(next(numbers), total)

    return call
