"""A run's folder on another computer: with its files, and with its files elsewhere."""

import json
import shutil

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.models.package import load_package
from mesofuse.testing.problems import blobs

JOB = ["--scale", "4", "--method", "interpolation", "--voxel-size", "0.8", "--quiet"]


@pytest.fixture
def project(tmp_path, capsys):
    """A folder with a scan, an image and a finished run, moved to another place."""
    old = tmp_path / "old"
    old.mkdir()
    tifffile.imwrite(old / "scan.tif", blobs((9, 8, 10), 2, seed=1).array, photometric="minisblack")
    tifffile.imwrite(old / "sem.tif", blobs((1, 40, 40), 2, seed=2).array[0], photometric="minisblack")
    inputs = ["--low-res", str(old / "scan.tif"), "--high-res", str(old / "sem.tif")]
    assert main(["fuse", *inputs, *JOB, "--out", str(old / "runs" / "first")]) == 0
    new = tmp_path / "new"
    old.rename(new)
    capsys.readouterr()
    return new


def scatter(project):
    """Move the inputs away from the run, and return what says where they are."""
    data = project.parent / "a" / "b" / "data"
    data.mkdir(parents=True)
    for name in ("scan.tif", "sem.tif"):
        shutil.move(project / name, data / name)
    return ["--low-res", str(data / "scan.tif"), "--high-res", str(data / "sem.tif")]


def test_all_of_it_moved(project, capsys):
    run = project / "runs" / "first"
    report = ["report", str(run), "--subvolumes", "2", "--size", "8", "--metrics", "volume-fraction", "--quiet"]
    assert main(report) == 0
    assert main(["train", str(run / "config.yaml"), "--out", str(project / "again"), "--quiet"]) == 0
    assert load_package(project / "again" / "model").digest == load_package(run / "model").digest
    inputs = ["--low-res", str(project / "scan.tif"), "--high-res", str(project / "sem.tif")]
    assert main(["fuse", *inputs, *JOB, "--out", str(run), "--resume"]) == 0


def test_its_files_are_elsewhere(project, capsys):
    run = project / "runs" / "first"
    given = scatter(project)
    train = ["train", str(run / "config.yaml"), "--out", str(project / "again"), "--quiet"]
    report = ["report", str(run), "--subvolumes", "2", "--size", "8", "--metrics", "volume-fraction", "--quiet"]
    for command in (train, report):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert "scan.tif" in error
        assert "say where they are with --low-res FILE and --high-res FILE" in error
    assert main([*train, *given]) == 0
    assert load_package(project / "again" / "model").digest == load_package(run / "model").digest
    assert main([*report, *given]) == 0
    # Resuming with the files' new place keeps it.
    assert main(["fuse", *given, *JOB, "--out", str(run), "--resume"]) == 0
    assert main([*report, "--overwrite"]) == 0
    assert "other voxels" not in capsys.readouterr().err


def test_other_files_are_not_taken_for_the_runs(project, capsys):
    run = project / "runs" / "first"
    given = scatter(project)
    tifffile.imwrite(given[1], 1 - blobs((9, 8, 10), 2, seed=1).array, photometric="minisblack")
    assert main(["report", str(run), *given, "--quiet"]) == 2
    assert "low_res has other voxels" in capsys.readouterr().err
    assert main(["fuse", *given, *JOB, "--out", str(run), "--resume"]) == 2
    assert "other voxels" in capsys.readouterr().err
    # A configuration may be used on other files, but it is said.
    assert main(["train", str(run / "config.yaml"), "--out", str(project / "again"), *given, "--quiet"]) == 0
    assert "low_res has other voxels than the run in" in capsys.readouterr().err


def test_a_comparison_moves_too(tmp_path, capsys):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    tifffile.imwrite(old / "sem.tif", blobs((1, 40, 40), 2, seed=2).array[0], photometric="minisblack")
    tifffile.imwrite(old / "volume.tif", blobs((24, 24, 24), 2, seed=3).array, photometric="minisblack")
    settings = ["--metrics", "volume-fraction", "--subvolumes", "2", "--size", "8", "--quiet"]

    def compare(place):
        files = ["--high-res", str(place / "sem.tif"), "--volume", str(place / "volume.tif")]
        return main(["compare", *files, *settings, "--out", str(place / "cmp"), "--json"])

    assert compare(old) == 0
    before = json.loads(capsys.readouterr().out)["table"]
    old.rename(new)
    assert main(["report", str(new / "cmp"), "--quiet"]) == 0
    capsys.readouterr()
    assert compare(new) == 0
    assert json.loads(capsys.readouterr().out)["table"] == before
    (new / "cmp").rename(tmp_path / "cmp")
    files = ["--high-res", str(new / "sem.tif"), "--volume", str(new / "volume.tif")]
    assert main(["compare", *files, *settings, "--out", str(tmp_path / "cmp")]) == 0
    tifffile.imwrite(new / "sem.tif", np.arange(1600).reshape(40, 40).astype(np.uint8) % 2, photometric="minisblack")
    assert main(["compare", *files, *settings, "--out", str(tmp_path / "cmp")]) == 2
    assert "the voxels of the input files" in capsys.readouterr().err
