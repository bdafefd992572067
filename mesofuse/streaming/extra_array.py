"""Counts made next to its labels: arrays on the scan's grid, kept in the output, a tile a chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.streaming.tiles import Tile, Tiling
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.store.array_units import ArrayUnits
from mesofuse.volumes.store.backends import open_store
from mesofuse.volumes.store.levels import create_array

if TYPE_CHECKING:
    import zarr


class ExtraArrays:
    """The arrays of a volume that is being generated; a tile's counts are in place before its labels are.

    They cover the scan voxels of all tiles that the volume's region touches, whole tiles throughout. Their
    attributes say what they count, their grid, and at which scan voxel they begin.

    Args:
        path: The output.
        names: What each array counts, by name (``group/array``); uint32.
        tiling: How the scan is cut.
        region: High-resolution voxels that the output holds.
        grid: The scan's grid.
    """

    def __init__(self, path: str, names: Mapping[str, str], tiling: Tiling, region: Region, grid: Grid) -> None:
        self._arrays: dict[str, zarr.Array[Any]] = {}
        self._units: dict[str, ArrayUnits] = {}
        if not names:
            return
        import zarr

        covered = _covered(tiling, region)
        self._start = covered.start
        place = grid.cropped(covered)
        group = zarr.open_group(store=open_store(path, writable=True), mode="r+")
        for name, meaning in names.items():
            folder, _, leaf = name.rpartition("/")
            inner = _group(group, folder)
            if not usable(inner, leaf, place.shape):
                chunk: Triple = tuple(min(e, n) for e, n in zip(tiling.edge, place.shape, strict=True))  # type: ignore[assignment]
                about = {
                    "description": meaning,
                    "low_res_start": list(covered.start),
                    "voxel_size": list(place.voxel_size),
                    "unit": place.unit,
                    "origin": list(place.origin),
                }
                create_array(inner, leaf, place.shape, chunk, None, dtype="uint32", attributes=about)
            self._arrays[name] = array = inner[leaf].with_config({"write_empty_chunks": True})  # type: ignore[union-attr]
            self._units[name] = ArrayUnits(group.store, array)

    def write(self, tile: Tile, extra: Mapping[str, np.ndarray]) -> None:
        """Write a tile's counts."""
        for name, array in self._arrays.items():
            array[self._place(tile)] = extra[name]

    def has(self, tile: Tile) -> bool:
        """Return whether the counts of a tile are there."""
        return all(units.written(self._place(tile)) for units in self._units.values())

    def discard_damaged(self, known: Mapping[str, str]) -> int:
        """Read every count that exists, delete what can't be used, and return how many units that were.

        Args:
            known: Key to the SHA-256 of what was written.
        """
        bad = [(units, damage) for units in self._units.values() for damage in units.damaged(known, missing=False)]
        for units, damage in bad:
            units.discard(damage.where)
        return len(bad)

    def _place(self, tile: Tile) -> tuple[slice, slice, slice]:
        return tile.core.shifted([-a for a in self._start]).slices

    def record(self) -> dict[str, dict[str, int]]:
        """Return what the volume says of them: ``{"totals": {name: sum}}``, read a chunk at a time; {} without any."""
        totals = {
            name: sum(
                int(np.asarray(array[part.slices]).sum(dtype=np.int64))
                for part in Region.whole(array.shape).blocks(array.chunks)
            )
            for name, array in self._arrays.items()
        }
        return {"totals": totals} if totals else {}


def _covered(tiling: Tiling, region: Region) -> Region:
    """Return the scan voxels of all tiles that meet a region."""
    ends: list[Triple] = []
    for corner in (region.start, tuple(b - 1 for b in region.stop)):
        (tile,) = tiling.touching(Region(corner, tuple(c + 1 for c in corner)))  # type: ignore[arg-type]
        ends.append(tile.core.start if not ends else tile.core.stop)
    return Region(ends[0], ends[1])


def _group(group: zarr.Group, name: str) -> zarr.Group:
    """Return a group's subgroup, made anew where it is missing or its metadata are torn; "" is the group itself."""
    if not name:
        return group
    try:
        return group.require_group(name)
    except (ValueError, LookupError, TypeError):
        return group.create_group(name, overwrite=True)


def usable(group: zarr.Group, name: str, shape: Sequence[int]) -> bool:
    """Return whether an array of a shape is there and can be opened."""
    try:
        return tuple(group[name].shape) == tuple(shape)  # type: ignore[union-attr]
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
