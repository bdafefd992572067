import csv
import itertools

import numpy as np
import pytest

from mesofuse.config.job import resolve_method
from mesofuse.errors import UserError
from mesofuse.interfaces.events import CheckpointSaved, TrainingStep
from mesofuse.interfaces.method import Budget, FitInterrupted, FitRun, FusionInputs
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.training import adversarial

SMALL = {
    "generator": {"name": "superres-slim", "channels": 4, "last": 4},
    "critic": {"name": "superres-slim", "channels": 4, "crop": 16},
    "batch": {"volumes": 1, "slices": 2},
    "critic_steps": 1,
    "selection": {"every": 2, "after": 0.0, "window": 7, "parts": 1},
}
INPUTS = FusionInputs(blobs((9, 8, 10), 2, seed=1), (blobs((2, 32, 32), 3, seed=2),) * 3, make_problem(2, 3, 4))


def fit(folder, budget, *, resume=False, seed=0, emit=lambda event: None, inputs=INPUTS, **changes):
    folder.mkdir(exist_ok=True)
    component, options = resolve_method("superres", "slim", SMALL | changes)
    return component.build(options).fit(inputs, FitRun(folder, seed, "cpu", budget, resume, emit))


def weights(model):
    return {k: v.copy() for k, v in model.state().items()}


def equal(a, b):
    return all(np.array_equal(a[k], b[k]) for k in a)


def table(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_the_same_seed_gives_the_same_weights(tmp_path):
    first, second, other = (
        weights(fit(tmp_path / name, Budget(steps=3), seed=seed)) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert equal(first, second)
    assert not equal(first, other)


class Killed(Exception):
    pass


def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(tmp_path):
    whole = weights(fit(tmp_path / "whole", Budget(steps=6)))

    def killer(event):
        if isinstance(event, TrainingStep) and event.step in (2, 5) and event.step not in killed:
            killed.add(event.step)
            raise Killed

    killed: set[int] = set()
    for _ in range(2):
        with pytest.raises(Killed):
            fit(tmp_path / "cut", Budget(steps=6), resume=True, emit=killer, checkpoint_seconds=1e-9)
    resumed = weights(fit(tmp_path / "cut", Budget(steps=6), resume=True, checkpoint_seconds=1e-9))
    assert equal(whole, resumed)
    assert table(tmp_path / "whole") == table(tmp_path / "cut")


def test_ctrl_c_keeps_the_best_model_and_the_state(tmp_path):
    def interrupt(event):
        if isinstance(event, TrainingStep) and event.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(FitInterrupted) as caught:
        fit(tmp_path / "a", Budget(steps=100), emit=interrupt)
    assert caught.value.model.scale == (4.0, 4.0, 4.0)
    assert (tmp_path / "a" / "best" / "checkpoint.safetensors").exists()
    events = []
    fit(tmp_path / "a", Budget(steps=5), resume=True, emit=events.append)
    assert [e.step for e in events if isinstance(e, TrainingStep)] == [4, 5]


def test_the_kept_model_is_the_best_checked(tmp_path):
    fit(tmp_path / "a", Budget(steps=8))
    errors = [float(row["error"]) for row in table(tmp_path / "a") if row["error"]]
    assert len(errors) == 4
    from mesofuse.training.checkpoint import load_checkpoint

    _, state = load_checkpoint(tmp_path / "a" / "best")
    assert state["error"] == pytest.approx(min(errors))
    assert len(list((tmp_path / "a" / "previews").iterdir())) == 4


def test_minutes_stop_the_run(tmp_path, monkeypatch):
    """By a clock that goes a second at every look, each step takes one second."""
    clock = itertools.count()
    monkeypatch.setattr(adversarial.time, "monotonic", lambda: float(next(clock)))
    events = []
    fit(tmp_path / "a", Budget(minutes=0.1), emit=events.append)
    steps = [e for e in events if isinstance(e, TrainingStep)]
    assert [e.fraction for e in steps] == pytest.approx([k / 6 for k in range(1, 7)])
    assert any(isinstance(e, CheckpointSaved) for e in events)


def test_resuming_with_another_recipe_is_refused(tmp_path):
    fit(tmp_path / "a", Budget(steps=1))
    with pytest.raises(UserError, match="another recipe or seed"):
        fit(tmp_path / "a", Budget(steps=2), resume=True, critic_steps=2)


def test_training_comes_closer_to_the_image_and_the_scan(tmp_path):
    """The error that the best model is chosen by falls by more than a third within 60 steps."""
    fit(
        tmp_path / "a",
        Budget(steps=60),
        seed=1,
        optimizer={"rate": 5e-3, "averaging": None},
        selection=SMALL["selection"] | {"every": 1},
    )
    rows = [row for row in table(tmp_path / "a") if row["error"]]
    assert min(float(r["error"]) for r in rows) < 0.66 * float(rows[0]["error"])


@pytest.mark.parametrize(
    "changes", [{"shared_critic": False}, {"critic_steps": 2}, {"augment": ("mirror", "none", "rotate")}]
)
def test_other_recipes_train(tmp_path, changes):
    model = fit(tmp_path / "a", Budget(steps=1), **changes)
    assert model.scale == (4.0, 4.0, 4.0)


def test_inputs_too_small_are_refused_before_anything_is_written(tmp_path):
    thin = FusionInputs(blobs((3, 9, 9), 2), INPUTS.images, INPUTS.problem)
    with pytest.raises(UserError, match="at least"):
        fit(tmp_path / "a", Budget(steps=1), inputs=thin)
    tiny = FusionInputs(INPUTS.low_res, (blobs((1, 12, 12), 3),) * 3, INPUTS.problem)
    with pytest.raises(UserError, match="12 × 12 pixels"):
        fit(tmp_path / "b", Budget(steps=1), inputs=tiny)
    assert not any((tmp_path / "a").iterdir())


def test_a_diverged_run_says_so(tmp_path):
    with pytest.raises(UserError, match="diverged at step"):
        fit(tmp_path / "a", Budget(steps=9), optimizer={"rate": 1e30})
