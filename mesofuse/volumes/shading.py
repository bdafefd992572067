"""Voxels as the colours that a picture shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mesofuse.volumes.phases import IGNORED, Phase

IGNORED_SHADE = 208
"""Grey of voxels that are no material."""


def in_colours(values: np.ndarray, phases: Sequence[Phase], axes: int = 2) -> np.ndarray:
    """Return the colours of voxels: uint8 (*shape, 3).

    Args:
        values: uint8 labels or grey values; or colours, with a leading axis of 3.
        phases: The phases of labels; none for intensities.
        axes: How many axes of space there are, by which colours are told from grey values.
    """
    if phases:
        table = np.full((256, 3), 255, np.uint8)
        for phase in phases:
            table[phase.value] = phase.rgb
        table[IGNORED] = IGNORED_SHADE
        found: np.ndarray = table[values]
        return found
    if values.ndim > axes:
        return np.ascontiguousarray(np.moveaxis(values, 0, -1))
    return np.repeat(values[..., None], 3, axis=-1)


def pixels(plane: np.ndarray, phases: Sequence[Phase]) -> np.ndarray:
    """Return a plane as a picture file holds it: grey values (rows, columns), else colours (rows, columns, 3)."""
    return np.ascontiguousarray(plane if not phases and plane.ndim == 2 else in_colours(plane, phases))
