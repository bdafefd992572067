"""Faults at `compare` and `measure --record`: what they keep is whole, and the same command ends with the same tables.

The entries of a comparison that must be made first are other processes, each of which does what `fuse` and `generate`
do; faults at these are in `test_training` and `test_generate`. Here the comparison is of ready volumes.
"""

import shutil

import numpy as np
import pytest
import tifffile

from mesofuse.testing.problems import blobs
from tests.faults.harness import Job, Tally, differing, draw, tree

SIZES = ("--size", "8", "--metrics", "volume-fraction,surface-area")


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """Write a scan, an image, and two volumes to compare."""
    folder = tmp_path_factory.mktemp("volumes")
    for name, labels in (
        ("scan", blobs((6, 6, 6), 2, seed=1)), ("sem", blobs((2, 24, 24), 3, seed=2)),
        ("truth", blobs((24, 24, 24), 3, seed=3)), ("other", blobs((24, 24, 24), 3, seed=4)),
    ):  # fmt: skip
        tifffile.imwrite(folder / f"{name}.tif", np.ascontiguousarray(labels.array), photometric="minisblack")
    return folder


def compare_job(volumes):
    argv = ["compare", "--low-res", str(volumes / "scan.tif"), "--high-res", str(volumes / "sem.tif"), "--scale", "4"]
    argv += [
        "--shows",
        "0=0,2",
        "--shows",
        "1=1",
        "--subvolumes",
        "6",
        *SIZES,
        "--reference",
        str(volumes / "truth.tif"),
    ]
    argv += ["--volume", str(volumes / "other.tif"), "--out", "cmp", "--quiet"]
    return Job("compare", argv, argv)


def record_job(volumes):
    argv = [
        "measure",
        str(volumes / "truth.tif"),
        str(volumes / "other.tif"),
        "--reference",
        str(volumes / "truth.tif"),
    ]
    argv += ["--samples", "12", *SIZES, "--record", "kept", "--json", "table.json"]
    return Job("measure --record", argv, argv)


@pytest.mark.parametrize("make", [compare_job, record_job], ids=["compare", "record"])
@pytest.mark.parametrize("count", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_faults(server, volumes, tmp_path, make, count):
    job = make(volumes)
    clean = server.record(job, tmp_path / "clean")
    tally = Tally(job.name)
    for fault in draw(clean.operations, count, seed=count):
        tally.add(server.attempt(job, clean, fault, tmp_path / "case"))
    tally.check()


def flipped(at):
    def flip(data):
        data = bytearray(data)
        data[int(at * (len(data) - 1))] ^= 1
        return bytes(data)

    return flip


DAMAGES = {"emptied": lambda data: b"", "torn": lambda data: data[: len(data) // 2], "gone": None}
DAMAGES |= {f"flipped at {at}": flipped(at) for at in (0, 0.2, 0.35, 0.5, 0.65, 0.8, 0.93, 1)}


@pytest.mark.slow
@pytest.mark.parametrize("make", [compare_job, record_job], ids=["compare", "record"])
def test_damaged_records_are_measured_again_or_named(server, volumes, tmp_path, make):
    job = make(volumes)
    clean = server.record(job, tmp_path / "clean")
    wanted, folder = tree(clean.folder), tmp_path / "case"
    count, refused, bad = 0, 0, []
    for file in (name for name, data in wanted.items() if data is not None):
        for name, change in DAMAGES.items():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(clean.folder, folder)
            if change:
                (folder / file).write_bytes(change(wanted[file]))
            else:
                (folder / file).unlink()
            run = server.run(job.again, folder)
            count += 1
            refused += run.code == 2
            if run.internal or run.code not in (0, 2) or (run.code == 0 and tree(folder) != wanted):
                bad.append(f"{file} {name}: exit {run.code}, {differing(clean.folder, folder)}, {run.output[-200:]!r}")
    print(f"{job.name}: {count} damaged files, {refused} refused in a sentence, {len(bad)} not right")
    assert not bad, "\n".join(bad)
    assert count >= 30


@pytest.mark.slow
@pytest.mark.parametrize("make", [compare_job, record_job], ids=["compare", "record"])
def test_two_at_once(server, volumes, tmp_path, make):
    job = make(volumes)
    clean = server.record(job, tmp_path / "clean")
    for trial in range(5):
        folder, again = tmp_path / f"case{trial}", tmp_path / f"again{trial}"
        folder.mkdir()
        again.symlink_to(folder)  # each start has a folder's name of its own for what is printed
        waits = [server.start(job.argv, place) for place in (folder, again)]
        assert [(run.code, run.internal) for run in (wait() for wait in waits)] == [(0, False)] * 2
        assert tree(folder) == tree(clean.folder)
