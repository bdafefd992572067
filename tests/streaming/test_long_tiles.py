"""A model of whole volumes tells how far it is, and an interrupted run goes on where it was."""

import math

import numpy as np
import pytest

from mesofuse.interfaces.events import TileProgress
from mesofuse.interfaces.method import TileOutput, TileRun
from mesofuse.streaming.long_tiles import MARK, LongTiles, reconstructed
from mesofuse.streaming.plan import make_plan
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.testing.problems import blobs, make_problem

LOW = blobs((4, 4, 4), 2)
STEPS = 5


class Slow:
    """Counts to five in a file, then gives the scan's labels at twice the resolution."""

    can_tile = False
    halo = (0, 0, 0)
    tile = (4, 4, 4)
    noise = ()

    def __init__(self, fail_at=None):
        self.problem = make_problem(2, 2, 2)
        self.scale = self.problem.scale
        self.fail_at, self.computed = fail_at, 0

    def to(self, device):
        return self

    def reconstruct(self, tile, *, probabilities=False):
        return self.reconstruct_long(tile, TileRun(lambda event: None), probabilities=probabilities)

    def reconstruct_long(self, tile, run, *, probabilities=False):
        file = None if run.folder is None else run.folder / "at"
        at = int(file.read_text()) if file is not None and file.exists() else 0
        while at < STEPS:
            if at == self.fail_at:
                raise KeyboardInterrupt
            at += 1
            self.computed += 1
            if file is not None:
                file.write_text(str(at))
            run.emit(TileProgress(at / STEPS, {"error": 1.0 / at}))
        return TileOutput(np.repeat(np.repeat(np.repeat(tile.field, 2, 0), 2, 1), 2, 2))

    def tile_bytes(self, window):
        return math.prod(window) * 8

    def state(self):
        return {}


def made(out, model, events=None, **options):
    return generate(
        model, LOW, LOW.grid, str(out), GenerateOptions(**options), provenance={"model": "x"},
        emit=(lambda event: None) if events is None else events.append,
    )  # fmt: skip


def test_progress_is_told_and_nothing_is_left(tmp_path):
    events = []
    volume = made(tmp_path / "a.zarr", Slow(), events)
    assert [e.fraction for e in events if isinstance(e, TileProgress)] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert np.array_equal(volume.read(volume.grid.region)[::2, ::2, ::2], LOW.array)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("chunks", [8, 3])  # the tile is a write unit; or it goes through the scratch store
def test_an_interrupted_tile_is_resumed_and_another_jobs_is_not(tmp_path, chunks):
    out = tmp_path / "a.zarr"
    with pytest.raises(KeyboardInterrupt):
        made(out, Slow(fail_at=3), chunks=(chunks,) * 3)
    assert (tmp_path / "a.zarr.progress" / MARK).exists()
    resumed = Slow()
    made(out, resumed, chunks=(chunks,) * 3, resume=True)
    assert resumed.computed == 2
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
    with pytest.raises(KeyboardInterrupt):
        made(out, Slow(fail_at=3), chunks=(chunks,) * 3, overwrite=True)
    anew = Slow()
    made(out, anew, chunks=(chunks,) * 3, overwrite=True, seed=1)
    assert anew.computed == STEPS


def test_a_damaged_mark_is_another_jobs(tmp_path):
    folder = tmp_path / "a.zarr.progress"
    LongTiles(Slow(), str(tmp_path / "a.zarr"), {"seed": 0}, resume=False, emit=print)
    (folder / "0-0-0").mkdir()
    LongTiles(Slow(), str(tmp_path / "a.zarr"), {"seed": 0}, resume=True, emit=print)
    assert (folder / "0-0-0").exists()
    (folder / MARK).write_text("{")
    LongTiles(Slow(), str(tmp_path / "a.zarr"), {"seed": 0}, resume=True, emit=print)
    assert not (folder / "0-0-0").exists()


def test_a_quick_model_keeps_nothing(tmp_path, tiny_model):
    model, _ = tiny_model(2.0)
    long = LongTiles(model, str(tmp_path / "a.zarr"), {}, resume=False, emit=print)
    assert long.run_of(None) is None
    assert list(tmp_path.iterdir()) == []


def test_without_a_run_it_is_reconstructed_plainly():
    model = Slow()

    class Tile:
        field = LOW.array

    assert reconstructed(model, Tile).labels.shape == (8, 8, 8)


def test_a_plan_computes_nothing_of_a_whole_volume():
    model = Slow()
    plan = make_plan(model, LOW, LOW.grid.shape)
    assert (model.computed, plan.seconds, plan.tiles) == (0, None, 1)
    assert plan.peak_bytes > model.tile_bytes((4, 4, 4))
