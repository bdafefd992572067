"""The note that mesofuse leaves in files of other programs: exact grid and phases, believed only while it fits them."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid, Scale, parse_unit
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.phases import IGNORED, MAX_PHASES
from mesofuse.volumes.units import Said, convert

KEY = "mesofuse"
"""Key of the note, in its own text and wherever a format has keys."""


class Note(NamedTuple):
    """What a note says.

    Attributes:
        grid: The grid, exact to the last digit.
        phase_names: Names of the phases 0 … n−1.
        phase_colors: Their colours, ``#rrggbb``.
        masked: Whether voxels of the value `mesofuse.volumes.phases.IGNORED` are no material.
    """

    grid: Grid
    phase_names: tuple[str, ...]
    phase_colors: tuple[str, ...]
    masked: bool = False


def note_of(labels: Labels) -> str:
    """Return the note on labels: one line of ASCII."""
    grid = labels.grid
    about = {
        "shape": list(grid.shape),
        "voxel_size": list(grid.voxel_size),
        "unit": grid.unit,
        "origin": list(grid.origin),
        "phases": [{"name": p.name, "color": p.color} for p in labels.phases],
        **({"ignored": IGNORED} if is_masked(labels) else {}),
    }
    return json.dumps({KEY: about})


def parse(text: str) -> Note | None:
    """Return what a note says, or None where a text is none."""
    try:
        data = load_json(text)[KEY]
        z, y, x = (int(n) for n in data["shape"])
        grid = Grid((z, y, x), _scale(data["voxel_size"]), parse_unit(data["unit"]), _scale(data["origin"]))
        names = tuple(str(p["name"]) for p in data["phases"])
        colors = tuple(str(p["color"]) for p in data["phases"])
    except (ValueError, KeyError, TypeError, OverflowError, UserError):
        return None
    if not (np.isfinite([*grid.voxel_size, *grid.origin]).all() and min(grid.voxel_size) > 0):
        return None
    if not all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors):
        return None
    if not all(names) or len(set(names)) < len(names) or len(names) > MAX_PHASES:
        return None
    return Note(grid, names, colors, data.get("ignored") == IGNORED)


def reconcile(said: Said, note: Note | None, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return voxel size, unit, origin and phases as `mesofuse.volumes.raw.RawImage` takes them.

    Other programs keep the note even when they crop or rescale the image, so its voxel size and origin count only where
    shape and voxel size are still those of the note.

    Args:
        said: What the file itself says of its voxel size.
        note: The note in it, if there is one.
        shape: Shape of the image, of two or three axes.
    """
    plain: dict[str, Any] = {"voxel_size": said.voxel_size, "unit": said.unit, "size_notes": said.notes}
    if note is None:
        return plain
    grid = note.grid
    phases: dict[str, Any] = {"phase_names": note.phase_names, "phase_colors": note.phase_colors}
    if note.masked:
        phases["ignores"] = (IGNORED,)
    changed = grid.shape != (1,) * (3 - len(shape)) + tuple(shape)
    if said.voxel_size is None or said.unit is None or not grid.known:
        changed |= said.voxel_size is not None or grid.known
    else:  # some formats have names for a few units only
        size = [convert(v, said.unit, grid.unit) for v in said.voxel_size]
        changed |= not np.allclose(size, grid.voxel_size, rtol=1e-4, atol=0)
    if changed:
        return {**plain, **phases}
    scaled = grid.known or grid.voxel_size != (1.0, 1.0, 1.0) or any(grid.origin)
    return {"voxel_size": grid.voxel_size if scaled else None, "unit": grid.unit, "origin": grid.origin, **phases}


def _scale(values: Any) -> Scale:
    z, y, x = (float(v) for v in values)
    return (z, y, x)
