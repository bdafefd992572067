import numpy as np
import pytest
from mesofuse_statistical import annealing_run
from mesofuse_statistical.annealing_field import Weights
from mesofuse_statistical.annealing_run import FILE, Run, Settings
from mesofuse_statistical.annealing_scan import Scan
from mesofuse_statistical.annealing_targets import measure

from mesofuse.interfaces.events import TileProgress
from mesofuse.interfaces.method import FusionInputs, TileRun
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import IGNORED

SETTINGS = Settings(Weights(), 12.0, 0.1, 0.0, 2)
SHAPE = (6, 5, 5)


def made(settings=SETTINGS, seed=b"seed", field=None, image_seed=5):
    image = blobs((3, 64, 64), 3, seed=image_seed)
    problem = make_problem(2, 3, 4)
    targets = measure(FusionInputs(blobs(SHAPE, 2), (image,) * 3, problem), 8, (1, 2), 2)
    field = blobs(SHAPE, 2, seed=3).array if field is None else field
    return Run(targets, Scan(problem, Region.whole(SHAPE), field), settings, seed)


def quiet(event):
    pass


@pytest.fixture
def busy(monkeypatch):
    """Save and tell after every step."""
    monkeypatch.setattr(annealing_run, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(annealing_run, "EMIT_SECONDS", 0.0)


@pytest.fixture(scope="module")
def whole():
    return made().labels(TileRun(quiet))


def interrupted(run, folder, after):
    count = 0

    def emit(event):
        nonlocal count
        count += 1
        if count == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.labels(TileRun(emit, folder))


@pytest.mark.parametrize("after", [1, 4, 12])
def test_an_interrupted_run_goes_on_to_the_same_labels(busy, tmp_path, whole, after):
    interrupted(made(), tmp_path, after)
    assert (tmp_path / FILE).exists()
    told = []
    assert np.array_equal(made().labels(TileRun(told.append, tmp_path)), whole)
    all_ = []
    made().labels(TileRun(all_.append))
    assert len(told) == len(all_) - after


def test_a_run_that_saves_is_the_one_that_does_not(busy, tmp_path, whole):
    assert np.array_equal(made().labels(TileRun(quiet, tmp_path)), whole)
    assert [p.name for p in tmp_path.iterdir()] == [FILE]
    assert np.array_equal(made().labels(TileRun(quiet, tmp_path)), whole)


@pytest.mark.parametrize(
    "other",
    [{"seed": b"other"}, {"image_seed": 6}, {"field": np.zeros(SHAPE, np.uint8)},
     {"settings": Settings(Weights(patterns=2), 12.0, 0.1, 0.0, 2)}],
)  # fmt: skip
def test_what_another_run_left_is_not_gone_on_with(busy, tmp_path, whole, other):
    interrupted(made(**other), tmp_path, 4)
    assert np.array_equal(made().labels(TileRun(quiet, tmp_path)), whole)


@pytest.mark.parametrize("left", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_a_damaged_state_is_not_gone_on_with(tmp_path, whole, left):
    (tmp_path / FILE).write_bytes(left)
    assert np.array_equal(made().labels(TileRun(quiet, tmp_path)), whole)


def test_progress_rises_to_one_and_the_energy_falls(busy):
    told = []
    made().labels(TileRun(told.append))
    assert {type(event) for event in told} == {TileProgress}
    fractions = [event.fraction for event in told]
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == 1
    metrics = told[-1].metrics
    assert list(metrics) == ["energy", "pairs", "paths", "patterns"]
    assert metrics["energy"] == pytest.approx(sum(metrics[name] for name in list(metrics)[1:]))
    told.clear()
    made(Settings(Weights(), 12.0, 0.1, 0.0, 1)).labels(TileRun(told.append))
    assert told[-1].metrics["energy"] < 0.9 * told[0].metrics["energy"]


def test_it_ends_where_the_energy_is_small_enough(busy):
    told = {}
    for tolerance in (0.0, 0.5):
        events = []
        made(Settings(Weights(), 12.0, 0.1, tolerance, 1)).labels(TileRun(events.append))
        told[tolerance] = events
    assert len(told[0.5]) < len(told[0.0])
    assert told[0.5][-1].fraction < 1


def test_another_seed_gives_another_volume(whole):
    assert not np.array_equal(made(seed=b"other").labels(TileRun(quiet)), whole)


def test_a_scan_that_is_ignored_everywhere_is_no_material():
    labels = made(field=np.full(SHAPE, IGNORED, np.uint8)).labels(TileRun(quiet))
    assert (labels == 255).all()


def test_no_sweeps_give_the_start():
    labels = made(Settings(Weights(), 0.0, 0.1, 0.0, 1)).labels(TileRun(quiet))
    assert set(np.unique(labels)) == {0, 1, 2}
