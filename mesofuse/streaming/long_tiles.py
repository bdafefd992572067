"""Tiles that take minutes: they tell how far they are, and go on where an interrupted run left them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mesofuse.interfaces.events import Event
from mesofuse.interfaces.method import Model, SupportsLongTiles, TileInput, TileOutput, TileRun
from mesofuse.streaming.tiles import Tile
from mesofuse.volumes.files import remove, replacing
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.store.backends import is_url

MARK = "job.json"


class LongTiles:
    """The folders of an output's unfinished tiles: below ``OUT.progress``, which is deleted at the end.

    Args:
        model: The model; of one whose tiles are quick nothing is kept.
        out: The output; of a remote one nothing is kept.
        job: What bears on the output's voxels: what another job left is deleted.
        resume: Keep what the same job left.
        emit: Takes the events of the tiles.
    """

    def __init__(
        self, model: Model, out: str, job: Mapping[str, Any], *, resume: bool, emit: Callable[[Event], None]
    ) -> None:
        self._emit = emit
        self._long = isinstance(model, SupportsLongTiles)
        self.path = Path(f"{out.rstrip('/')}.progress") if self._long and not is_url(out) else None
        if self.path is None:
            return
        mark = json.loads(json.dumps(dict(job)))
        if not (resume and _mark(self.path) == mark):
            remove(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        with replacing(self.path / MARK) as temporary:
            temporary.write_text(json.dumps(mark), encoding="utf-8")

    def run_of(self, tile: Tile) -> TileRun | None:
        """Return where a tile is reconstructed; None for a model whose tiles are quick."""
        if not self._long:
            return None
        folder = None if self.path is None else self._home(self.path, tile)
        if folder is not None:
            folder.mkdir(exist_ok=True)
        return TileRun(self._emit, folder)

    def done(self, tile: Tile) -> None:
        """Delete what a tile kept, now that it is stored."""
        if self.path is not None:
            remove(self._home(self.path, tile))

    def _home(self, path: Path, tile: Tile) -> Path:
        return path / "-".join(map(str, tile.index))

    def remove(self) -> None:
        """Delete all of it."""
        if self.path is not None:
            remove(self.path)


def reconstructed(
    model: Model, tile: TileInput, run: TileRun | None = None, *, probabilities: bool = False
) -> TileOutput:
    """Reconstruct a tile, with progress where the model tells any."""
    if run is not None and isinstance(model, SupportsLongTiles):
        return model.reconstruct_long(tile, run, probabilities=probabilities)
    return model.reconstruct(tile, probabilities=probabilities)


def _mark(folder: Path) -> Any:
    try:
        return load_json((folder / MARK).read_text("utf-8"))
    except (OSError, ValueError):
        return None
