"""Faults at `fuse` and `train`: after mending, weights, state and table are those of a run without a fault."""

import re
import shutil

import pytest

from tests.faults.harness import Fault, Tally, draw
from tests.faults.training_jobs import (
    digest,
    fuse_job,
    make_images,
    sentence,
    train_job,
    wrong_run,
)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return make_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def clean(server, images, tmp_path_factory):
    return server.record(fuse_job(images), tmp_path_factory.mktemp("clean") / "case")


@pytest.fixture(scope="module")
def configuration(clean):
    return clean.folder / "run" / "config.yaml"


def strike(server, job, clean, faults, folder):
    tally = Tally(job.name)
    for fault in faults:
        tally.add(server.attempt(job, clean, fault, folder))
    return tally


def test_a_few_faults_at_fuse(server, images, clean, tmp_path):
    strike(server, fuse_job(images), clean, draw(clean.operations, 7, seed=5), tmp_path / "case").check()


@pytest.mark.slow
def test_faults_at_fuse(server, images, clean, tmp_path):
    strike(server, fuse_job(images), clean, draw(clean.operations, 130, seed=1), tmp_path / "case").check()


@pytest.mark.slow
def test_faults_at_train(server, configuration, tmp_path):
    job = train_job(None, configuration)
    recorded = server.record(job, tmp_path / "clean")
    strike(server, job, recorded, draw(recorded.operations, 60, seed=2), tmp_path / "case").check()


@pytest.mark.slow
def test_faults_at_training_a_finished_run_on(server, images, clean, tmp_path):
    """What is struck is the second command; the one that mends it is the same."""
    more = fuse_job(images, "--resume", steps=5, name="train on")
    job = type(more)(
        more.name,
        more.argv,
        more.argv,
        setup=lambda folder: shutil.copytree(clean.folder / "run", folder / "run"),
        wrong=more.wrong,
    )
    recorded = server.record(job, tmp_path / "clean")
    strike(server, job, recorded, draw(recorded.operations, 40, seed=3), tmp_path / "case").check()


@pytest.mark.slow
def test_faults_at_overwriting_a_run(server, images, clean, tmp_path):
    """Until the new run has made something the old one stays; then it is the new one's folder."""
    new = fuse_job(images, "--seed", "3", name="overwrite")

    def setup(folder):
        shutil.copytree(clean.folder / "run", folder / "run")

    argv = [*new.argv, "--overwrite"]
    job = type(new)(new.name, argv, argv, setup=setup, wrong=new.wrong)
    recorded = server.record(job, tmp_path / "clean")
    strike(server, job, recorded, draw(recorded.operations, 30, seed=4), tmp_path / "case").check()
    old = digest(clean.folder / "run")
    for fault in draw(recorded.operations, 30, seed=6):
        folder = tmp_path / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        setup(folder)
        server.run(argv, folder, fault=fault)
        run = server.run([*fuse_job(images).argv, "--resume"], folder)
        # Either the old run is there, whole, or the new one has begun, and is another configuration.
        if run.code == 0:
            assert digest(folder / "run") == old
            assert not wrong_run(clean.folder, folder)
        else:
            assert "another configuration (seed differ)" in sentence(run.output), fault


def emptied(data):
    return b""


def torn(data):
    return data[: len(data) // 2]


def flipped(at):
    def flip(data):
        if not data:
            return data
        data = bytearray(data)
        data[int(at * (len(data) - 1))] ^= 4
        return bytes(data)

    return flip


DAMAGES = {
    "emptied": emptied, "torn": torn, "flipped": flipped(0.5), "flipped at its end": flipped(1),
    "flipped at its begin": flipped(0), "gone": None,
}  # fmt: skip
MENDED = ("training/", "model/", "metrics.json", "preview.png")
"""Files that are made again; of others a sentence says what is wrong."""
PICTURES = r"^run/training/previews/"
RECORDS = r"^run/(training/|inputs\.json|model/(README\.md|self_test\.safetensors))|^another (state|table)$"
"""What a training that goes on can't make again, and what a finished one does not look at any more."""


def damage(server, job, clean, kill, folder):
    """Damage each file that a killed run has left, one at a time, and mend; return how many, and what was not right."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if kill is None:
        shutil.copytree(clean.folder / "run", folder / "run")
    else:
        assert server.run(job.argv, folder, fault=kill).struck
    kept = folder.with_name("kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept)
    files = [p.relative_to(kept) for p in sorted(kept.rglob("*")) if p.is_file() and "fused.zarr" not in p.parts]
    count, bad = 0, []
    for file in files:
        for name, change in DAMAGES.items():
            shutil.rmtree(folder)
            shutil.copytree(kept, folder)
            if change:
                (folder / file).write_bytes(change((folder / file).read_bytes()))
            else:
                (folder / file).unlink()
            count += 1
            run = server.run(job.again, folder)
            what = f"{kill}: {file} {name}: exit {run.code}, {run.output[-300:]!r}"
            if run.internal or run.code not in (0, 2):
                bad.append(what)
            elif run.code == 2:
                sentence(run.output)
                if str(file).startswith(tuple(f"run/{m}" for m in MENDED)) and "hand" not in run.output:
                    bad.append(what)
            else:
                past = RECORDS if (kept / "run" / "model" / "model.json").exists() else PICTURES
                wrong = [w for w in wrong_run(clean.folder, folder, whole=True) if not re.search(past, w)]
                bad += [f"{what} {wrong}"] if wrong else []
    return count, bad


@pytest.mark.slow
@pytest.mark.parametrize("at", [None, 12, 22])
def test_damaged_files_are_made_again_or_named(server, images, clean, tmp_path, at):
    """Of a finished run, and of runs killed at a rename in the middle of the training."""
    kill = at and Fault("SIGKILL", "rename", at)
    count, bad = damage(server, fuse_job(images), clean, kill, tmp_path / "case")
    print(f"damaged files, killed at {at}: {count}, not right: {len(bad)}")
    assert not bad, "\n".join(bad)
    assert count >= 30


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--resume",)])
def test_two_at_once(server, images, clean, tmp_path, words):
    """Both with --resume end well; else the second one is refused, and harms nothing."""
    for trial in range(5):
        folder = tmp_path / f"case{trial}"
        folder.mkdir()
        argv = [*fuse_job(images).argv, *words]
        again = tmp_path / f"again{trial}"  # each start has a folder's name of its own for what is printed
        again.symlink_to(folder)
        waits = [server.start(argv, place) for place in (folder, again)]
        runs = [wait() for wait in waits]
        assert not any(run.internal for run in runs), runs
        assert sorted(run.code for run in runs) == ([0, 0] if words else [0, 2]), runs
        assert not wrong_run(clean.folder, folder)
        assert sorted(p.name for p in folder.iterdir()) == ["run"]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [20_000, 40_000])
def test_files_that_may_not_be_large(server, images, clean, tmp_path, limit):
    """As on a full disk or over a quota; once there is room the run goes on."""
    folder = tmp_path / "case"
    folder.mkdir()
    run = server.run(fuse_job(images).argv, folder, limits={"RLIMIT_FSIZE": limit})
    assert run.code == 1
    sentence(run.output)
    assert server.run(fuse_job(images).again, folder).code == 0
    assert not wrong_run(clean.folder, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["run"]
