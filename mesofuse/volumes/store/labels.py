"""Labelled volumes on disk: phases in the zarr store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.content import Content
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.phases import IGNORED, Phase
from mesofuse.volumes.store import ome
from mesofuse.volumes.store.array_units import ArrayUnits, one_line
from mesofuse.volumes.store.ome_layout import labels_hint
from mesofuse.volumes.store.volume import StoredVolume, region_of
from mesofuse.volumes.store.write_units import scan_shape


class LabelVolume(StoredVolume):
    """Labels (uint8, 0 … n−1) in a zarr store, or `IGNORED` where there is no material.

    `open` takes an OME-Zarr label image made by other software too, when its values are 0 … n−1.
    """

    content: Content = "phases"

    @classmethod
    def create(
        cls,
        path: str | Path,
        grid: Grid,
        phases: tuple[Phase, ...],
        *,
        chunks: int | Triple = 64,
        shards: int | Triple | None = None,
        overwrite: bool = False,
        provenance: dict[str, Any] | None = None,
        masked: bool = False,
    ) -> Self:
        """Make an empty volume, ready to be written.

        Args:
            path: A folder that is not there yet, or an fsspec URL.
            grid: Its grid.
            phases: Its phases, of value 0 … n−1.
            chunks: Edge of a chunk, or three (z, y, x); at most the volume's own shape is used.
            shards: Edge of a file that bundles chunks, a multiple of ``chunks``; None for one file a chunk.
            overwrite: Delete a zarr volume that exists. Anything else that exists is never deleted.
            provenance: JSON values that say how it is made, kept in the group's attribute ``mesofuse``.
            masked: Whether there may be voxels of the value `IGNORED`, which are no material.

        Raises:
            UserError: If ``path`` is taken, or chunks and shards don't fit.
        """
        return cls._create(
            str(path), grid, lambda name: ome.ome_metadata([grid], phases, name, masked), (), chunks=chunks,
            shards=shards, overwrite=overwrite, provenance=provenance,
        )  # fmt: skip

    def _metadata(self, grids: tuple[Grid, ...], name: str) -> dict[str, Any]:
        return ome.ome_metadata(grids, self.phases, name, self.masked)

    def _understood(self, metadata: dict[str, Any]) -> dict[str, Any]:
        if self._own and ome.intensities(metadata):
            raise UserError(
                f"{self.path} holds {ome.content(metadata)} values, not phases, so this can't be done with it; "
                "`mesofuse info`, `measure`, `render`, `report` and `export` take it."
            )
        return metadata

    def _find_phases(self) -> tuple[Phase, ...]:
        if self._own and (phases := ome.read_phases(self._ome, None)):
            return phases
        seen: set[int] = set()
        for block in self._stored_blocks(seen):
            try:
                seen.update(np.unique(self.array[block.slices]).tolist())
            except Exception as error:  # whatever a codec raises
                raise UserError(
                    f"{self.path} is damaged: its voxels {block} can't be decoded ({one_line(error)}); restore them "
                    "from a copy."
                ) from error
            if self.masked:
                seen.discard(IGNORED)
            if len(seen) > 255:
                raise UserError(
                    f"{self.path} holds more than 255 different values: it looks like a grey-level image; "
                    f"segment it first.{labels_hint(self._group, self.path)}"
                )
        if seen != set(range(len(seen))):
            raise UserError(
                f"{self.path} holds the values {', '.join(map(str, sorted(seen)[:8]))}, "
                "but labels are 0, 1, 2, … without gaps; `mesofuse import` maps them."
            )
        phases = ome.read_phases(self._ome, len(seen))
        return phases or ()

    def _stored_blocks(self, seen: set[int]) -> Iterator[Region]:
        """Give blocks that hold all that is stored; where most is not, its value is seen and the units are given."""
        units = ArrayUnits(self._group.store, self.array)
        stored = list(units.stored())
        if 2 * len(stored) > units.count:
            yield from self.grid.region.blocks(scan_shape(self.write_unit))
            return
        array: Any = getattr(self.array, "stored", self.array)
        seen.add(int(array.fill_value or 0))
        yield from (region_of(where) for _, where in stored)
