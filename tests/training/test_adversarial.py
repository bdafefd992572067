import csv
import itertools
import os
import re
import signal
import time

import numpy as np
import pytest
import torch

from mesofuse.config.method import resolve_method
from mesofuse.errors import UserError
from mesofuse.interfaces.events import CheckpointSaved, Note, StepTimes, TrainingStep
from mesofuse.interfaces.method import Budget, FitDiverged, FitInterrupted, FitRun, FusionInputs
from mesofuse.signals import Terminated
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.training import adversarial
from mesofuse.training.checkpoint import load_checkpoint

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


def everything(folder):
    """The whole state of a run but its clock: networks, optimisers, the best model, the record."""
    tensors, state = load_checkpoint(folder / "checkpoint")
    return {k: v.numpy().tobytes() for k, v in tensors.items() if k != "log"}, {**state, "elapsed": 0}, table(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    return weights(fit(folder, Budget(steps=6))), everything(folder)


@pytest.mark.parametrize("steps", [(1,), (3,), (5,), (6,), (1, 2, 3, 4, 5)])
def test_ctrl_c_leaves_a_model_and_resume_gives_what_an_uninterrupted_run_gives(tmp_path, whole, steps):
    """Whether checked at the step of the interrupt or not; the model that is handed out meanwhile changes nothing."""

    def interrupt(event):
        if isinstance(event, TrainingStep) and event.step in left:
            left.remove(event.step)
            raise KeyboardInterrupt

    left = list(steps)
    while left:
        with pytest.raises(FitInterrupted) as caught:
            fit(tmp_path / "a", Budget(steps=6), resume=True, emit=interrupt)
        assert caught.value.model.scale == (4.0, 4.0, 4.0)
    made = weights(fit(tmp_path / "a", Budget(steps=6), resume=True))
    assert equal(whole[0], made)
    assert everything(tmp_path / "a") == whole[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("part", ["_critic_update", "_generator_update", "_check"])
def test_a_signal_in_the_middle_of_a_step_is_held_until_its_end(tmp_path, whole, monkeypatch, number, part):
    original, calls = getattr(adversarial.AdversarialTrainer, part), itertools.count()

    def struck(self, *args):
        if next(calls) == 1:
            os.kill(os.getpid(), number)
        return original(self, *args)

    monkeypatch.setattr(adversarial.AdversarialTrainer, part, struck)
    before = signal.getsignal(number)
    with pytest.raises(FitInterrupted) as caught:
        fit(tmp_path / "a", Budget(steps=6))
    assert isinstance(caught.value.__cause__, Terminated) == (number == signal.SIGTERM)
    assert signal.getsignal(number) is before
    monkeypatch.undo()
    assert equal(whole[0], weights(fit(tmp_path / "a", Budget(steps=6), resume=True)))
    assert everything(tmp_path / "a") == whole[1]


def test_what_a_second_ctrl_c_cuts_in_the_middle_of_a_step_is_not_kept(tmp_path, whole, monkeypatch):
    original, calls = adversarial.AdversarialTrainer._generator_update, itertools.count()

    def struck(self):
        value = original(self)
        if next(calls) == 3:
            raise KeyboardInterrupt
        return value

    monkeypatch.setattr(adversarial.AdversarialTrainer, "_generator_update", struck)
    with pytest.raises(FitInterrupted):
        fit(tmp_path / "a", Budget(steps=6), checkpoint_seconds=1e-9)
    monkeypatch.undo()
    events = []
    options = {"resume": True, "emit": events.append, "checkpoint_seconds": 1e-9}
    assert equal(whole[0], weights(fit(tmp_path / "a", Budget(steps=6), **options)))
    assert [e.step for e in events if isinstance(e, TrainingStep)] == [4, 5, 6]


def test_the_record_does_not_double_where_no_checkpoint_was_written(tmp_path, whole):
    def kill(event):
        if isinstance(event, TrainingStep) and event.step == 4:
            raise Killed

    with pytest.raises(Killed):
        fit(tmp_path / "a", Budget(steps=6), emit=kill)
    assert len(table(tmp_path / "a")) == 4
    fit(tmp_path / "a", Budget(steps=6), resume=True)
    assert table(tmp_path / "a") == whole[1][2]


def test_networks_that_draw_numbers_of_their_own_draw_the_same_ones_after_a_kill(tmp_path, monkeypatch):
    """Such as dropout in a critic."""
    original, drawn = adversarial.AdversarialTrainer._generator_update, {}

    def drawing(self):
        drawn.setdefault(self.step, []).append(float(torch.rand(())))
        return original(self)

    def kill(event):
        if isinstance(event, TrainingStep) and event.step == 3:
            raise Killed

    monkeypatch.setattr(adversarial.AdversarialTrainer, "_generator_update", drawing)
    with pytest.raises(Killed):
        fit(tmp_path / "a", Budget(steps=4), emit=kill, checkpoint_seconds=1e-9)
    fit(tmp_path / "a", Budget(steps=4), resume=True, checkpoint_seconds=1e-9)
    assert drawn[2][0] == drawn[2][1]
    assert len({values[0] for values in drawn.values()}) == 4


def test_a_finished_run_trains_on_and_keeps_the_best(tmp_path):
    first = fit(tmp_path / "a", Budget(steps=4))
    _, before = load_checkpoint(tmp_path / "a" / "checkpoint")
    events = []
    again = fit(tmp_path / "a", Budget(steps=4), resume=True, emit=events.append)
    assert [e for e in events if isinstance(e, TrainingStep)] == []
    assert equal(weights(first), weights(again))
    fit(tmp_path / "a", Budget(steps=7), resume=True, emit=events.append)
    assert [e.step for e in events if isinstance(e, TrainingStep)] == [5, 6, 7]
    _, state = load_checkpoint(tmp_path / "a" / "checkpoint")
    assert state["best_error"] <= before["best_error"]
    assert [row["step"] for row in table(tmp_path / "a")] == list("1234567")


def test_the_kept_model_is_the_best_checked(tmp_path):
    fit(tmp_path / "a", Budget(steps=8))
    errors = [float(row["error"]) for row in table(tmp_path / "a") if row["error"]]
    assert len(errors) == 4
    _, state = load_checkpoint(tmp_path / "a" / "checkpoint")
    assert state["best_error"] == pytest.approx(min(errors))
    assert state["best_step"] == 2 * (1 + int(np.argmin(errors)))
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


@pytest.mark.parametrize(("part", "name"), [("_critic_update", "critic"), ("_generator_update", "generator")])
def test_a_diverged_run_says_so_and_leaves_the_best_model(tmp_path, monkeypatch, part, name):
    original, calls = getattr(adversarial.AdversarialTrainer, part), itertools.count()
    monkeypatch.setattr(
        adversarial.AdversarialTrainer,
        part,
        lambda self, *args: float("nan") if next(calls) == 4 else original(self, *args),
    )
    with pytest.raises(FitDiverged, match=f"diverged at step 5: the {name}'s loss is nan; the best model") as caught:
        fit(tmp_path / "a", Budget(steps=9), optimizer={"final": 1.0})
    monkeypatch.undo()
    fit(tmp_path / "b", Budget(steps=4), optimizer={"final": 1.0})
    tensors, state = load_checkpoint(tmp_path / "b" / "checkpoint")
    assert f"of step {state['best_step']}, is kept" in str(caught.value)
    best = {k.removeprefix("best/"): v.numpy() for k, v in tensors.items() if k.startswith("best/")}
    assert equal(best, weights(caught.value.model))


def test_weights_that_are_no_numbers_are_never_the_best(tmp_path, monkeypatch):
    def spoil(event):
        if isinstance(event, TrainingStep) and event.step == 1:
            next(trained[0].average.parameters()).data.fill_(float("nan"))

    trained = []
    original = adversarial.AdversarialTrainer.fit
    monkeypatch.setattr(adversarial.AdversarialTrainer, "fit", lambda self: (trained.append(self), original(self))[1])
    with pytest.raises(FitDiverged, match="is not finite; no model was kept") as caught:
        fit(tmp_path / "a", Budget(steps=9), emit=spoil)
    assert caught.value.model is None


NO_CRITIC = {"critic": None, "batch": {"volumes": 1, "patch": 16}}


def test_the_last_model_is_kept_where_the_recipe_says_so(tmp_path):
    emitted = []
    chosen = SMALL["selection"] | {"keep": "last"}
    model = fit(tmp_path / "a", Budget(steps=5), selection=chosen, emit=emitted.append)
    tensors, state = load_checkpoint(tmp_path / "a" / "checkpoint")
    assert state["best_step"] == 5
    kept = {k.removeprefix("average/"): v.numpy() for k, v in tensors.items() if k.startswith("average/")}
    assert equal(kept, weights(model))


def test_a_run_that_has_settled_ends_early_and_says_so(tmp_path):
    """With a tiny rate nothing falls any more but what BatchNorm's statistics have still to settle."""
    notes = []
    chosen = SMALL["selection"] | {"every": 10, "patience": 1, "metrics": ["volume-fraction"]}
    fit(
        tmp_path / "a", Budget(steps=100), selection=chosen, optimizer={"rate": 1e-12, "averaging": None}, **NO_CRITIC,
        losses=[{"name": "voxelwise"}], emit=lambda event: notes.append(event) if isinstance(event, Note) else None,
    )  # fmt: skip
    (text,) = [note.text for note in notes]
    found = re.fullmatch(r"The error has stopped falling after (\d+) % of the budget: ending the training\.", text)
    assert found
    settled = int(found[1])
    assert settled < 50
    assert int(table(tmp_path / "a")[-1]["step"]) == round(1.3 * settled)


def test_a_profile_accounts_for_the_whole_run_and_changes_nothing(tmp_path):
    emitted = []
    run = FitRun(tmp_path, 0, "cpu", Budget(steps=4), False, emitted.append, profile=True)
    component, options = resolve_method("superres", "slim", SMALL)
    started = time.perf_counter()
    model = component.build(options).fit(INPUTS, run)
    whole = time.perf_counter() - started
    (times,) = [event for event in emitted if isinstance(event, StepTimes)]
    assert times.steps == 4
    assert {"generator", "critics", "loss voxelwise", "backward: losses", "backward: generator"} <= set(times.seconds)
    assert all(seconds > 0 for seconds in times.seconds.values())
    assert sum(times.seconds.values()) < whole
    assert equal(weights(model), weights(fit(tmp_path / "plain", Budget(steps=4))))
