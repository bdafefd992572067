"""What ends a training early, and what comes after: the same command again, --resume, a larger budget."""

import json
import shutil
from dataclasses import replace

import pytest

from mesofuse.cli.main import main
from mesofuse.config.job import load_job
from mesofuse.console.progress import ProgressPrinter
from mesofuse.interfaces.events import TrainingStep
from mesofuse.models.package import load_package
from mesofuse.pipeline import folder
from mesofuse.pipeline.fit import finished
from mesofuse.testing.problems import blobs
from mesofuse.training.adversarial import AdversarialTrainer
from mesofuse.training.selection import Selector
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.store.opening import open_volume


@pytest.fixture
def break_at(monkeypatch):
    def arm(step):
        emit = ProgressPrinter.emit

        def interrupting(self, event):
            emit(self, event)
            if isinstance(event, TrainingStep) and event.step == step:
                raise KeyboardInterrupt

        monkeypatch.setattr(ProgressPrinter, "emit", interrupting)

    return arm


def test_ctrl_c_leaves_a_usable_model_and_resume_finishes_it(tiny_job, tmp_path, break_at, monkeypatch):
    out, whole = tmp_path / "run", tmp_path / "whole"
    break_at(1)
    assert main(["fuse", *tiny_job, "--out", str(out)]) == 130
    monkeypatch.undo()
    assert not finished(out)
    early = load_package(out / "model")
    assert early.provenance["interrupted"] is True
    assert not (out / "fused.zarr").exists()
    assert main(["fuse", *tiny_job, "--out", str(out), "--resume"]) == 0
    assert main(["fuse", *tiny_job, "--out", str(whole)]) == 0
    assert finished(out)
    assert load_package(out / "model").digest == load_package(whole / "model").digest != early.digest


def test_the_model_keeps_what_was_estimated_and_the_configuration_what_was_asked(tiny_job, tmp_path):
    write_labels(blobs((16, 17, 18), 2, seed=1), tmp_path / "scan.tif")
    write_labels(blobs((2, 80, 80), 3, seed=2), tmp_path / "sem.tif")
    given = ["--low-res", str(tmp_path / "scan.tif"), "--high-res", str(tmp_path / "sem.tif"), *tiny_job[4:]]
    given += ["--set", "degradation={name: point-spread, sigma: estimate}", "--out", str(tmp_path / "run")]
    assert main(["fuse", *given]) == 0
    sigma = load_package(tmp_path / "run" / "model").options["degradation"]["sigma"]
    assert len(sigma) == 3
    assert load_job(tmp_path / "run" / "config.yaml").method["degradation"]["sigma"] == "estimate"
    assert main(["fuse", *given, "--resume"]) == 0


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def said(capsys):
    return capsys.readouterr().err


@pytest.fixture
def loud(tiny_job):
    return [word for word in tiny_job if word != "--quiet"]


@pytest.fixture
def fail_with(monkeypatch):
    """Let the generator's update of a step raise, or return what is given."""

    def arm(what, step=0):
        original = AdversarialTrainer._generator_update

        def update(self):
            if self.step < step:
                return original(self)
            if isinstance(what, BaseException):
                raise what
            return what

        monkeypatch.setattr(AdversarialTrainer, "_generator_update", update)

    return arm


FAILURES = {
    "a plugin": (ZeroDivisionError("in a plugin"), 1, "mesofuse itself failed"),
    "memory": (MemoryError(), 1, "not enough memory"),
    "disk": (OSError(28, "No space left on device", "x"), 1, "The disk is full"),
    "NaN": (float("nan"), 2, "no model was kept"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_attempt_that_fails_before_it_made_anything_does_not_block_the_next(
    name, tiny_job, tmp_path, fail_with, monkeypatch, capsys
):
    error, code, words = FAILURES[name]
    fail_with(error)
    assert main(["fuse", *tiny_job, "--out", str(tmp_path / "new" / "run")]) == code
    assert words in said(capsys)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert main(["fuse", *tiny_job, "--out", str(tmp_path / "new" / "run")]) == 0


@pytest.mark.parametrize("way", [[], ["--resume"], ["--seed", "3"]])
def test_nor_does_one_that_was_killed(way, loud, tmp_path, monkeypatch, capsys):
    """With other options too, as after a mistake. A kill leaves a configuration and a record, but no checkpoint."""

    class Killed(BaseException):
        pass

    monkeypatch.setattr(folder, "_undo", lambda *args: None)
    monkeypatch.setattr(AdversarialTrainer, "_agree", lambda *args: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        main(["fuse", *loud, "--out", str(tmp_path / "run")])
    monkeypatch.undo()
    assert {"config.yaml", "training"} <= {p.name for p in (tmp_path / "run").iterdir()}
    assert main(["fuse", *loud, *way, "--out", str(tmp_path / "run")]) == 0
    assert ("starts anew" in said(capsys)) == (way != ["--resume"])
    assert len((tmp_path / "run" / "training" / "metrics.csv").read_text().splitlines()) == 3


def test_an_attempt_that_kept_a_checkpoint_is_gone_on_with(tiny_job, tmp_path, fail_with, monkeypatch, capsys):
    fail_with(ZeroDivisionError(), step=1)
    assert main(["fuse", *tiny_job, "--out", str(tmp_path / "run")]) == 1
    monkeypatch.undo()
    assert main(["fuse", *tiny_job, "--out", str(tmp_path / "run")]) == 2
    assert "give --resume to continue it" in said(capsys)
    assert main(["fuse", *tiny_job, "--out", str(tmp_path / "run"), "--resume"]) == 0
    assert main(["fuse", *tiny_job, "--out", str(tmp_path / "whole")]) == 0
    assert load_package(tmp_path / "run" / "model").digest == load_package(tmp_path / "whole" / "model").digest


def test_a_training_that_diverges_leaves_its_best_model_and_says_where(tiny_job, tmp_path, fail_with, capsys):
    given = [*tiny_job, "--steps", "4", "--set", "selection.every=1", "--set", "selection.after=0"]
    fail_with(float("inf"), step=2)
    assert main(["fuse", *given, "--out", str(tmp_path / "run")]) == 2
    sentence = said(capsys).splitlines()[-1]
    assert "diverged at step 3: the generator's loss is inf; the best model before, of step" in sentence
    assert str(tmp_path / "run" / "model") in sentence
    assert load_package(tmp_path / "run" / "model").provenance["interrupted"] is True
    assert main(["fuse", *given, "--out", str(tmp_path / "run")]) == 2
    assert "--overwrite to start anew" in said(capsys)


def test_a_finished_run_is_trained_on_and_what_the_older_model_made_is_renewed(loud, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["fuse", *loud, "--seed", "2", "--out", str(out)]) == 0
    before, first = tree(out), load_package(out / "model")
    without = [w for i, w in enumerate(loud) if w != "--steps" and loud[i - 1] != "--steps"]
    again = ["fuse", *without, "--seed", "2", "--out", str(out), "--resume"]
    assert main(again) == 0  # without a budget, the run's own is meant
    assert tree(out) == before
    capsys.readouterr()
    assert main([*again, "--steps", "12", "--set", "selection.every=40"]) == 0
    text = said(capsys)
    assert "step 2" not in text
    second = load_package(out / "model")
    assert second.provenance["budget"] == {"steps": 12, "minutes": None}
    assert finished(out)
    renewed = second.digest != first.digest
    assert ("was made by this model before" in text) == renewed
    assert json.loads((out / "metrics.json").read_text())["model"] == second.digest
    assert open_volume(str(out / "fused.zarr")).provenance["model"] == second.digest
    assert len((out / "training" / "metrics.csv").read_text().splitlines()) == 13
    # A smaller budget is used up: nothing changes, and that is said.
    kept = tree(out)
    assert main([*again, "--steps", "3"]) == 0
    assert "has used up this budget already" in said(capsys)
    assert tree(out) == kept


def test_the_finished_model_stays_until_a_better_one_is_there(tiny_job, tmp_path, monkeypatch):
    """Checks of the longer training all find worse models."""
    given = ["fuse", *tiny_job, "--out", str(tmp_path / "run")]
    assert main(given) == 0
    first = load_package(tmp_path / "run" / "model").digest
    check = Selector.check
    monkeypatch.setattr(Selector, "check", lambda self, model, step: replace(check(self, model, step), error=1e9))
    assert main([*given, "--resume", "--steps", "4"]) == 0
    assert load_package(tmp_path / "run" / "model").digest == first
    monkeypatch.setattr(Selector, "check", lambda self, model, step: replace(check(self, model, step), error=0.0))
    assert main([*given, "--resume", "--steps", "5"]) == 0
    assert load_package(tmp_path / "run" / "model").digest != first
    volume = open_volume(str(tmp_path / "run" / "fused.zarr"))
    assert volume.provenance["model"] == load_package(tmp_path / "run" / "model").digest


def test_training_on_that_is_interrupted_goes_on(tiny_job, tmp_path, break_at, monkeypatch):
    out = tmp_path / "run"
    assert main(["fuse", *tiny_job, "--out", str(out)]) == 0
    break_at(3)
    assert main(["fuse", *tiny_job, "--out", str(out), "--resume", "--steps", "5"]) == 130
    monkeypatch.undo()
    assert load_package(out / "model")
    assert main(["fuse", *tiny_job, "--out", str(out), "--resume", "--steps", "5"]) == 0
    assert finished(out)
    assert len((out / "training" / "metrics.csv").read_text().splitlines()) == 6


def test_without_its_checkpoint_a_finished_run_is_not_trained_on(tiny_job, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["fuse", *tiny_job, "--out", str(out)]) == 0
    shutil.rmtree(out / "training" / "checkpoint")
    before = tree(out)
    assert main(["fuse", *tiny_job, "--out", str(out), "--resume", "--steps", "5"]) == 2
    assert "holds no checkpoint to train on from" in said(capsys)
    assert tree(out) == before


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors", "self_test.safetensors"])
def test_a_damaged_model_is_made_again_from_the_checkpoint(name, tiny_job, tmp_path):
    out = tmp_path / "run"
    assert main(["fuse", *tiny_job, "--out", str(out)]) == 0
    digest = load_package(out / "model").digest
    (out / "model" / name).write_bytes(b"")
    assert main(["fuse", *tiny_job, "--out", str(out), "--resume"]) == 0
    assert load_package(out / "model").digest == digest


def test_a_damaged_checkpoint_is_replaced_by_the_one_before(loud, tmp_path, fail_with, monkeypatch, capsys):
    given = [*loud, "--steps", "4"]
    fail_with(ZeroDivisionError(), step=3)
    assert main(["fuse", *given, "--out", str(tmp_path / "run")]) == 1
    monkeypatch.undo()
    (tmp_path / "run" / "training" / "checkpoint" / "checkpoint.safetensors").write_bytes(b"")
    capsys.readouterr()
    assert main(["fuse", *given, "--out", str(tmp_path / "run"), "--resume"]) == 0
    assert "is damaged" in said(capsys)
    assert main(["fuse", *given, "--out", str(tmp_path / "whole")]) == 0
    assert load_package(tmp_path / "run" / "model").digest == load_package(tmp_path / "whole" / "model").digest


def test_a_training_begins_with_an_earlier_model(loud, tmp_path, capsys):
    first, second, cold = (tmp_path / name for name in ("first", "second", "cold"))
    assert main(["fuse", *loud, "--out", str(first)]) == 0
    assert main(["fuse", *loud, "--out", str(second), "--from", str(first / "model"), "--seed", "1"]) == 0
    assert main(["fuse", *loud, "--out", str(cold), "--seed", "1"]) == 0
    begun, made, anew = (load_package(run / "model") for run in (first, second, cold))
    assert made.provenance["start"] == begun.digest
    assert "start" not in anew.provenance

    def apart(package):
        weights = package.model.state()
        return sum(float(abs(weights[k] - v).sum()) for k, v in begun.model.state().items())

    assert 0 < apart(made) < apart(anew) / 3
    # The configuration names it, from where the folder is.
    assert load_job(second / "config.yaml").start == str((first / "model").resolve())
    assert "start: ../first/model" in (second / "config.yaml").read_text()


def test_a_model_that_does_not_fit_is_no_start(loud, tmp_path, capsys):
    first = tmp_path / "first"
    assert main(["fuse", *loud, "--out", str(first)]) == 0
    other = ["fuse", *loud, "--out", str(tmp_path / "second"), "--from", str(first / "model")]
    said(capsys)
    assert main([*other, "--set", "generator.channels=12"]) == 2
    assert "can't begin with the model" in said(capsys)
    assert not (tmp_path / "second").exists()
    assert main([*other[:-1], str(tmp_path / "none")]) == 2
    assert "none" in said(capsys)
    assert not (tmp_path / "second").exists()
