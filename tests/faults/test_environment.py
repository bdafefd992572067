"""Odd surroundings: other users, locales, names, limits, two runs at once; each ends in order, and can be mended."""

import os
import sys

import pytest

from tests.faults.harness import differing, tree
from tests.faults.jobs import generate_job, import_job

ORDERLY = (0, 1, 2)


@pytest.fixture(scope="module")
def job(inputs):
    return generate_job(inputs, "plain")


@pytest.fixture(scope="module")
def clean(server, job, tmp_path_factory):
    return server.record(job, tmp_path_factory.mktemp("clean") / "case")


def folder_in(tmp_path, name="case"):
    folder = tmp_path / name
    folder.mkdir(parents=True)
    return folder


def mended(server, job, clean, folder):
    """Run what mends, and hold the folder against the clean one: nothing else, nothing other."""
    run = server.run(job.again, folder)
    assert run.code == 0, run.output
    assert not differing(clean.folder, folder)
    assert set(tree(folder)) == set(tree(clean.folder))


@pytest.mark.parametrize("env", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}], ids=["C", "ascii"])
def test_other_locales(server, job, clean, tmp_path, env):
    folder = folder_in(tmp_path)
    run = server.run(job.argv, folder, env=env)
    assert (run.code, run.internal) == (0, False), run.output
    assert not differing(clean.folder, folder)


@pytest.mark.parametrize("name", ["a b", "l\nine", 'it\'s "so"', "-dash", "größe µm 体积", "x" * 240, "%s {0} $HOME"])
def test_odd_names(server, inputs, tmp_path, name):
    """A folder of an odd name, and an output of one."""
    folder = folder_in(tmp_path, name)
    job = import_job(inputs)
    output = os.path.join(".", f"{name[:200]}.zarr")
    argv = [output if word == "out.zarr" else word for word in job.argv]
    run = server.run(argv, folder)
    assert (run.code, run.internal) == (0, False), run.output
    assert os.listdir(folder) == [f"{name[:200]}.zarr"]
    checked = server.run(["check", output, "--quiet"], folder)
    assert checked.code == 0, checked.output


@pytest.mark.parametrize("first", [0, 1])
def test_two_at_once(server, job, clean, tmp_path, first):
    """One waits for the other, and finds its work done."""
    folder = folder_in(tmp_path)
    words = [job.argv, job.again]
    pairs = enumerate((words[first], words[1 - first]))
    waits = [server.start(argv, folder, label=f"run{i}") for i, argv in pairs]
    runs = [wait() for wait in waits]
    assert not any(run.internal for run in runs), [run.output for run in runs]
    assert all(run.code in (0, 2) for run in runs), runs
    assert any(run.code == 0 for run in runs)
    assert not differing(clean.folder, folder)
    assert set(tree(folder)) == set(tree(clean.folder))


@pytest.mark.parametrize("limit", [16, *(pytest.param(n, marks=pytest.mark.slow) for n in (14, 24, 64))])
def test_few_file_handles(server, job, clean, tmp_path, limit):
    folder = folder_in(tmp_path)
    run = server.run(job.argv, folder, limits={"RLIMIT_NOFILE": limit})
    assert run.code in ORDERLY, run.output
    assert not run.internal, run.output
    mended(server, job, clean, folder)


@pytest.mark.parametrize("limit", [1_000, 2_000])
def test_files_that_may_not_be_large(server, job, clean, tmp_path, limit):
    folder = folder_in(tmp_path)
    run = server.run(job.argv, folder, limits={"RLIMIT_FSIZE": limit})
    assert run.code in ORDERLY, run.output
    assert not run.internal, run.output
    mended(server, job, clean, folder)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root becomes another user")
def test_another_user_may_not_write(server, job, clean, tmp_path):
    folder = folder_in(tmp_path)
    folder.chmod(0o755)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent != parent.parent and "pytest" in str(parent):
            parent.chmod(0o755)
    run = server.run(job.argv, folder, user=65534)
    assert run.code in (1, 2), run.output
    assert not run.internal, run.output
    assert not tree(folder)
    mended(server, job, clean, folder)
