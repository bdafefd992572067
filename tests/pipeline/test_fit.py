"""Ctrl-C while training: there is a model all the same, and --resume goes on to what an uninterrupted run gives."""

import pytest

from mesofuse.cli.main import main
from mesofuse.config.job import load_job
from mesofuse.interfaces.events import TrainingStep
from mesofuse.models.package import load_package
from mesofuse.pipeline.fit import finished
from mesofuse.report.progress import ProgressPrinter
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats import write_labels


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
