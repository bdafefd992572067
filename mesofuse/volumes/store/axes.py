"""The axes of stored arrays by their names: z, y, x in whatever order, others where they have one place alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.grid import AXES, Triple

if TYPE_CHECKING:
    import zarr

_NAMELESS = re.compile(r"dim_?\d*|axis_?\d*|")  # what libraries call axes that were given no name


@dataclass(frozen=True)
class Arrangement:
    """How an array's axes lie to z, y and x.

    Attributes:
        names: Names of the stored axes, in order.
        places: Where z, y and x are among them; None for z of a 2D image.
    """

    names: tuple[str, ...]
    places: tuple[int | None, int, int]

    @classmethod
    def of(cls, axes: Sequence[Mapping[str, Any]], path: str) -> Arrangement:
        """Read axes as OME-Zarr describes them, with a name and perhaps a type each.

        Raises:
            UserError: If it is not clear which are y and x, and which is z if there is one.
        """
        names = tuple(str(axis["name"]) for axis in axes)
        listed = ", ".join(name[:40] for name in names[:12])
        found: dict[str, int] = {}
        for i, (name, axis) in enumerate(zip(names, axes, strict=True)):
            kind, key = axis.get("type"), name.strip().lower()
            is_space = key in AXES if kind is None else kind == "space"
            if is_space != (key in AXES) or key in found:
                raise UserError(
                    f"{path} has the axes {listed}, so it is not clear which are z, y and x: name them so in its "
                    "metadata, each once and of the type space, and give others a type of their own."
                )
            if is_space:
                found[key] = i
        if "y" not in found or "x" not in found:
            raise UserError(f"{path} has the axes {listed}, but an image has y and x, and a volume z too.")
        return cls(names, (found.get("z"), found["y"], found["x"]))

    @property
    def plain(self) -> bool:
        """Whether the array is stored as (z, y, x)."""
        return self.places == (0, 1, 2) and len(self.names) == 3

    def shape(self, array: zarr.Array[Any], path: str) -> Triple:
        """Return the voxels of an array along z, y and x.

        Raises:
            UserError: If the array has other axes than its metadata say, or more than one channel, time …
        """
        extent = self.extent(array.shape, path)
        said = [(s.lower(), name.lower()) for s, name in zip(dimension_names(array), self.names, strict=True)]
        if any(own != name and not _NAMELESS.fullmatch(own) for own, name in said):
            raise UserError(
                f"{path} contradicts itself: its metadata name the axes {', '.join(self.names)}, but its array names "
                f"{', '.join(own for own, _ in said)}."
            )
        return extent

    def extent(self, shape: Sequence[int], path: str) -> Triple:
        """Return the voxels along z, y and x from those along the stored axes.

        Raises:
            UserError: If they are not as many as the axes, or there is more than one channel, time …
        """
        if len(shape) != len(self.names):
            raise UserError(
                f"{path} has {len(shape)} axes (shape {tuple(shape)}), but its metadata name {len(self.names)} "
                f"({', '.join(self.names)})."
            )
        more = [f"{self.names[i]} = {n}" for i, n in enumerate(shape) if i not in self.places and n != 1]
        if more:
            raise UserError(
                f"{path} has more axes than a volume ({', '.join(more)} next to z, y and x): save one channel at one "
                "time as an image of its own (if one of these is z, y or x, name it so in the metadata)."
            )
        z, y, x = self.places
        return (1 if z is None else int(shape[z]), int(shape[y]), int(shape[x]))

    def applied(self, array: np.ndarray, path: str) -> np.ndarray:
        """Return an array in memory as (z, y, x), a view.

        Raises:
            UserError: As `extent`.
        """
        extent = self.extent(array.shape, path)
        space = [i for i in self.places if i is not None]
        return array.transpose([*space, *(i for i in range(array.ndim) if i not in space)]).reshape(extent)

    def pick(self, values: Sequence[Any], missing: Any) -> tuple[Any, Any, Any]:
        """Return the values of z, y and x from one for each stored axis."""
        z, y, x = self.places
        return (missing if z is None else values[z], values[y], values[x])


def dimension_names(array: zarr.Array[Any]) -> tuple[str, ...]:
    """Return the names that an array itself gives its axes (zarr 3, or xarray's in zarr 2), empty without one."""
    own: Any = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    if not isinstance(own, (list, tuple)) or len(own) != array.ndim:
        return ("",) * array.ndim
    return tuple("" if name is None else str(name).strip() for name in own)


def arrangement_of(array: zarr.Array[Any], path: str) -> Arrangement | None:
    """Return the arrangement that an array's own names tell, or None where its axes are nameless.

    Raises:
        UserError: If it has names, but it is not clear which are z, y and x.
    """
    names = dimension_names(array)
    if all(_NAMELESS.fullmatch(name.lower()) for name in names):
        return None
    return Arrangement.of([{"name": name} for name in names], path)


class ArrangedArray:
    """A zarr array seen as (z, y, x), whatever its axes; regions of it are read from the store when they are asked for.

    It has what readers use of a zarr array, and can't be written.
    """

    ndim = 3

    def __init__(self, array: zarr.Array[Any], arrangement: Arrangement, path: str) -> None:
        self.stored, self.arrangement = array, arrangement
        self.shape = arrangement.shape(array, path)
        self.chunks: Triple = arrangement.pick(array.chunks, 1)
        self.shards: Triple | None = arrangement.pick(array.shards, 1) if array.shards else None
        self.dtype, self.path, self.store = array.dtype, array.path, array.store

    @property
    def metadata(self) -> ArrangedArray:
        """What encodes chunk keys."""
        return self

    def encode_chunk_key(self, place: Sequence[int]) -> str:
        """Return the key of the chunk (or shard) at a place along z, y and x."""
        full = [0] * len(self.arrangement.names)
        for i, at in zip(self.arrangement.places, place, strict=True):
            if i is not None:
                full[i] = at
        return self.stored.metadata.encode_chunk_key(tuple(full))

    def __getitem__(self, key: tuple[slice | EllipsisType, ...]) -> np.ndarray:
        """Return the voxels of a region along z, y and x."""
        wanted = dict(zip(self.arrangement.places, [s for s in key if s is not ...], strict=True))
        found = np.asarray(self.stored[tuple(wanted.get(i, 0) for i in range(self.stored.ndim))])
        kept = sorted(i for i in self.arrangement.places if i is not None)
        found = found.transpose([kept.index(i) for i in self.arrangement.places if i is not None])
        return found if len(kept) == 3 else found[np.newaxis]
