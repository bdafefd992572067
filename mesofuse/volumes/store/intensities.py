"""Grey values and colours on disk: the same zarr store with other metadata, and means for levels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from mesofuse.errors import UserError
from mesofuse.volumes.content import leading
from mesofuse.volumes.grid import AXES, Grid, Triple
from mesofuse.volumes.store import ome
from mesofuse.volumes.store.volume import StoredVolume


class IntensityVolume(StoredVolume):
    """Intensities (uint8, 0 to 255) in a zarr store: grey values (z, y, x) or colours (c, z, y, x), c red, green, blue.

    It is read and written by region, colours with their leading axis, all of them in one chunk.
    It has no phases. `open` takes only what mesofuse made.
    """

    @classmethod
    def create_intensities(
        cls,
        path: str | Path,
        grid: Grid,
        content: Literal["grey", "colour"],
        *,
        chunks: int | Triple = 64,
        shards: int | Triple | None = None,
        overwrite: bool = False,
        provenance: dict[str, Any] | None = None,
    ) -> Self:
        """Make an empty volume; arguments as `LabelVolume.create`, but for the content in place of phases.

        Raises:
            UserError: If ``path`` is taken, or chunks and shards don't fit.
        """
        return cls._create(
            str(path), grid, lambda name: ome.intensity_metadata([grid], content, name), leading(content),
            chunks=chunks, shards=shards, overwrite=overwrite, provenance=provenance,
        )  # fmt: skip

    def _understood(self, metadata: dict[str, Any]) -> dict[str, Any]:
        if not self._own or not ome.intensities(metadata):
            raise UserError(f"{self.path} is no volume of grey values or colours that mesofuse made.")
        self.content = ome.content(metadata)
        self.axes = ("c", *AXES) if leading(self.content) else AXES
        return ome.without_channels(metadata)

    def _metadata(self, grids: tuple[Grid, ...], name: str) -> dict[str, Any]:
        return ome.intensity_metadata(grids, self.content, name)
