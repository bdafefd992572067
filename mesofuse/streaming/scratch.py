"""Tiles kept, compressed, while an output is made whose chunks they don't align with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.streaming.output import open_output, scratch_path
from mesofuse.streaming.tiles import Tile, Tiling
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.store.backends import clear_for_overwrite, occupied
from mesofuse.volumes.store.opening import open_volume
from mesofuse.volumes.store.volume import StoredVolume


class Scratch:
    """A store with one chunk a tile, next to the output; a resumed job finds it again, another job's is thrown away.

    Args:
        volume: The output.
        tiling: How the scan is cut.
        job: What bears on the output's voxels.
        resume: Take over the tiles that the same job left.

    Raises:
        UserError: If something else lies where it would be.
    """

    def __init__(self, volume: StoredVolume, tiling: Tiling, job: Mapping[str, Any], *, resume: bool) -> None:
        self.tiling = tiling
        self.path = scratch_path(volume.path)
        shape: Triple = tuple(c * s for c, s in zip(tiling.counts, tiling.slot, strict=True))  # type: ignore[assignment]
        mark = {**job, "tiling": str(tiling)}
        taken = occupied(self.path)
        before = self._opened() if taken else {}
        if taken and "tiling" not in before:
            raise UserError(f"{self.path} is in the way: tiles are kept there while the output is made; move it.")
        same = resume and all(before.get(k) == v for k, v in mark.items())
        self.store = open_output(
            self.path, Grid(shape), volume.phases, tiling.slot, None, mark, resume=same, overwrite=taken and not same,
            content=volume.content,
        )  # fmt: skip
        if same:
            self.store.discard_damaged()

    def _opened(self) -> dict[str, Any]:
        """Return what is said of the store that exists."""
        try:
            return open_volume(self.path).provenance
        except UserError as error:
            raise UserError(
                f"{self.path} keeps tiles while the output is made, and is damaged: delete it, and they are computed "
                f"again ({error})"
            ) from error

    def has(self, tile: Tile) -> bool:
        """Return whether a tile is kept."""
        return self.store.done(self._home(tile))

    def put(self, tile: Tile, labels: np.ndarray) -> None:
        """Keep a tile's labels."""
        padded = np.zeros((*self.store.channels, *self.tiling.slot), dtype=np.uint8)
        padded[(..., *Region.whole(labels.shape[-3:]).slices)] = labels
        self.store.write(self._home(tile), padded)

    def gather(self, region: Region) -> np.ndarray:
        """Return the labels of a region of high-resolution voxels, put together from its tiles."""
        labels = np.empty((*self.store.channels, *region.shape), dtype=np.uint8)
        for tile in self.tiling.touching(region):
            part = tile.output.intersect(region)
            assert part is not None
            home = self._home(tile).start
            kept = part.shifted([h - o for h, o in zip(home, tile.output.start, strict=True)])
            labels[(..., *part.within(region))] = self.store.read(kept)
        return labels

    def remove(self) -> None:
        """Delete the store."""
        clear_for_overwrite(self.path)

    def _home(self, tile: Tile) -> Region:
        """Return the chunk of a tile."""
        start: Triple = tuple(i * s for i, s in zip(tile.index, self.tiling.slot, strict=True))  # type: ignore[assignment]
        return Region.whole(self.tiling.slot).shifted(start)
