"""The write units of any zarr array, one key in the store each: which are there, and whether they can be trusted."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.errors import is_scarce
from mesofuse.volumes.store import backends, digests
from mesofuse.volumes.store.write_units import highest_label
from mesofuse.volumes.store.zarr_stores import read_key

if TYPE_CHECKING:
    import zarr
    from zarr.abc.store import Store

Slices = tuple[slice, ...]


@dataclass(frozen=True)
class Damage:
    """A unit that can't be used.

    Attributes:
        array: Name of the array in the volume.
        key: Its key in the store.
        region: Where it lies in the array, for example ``0:64,64:128,0:64``.
        reason: What is wrong, as a sentence goes on after the unit's name.
        where: The same region as slices.
    """

    array: str
    key: str
    region: str
    reason: str
    where: Slices


class ArrayUnits:
    """The shards of an array, or its chunks where it has no shards.

    Args:
        store: Where the array lies.
        array: The array, of any number of axes.
        values: Values that it may hold: below this number; None is any.
        masked: Whether it may hold `mesofuse.volumes.phases.IGNORED` too.
    """

    def __init__(self, store: Store, array: zarr.Array[Any], values: int | None = None, masked: bool = False) -> None:
        self.store, self.array, self.values, self.masked = store, array, values, masked
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.unit: tuple[int, ...] = tuple(array.shards or array.chunks)

    @property
    def count(self) -> int:
        """Number of units."""
        return math.prod(-(-n // u) for n, u in zip(self.shape, self.unit, strict=True))

    def touching(self, where: Slices) -> Iterator[tuple[str, Slices]]:
        """Give key and place of each unit that a region of the array touches, in C order."""
        spans = [range(s.start // u, -(-s.stop // u)) for s, u in zip(where, self.unit, strict=True)]
        prefix = f"{self.array.path}/" if self.array.path else ""
        for place in itertools.product(*spans):
            slices = tuple(
                slice(p * u, min((p + 1) * u, n)) for p, u, n in zip(place, self.unit, self.shape, strict=True)
            )
            yield prefix + self.array.metadata.encode_chunk_key(place), slices

    def all(self) -> Iterator[tuple[str, Slices]]:
        """Give key and place of each unit, in C order."""
        return self.touching(tuple(slice(0, n) for n in self.shape))

    def stored(self) -> Iterator[tuple[str, Slices]]:
        """Give the units that exist, in no order; work is that of the files, however many units there could be."""
        prefix = f"{self.array.path}/" if self.array.path else ""
        arranged = getattr(self.array, "arrangement", None)
        for key in backends.keys(self.store, prefix):
            place = [int(number) for number in re.findall(r"\d{1,9}", key.removeprefix(prefix))]
            if arranged and len(place) == len(arranged.names):
                place = list(arranged.pick(place, 0))
            if len(place) == len(self.shape):
                where = tuple(slice(p * u, (p + 1) * u) for p, u in zip(place, self.unit, strict=True))
                for found, slices in self.touching(where):
                    if found == key and all(s.start < n for s, n in zip(slices, self.shape, strict=True)):
                        yield found, slices

    def missing(self) -> Iterator[tuple[str, Slices]]:
        """Give the units that have not been written, in C order."""
        present = backends.keys(self.store, f"{self.array.path}/" if self.array.path else "")
        return ((key, where) for key, where in self.all() if key not in present)

    def written(self, where: Slices) -> bool:
        """Return whether every unit that a region touches has been written."""
        return all(backends.exists(self.store, key) for key, _ in self.touching(where))

    def discard(self, where: Slices) -> None:
        """Delete the units that a region touches."""
        for key, _ in self.touching(where):
            backends.delete(self.store, key)

    def fault(self, key: str, where: Slices, known: Mapping[str, str]) -> str | None:
        """Read and decode a unit, and return what is wrong with it, or None.

        Args:
            key: Its key.
            where: Its place.
            known: Key to the SHA-256 of what was written.
        """
        try:
            data = read_key(self.store, key)
            if data is None:
                return "is missing"
            if key in known and digests.digest(data) != known[key]:
                return "does not hold what was written there (its SHA-256 differs)"
            values = np.asarray(self.array[where])
        except Exception as error:  # whatever a codec raises: it is reported, not hidden
            if is_scarce(error):
                raise
            return f"can't be decoded ({one_line(error)})"
        if self.values is None or not values.size:
            return None
        if (highest := highest_label(values, self.masked)) >= self.values:
            return f"holds the value {highest}, but the volume has {self.values} phases"
        return None

    def damaged(
        self, known: Mapping[str, str], *, missing: bool = True, watch: Callable[[], object] = lambda: None
    ) -> Iterator[Damage]:
        """Read and decode every unit and give those that can't be used; memory holds one at a time.

        Args:
            known: Key to the SHA-256 of what was written.
            missing: Whether a unit that is not there counts.
            watch: Called after each unit.
        """
        present = backends.keys(self.store, f"{self.array.path}/" if self.array.path else "")
        for key, where in self.all():
            reason = self.fault(key, where, known) if key in present else "is missing" if missing else None
            if reason:
                yield Damage(self.array.path, key, region_text(where), reason, where)
            watch()


def region_text(where: Slices) -> str:
    """Return a region as users write it."""
    return ",".join(f"{s.start}:{s.stop}" for s in where)


def one_line(error: Exception) -> str:
    """Return what an error says, short enough for a sentence."""
    return f"{type(error).__name__}: {error}".split("\n", 1)[0].rstrip(".")[:160]
