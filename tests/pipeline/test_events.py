"""What a plugin that listens hears of a whole job."""

import pytest

from mesofuse.cli.main import main
from mesofuse.config.job import load_job
from mesofuse.interfaces.events import CheckpointSaved, RunFinished, TileDone, TrainingStep
from mesofuse.registry import get_registry


@pytest.fixture
def heard(monkeypatch):
    events = []
    monkeypatch.setattr(get_registry(), "emit", events.append)
    return events


def test_plugins_hear_of_every_stage(tiny_job, tmp_path, heard):
    out = tmp_path / "run"
    assert main(["fuse", *tiny_job, "--out", str(out)]) == 0
    kinds = [type(e) for e in heard]
    assert kinds.count(TrainingStep) == 2
    assert CheckpointSaved in kinds
    assert TileDone in kinds
    assert [(e.job, e.path) for e in heard if isinstance(e, RunFinished)] == [
        ("train", str(out / "model")), ("generate", str(out / "fused.zarr")), ("fuse", str(out)),
    ]  # fmt: skip
    assert load_job(out / "config.yaml").steps == 2
