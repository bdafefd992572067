"""Ignored voxels of a scan in a tile: what a model sees there, and that the result is ignored there too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesofuse.interfaces.method import Model, TileInput, TileOutput
from mesofuse.interfaces.traits import ModelTraits
from mesofuse.volumes.mask import on_fine_grid
from mesofuse.volumes.phases import IGNORED


def shown_to(model: Model, tile: TileInput) -> TileInput:
    """Return the tile as a model may see it: phase 0 in place of ignored voxels, unless it says ``sees_ignored``."""
    if tile.field is None or ModelTraits.of(model).sees_ignored:
        return tile
    ignored = tile.field == IGNORED
    return replace(tile, field=np.where(ignored, np.uint8(0), tile.field)) if ignored.any() else tile


def ignored_out(model: Model, tile: TileInput, made: TileOutput) -> TileOutput:
    """Return what was made of a tile, ignored where the scan is: label `IGNORED`, probabilities 0."""
    if tile.field is None:
        return made
    ignored = tile.field[tile.core.within(tile.window)] == IGNORED
    if not ignored.any():
        return made
    fine = on_fine_grid(ignored, tile.core, model.scale)
    labels = np.where(fine, np.uint8(IGNORED), made.labels)
    full = made.probabilities
    return replace(made, labels=labels, probabilities=None if full is None else np.where(fine, np.float32(0), full))
