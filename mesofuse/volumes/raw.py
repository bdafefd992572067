"""An image as its file holds it, before it is taken for labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Scale


@dataclass(frozen=True)
class RawImage:
    """Voxels and what the file says about them.

    Attributes:
        array: (rows, columns) or (z, rows, columns), any dtype, perhaps memory-mapped; colours are a last axis of 3 or
            4.
        path: Where it came from, for messages.
        voxel_size: Edge of a voxel along z, y, x, or None where the file says nothing.
        unit: Unit of ``voxel_size`` (OME-Zarr name), or None.
        origin: Centre of the first voxel in ``unit``.
        phase_names: Names of the phases 0 … n−1 if the file carries them.
        phase_colors: Their colours as ``#rrggbb``, as many as names, if the file carries them.
        color: Whether the last axis is colour: red, green, blue and perhaps opacity.
        planar: Whether the colours lie in planes of their own, which may be slices that were tagged so.
        mask: True where a pixel is transparent and so no material; the shape of ``array`` without its colour axis.
        partly: Number of pixels that are partly transparent.
        ignores: Values that the file itself says are no material.
        palette: (n, 3) uint8, the colours that the values of ``array`` are indices of, if the file has them.
        bits: Bits of a value where the file has fewer than ``array``'s type (1, 2, 4, 12 …), else 0.
        lossy: Name of a compression that alters values, or empty.
        notes: What the user should know of how the file was read, as sentences without a full stop.
        size_notes: What the user should know of its voxel size, unless it is given next to the file; as ``notes``.
    """

    array: np.ndarray
    path: str
    voxel_size: Scale | None = None
    unit: str | None = None
    origin: Scale = (0.0, 0.0, 0.0)
    phase_names: tuple[str, ...] = ()
    phase_colors: tuple[str, ...] = ()
    color: bool = False
    planar: bool = False
    mask: np.ndarray | None = None
    ignores: tuple[int, ...] = ()
    partly: int = 0
    palette: np.ndarray | None = None
    bits: int = 0
    lossy: str = ""
    notes: tuple[str, ...] = ()
    size_notes: tuple[str, ...] = ()

    def said(self, size_given: bool = False) -> tuple[str, ...]:
        """Return the notes that matter; those on the voxel size do not where the user gives one."""
        return self.notes if size_given else (*self.notes, *self.size_notes)
