"""Faults at `compare` and `measure --record`: what they keep is whole, and the same command ends with the same tables.

The entries of a comparison that must be made first are other processes, each of which does what `fuse` and `generate`
do; faults at these are in `test_training` and `test_generate`. Here the comparison is of ready volumes.
"""

import numpy as np
import pytest
import tifffile

from mesofuse.testing.problems import blobs
from tests.faults.harness import Job, Tally, draw

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
