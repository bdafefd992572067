"""Grey values and colours on disk: the same zarr store with other metadata, and means for levels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from mesofuse.errors import UserError
from mesofuse.volumes.grid import AXES, Grid, Triple
from mesofuse.volumes.phases import Phase
from mesofuse.volumes.store import backends, ome
from mesofuse.volumes.store.volume import LabelVolume, Mode


class _NoIntensities(UserError):
    """A volume is not one of intensities that mesofuse made."""


class IntensityVolume(LabelVolume):
    """Intensities (uint8, 0 to 255) in a zarr store: grey values (z, y, x) or colours (c, z, y, x), c red, green, blue.

    It is read and written by region as a `LabelVolume` is, colours with their leading axis, all of them in one chunk.
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
        colour = content == "colour"
        return cls._create(
            str(path), grid, lambda name: ome.intensity_metadata([grid], colour, name), (3,) if colour else (),
            chunks=chunks, shards=shards, overwrite=overwrite, provenance=provenance,
        )  # fmt: skip

    def _understood(self, metadata: dict[str, Any]) -> dict[str, Any]:
        if not self._own or "omero" not in metadata:
            raise _NoIntensities(f"{self.path} is no volume of grey values or colours that mesofuse made.")
        self.content = ome.content(metadata)
        self.axes = ("c", *AXES) if self.content == "colour" else AXES
        return ome.without_channels(metadata)

    def _metadata(self, grids: tuple[Grid, ...], name: str) -> dict[str, Any]:
        return ome.intensity_metadata(grids, bool(self.channels), name)

    def _find_phases(self) -> tuple[Phase, ...]:
        return ()


def is_intensities(path: str | Path) -> bool:
    """Return whether a path holds intensities that mesofuse made."""
    if not backends.is_zarr(path):
        return False
    try:
        IntensityVolume.open(path)
    except UserError:
        return False
    return True


def open_volume(path: str | Path, mode: Mode = "r") -> LabelVolume:
    """Open a volume of intensities or of labels, whichever it is.

    Raises:
        UserError: See `LabelVolume.open`.
    """
    try:
        return IntensityVolume.open(path, mode)
    except _NoIntensities:
        return LabelVolume.open(path, mode)
