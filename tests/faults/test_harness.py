from dataclasses import replace

import pytest

from tests.faults.harness import ACTIONS, Fault, Tally, draw
from tests.faults.jobs import import_job


@pytest.fixture(scope="module")
def clean(server, inputs, tmp_path_factory):
    return server.record(import_job(inputs), tmp_path_factory.mktemp("clean") / "a")


def test_operations_below_the_folder_are_seen(clean):
    kinds = {kind for kind, _ in clean.operations}
    assert {"read", "create", "write", "rename", "mkdir"} <= kinds
    assert not [path for _, path in clean.operations if path.startswith("..")]
    chunks = [p for k, p in clean.operations if k == "write" and "/0/c/" in p]
    assert len(chunks) == 2 * 2 * 2


@pytest.mark.parametrize(
    ("action", "code", "words"),
    [
        ("SIGKILL", -9, ""),
        ("SIGTERM", 143, ""),
        ("ENOSPC", 1, "The disk is full"),
        ("EIO", 1, "Input/output error"),
        ("EACCES", 1, "There is no permission"),
    ],
)
def test_a_fault_strikes_once_where_it_is_planted(server, inputs, clean, tmp_path, action, code, words):
    trial = server.attempt(import_job(inputs), clean, Fault(action, "write", 3), tmp_path / "a")
    assert trial.first.struck[0] == "write"
    assert trial.first.struck[1].endswith(".partial")
    assert trial.first.code == code
    assert words in trial.first.output
    assert not trial.first.internal
    assert trial.mended.code == 0
    assert trial.mended.struck is None


def test_what_is_not_mended_is_found(server, inputs, clean, tmp_path):
    job = replace(import_job(inputs), again=["--version"], complete=lambda folder: True)
    trial = server.attempt(job, clean, Fault("SIGKILL", "write", 3), tmp_path / "a")
    assert any(name.endswith("is missing") for name in trial.wrong)
    assert any(".partial" in name for name in trial.strays)
    assert trial.untrue
    tally = Tally("import")
    tally.add(trial)
    with pytest.raises(AssertionError, match="1 wrong"):
        tally.check()


def test_other_bytes_are_found(server, inputs, clean, tmp_path):
    job = replace(import_job(inputs), again=[*import_job(inputs).again, "--phases", "a,b,c"])
    trial = server.attempt(job, clean, Fault("EIO", "create", 0), tmp_path / "a")
    assert "out.zarr/zarr.json differs" in trial.wrong


def test_draws_cover_kinds_and_actions_and_repeat(clean):
    faults = draw(clean.operations, 60, seed=1)
    assert faults == draw(clean.operations, 60, seed=1)
    assert len(set(faults)) == len(faults) == 60
    kinds = {kind for kind, _ in clean.operations}
    assert {(f.kind, f.action) for f in faults} >= {(k, a) for k in kinds for a in ACTIONS if a != "ENOSPC"}
    assert not [f for f in faults if f.action == "ENOSPC" and f.kind in ("read", "remove", "list", "sync")]


def test_limits_hold(server, inputs, tmp_path):
    (tmp_path / "a").mkdir()
    run = server.run(import_job(inputs).argv, tmp_path / "a", limits={"RLIMIT_FSIZE": 0})
    assert run.code == 1
    assert not run.internal
