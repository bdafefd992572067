import json

import numpy as np
import pytest
from click.testing import CliRunner

from mesofuse.cli.degrade import command
from mesofuse.cli.main import main
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.formats.zarr import copy
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.store.labels import LabelVolume

FINE = blobs((16, 24, 20), 3, seed=1)


@pytest.fixture
def truth(tmp_path):
    write_labels(FINE, tmp_path / "truth.tif")
    return str(tmp_path / "truth.tif")


def run(*args):
    return CliRunner().invoke(command, [str(a) for a in args], catch_exceptions=False)


def test_tif_and_zarr_hold_the_same_scan_with_its_grid(truth, tmp_path):
    args = ("--scale", 4, "--degradation", "point-spread", "--set", "sigma=[1,1,2]", "--noise", 0.2, "--quiet")
    copy(FINE, str(tmp_path / "truth.zarr"), 8)
    assert run(truth, tmp_path / "a.tif", *args).exit_code == 0
    assert run(tmp_path / "truth.zarr", tmp_path / "b.zarr", *args).exit_code == 0
    tif, _ = read_labels(tmp_path / "a.tif")
    stored = LabelVolume.open(tmp_path / "b.zarr")
    np.testing.assert_array_equal(tif.array, stored.read(stored.grid.region))
    assert stored.grid.shape == (4, 6, 5)
    assert stored.grid.voxel_size == (2.0, 2.0, 2.0)
    assert stored.grid.origin == tif.grid.origin == (0.75, 0.75, 0.75)
    assert stored.provenance["simulated_scan"]["degradation"]["sigma"] == [1.0, 1.0, 2.0]


def test_phases_merge_by_rules_and_json_says_what_became_of_them(truth, tmp_path):
    result = run(
        truth, tmp_path / "a.npy", "--scale", "4", "--phases", "pore,active,binder", "--shows", "dark=pore,binder",
        "--shows", "bright=active", "--noise", "0.5", "--threshold", "otsu", "--json",
    )  # fmt: skip
    about = json.loads(result.stdout)
    labels = np.load(tmp_path / "a.npy")
    assert [p["name"] for p in about["phases"]] == ["dark", "bright"]
    assert about["phases"][1]["after"] == pytest.approx(labels.mean())
    assert 0 < about["changed_by_noise"] < 0.5
    assert 0.2 < about["thresholds"][0] < 0.8


def test_a_rest_is_left_out_and_said(truth, tmp_path):
    result = run(truth, tmp_path / "a.tif", "--scale", "4,5,3")
    assert "last 0 × 4 × 2 voxels" in result.stderr
    assert read_labels(tmp_path / "a.tif")[0].grid.shape == (4, 4, 6)


def test_a_plane_is_scanned_as_a_plane(tmp_path):
    write_labels(blobs((1, 32, 24), 2), tmp_path / "plane.tif")
    assert run(tmp_path / "plane.tif", tmp_path / "a.tif", "--scale", "1,4,4").exit_code == 0
    assert read_labels(tmp_path / "a.tif")[0].grid.shape == (1, 8, 6)


def test_the_output_is_replaced_only_when_asked_to(truth, tmp_path, capsys):
    out = tmp_path / "a.tif"
    out.write_bytes(b"mine")
    assert main(["degrade", truth, str(out), "--scale", "4"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"
    assert main(["degrade", truth, str(out), "--scale", "4", "--overwrite"]) == 0
    assert read_labels(out)[0].grid.shape == (4, 6, 5)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ((), "Missing option '--scale'"),
        (("--scale", "4", "--set", "sigm=1"), "sigma"),
        (("--scale", "4", "--degradation", "nearst"), "Did you mean 'nearest'"),
        (("--scale", "4", "--threshold", "otsu"), "separates two phases"),
        (("--scale", "40"), "smaller than one scan voxel"),
        (("--scale", "4", "--shows", "a"), "not of the form"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(truth, tmp_path, capsys, args, text):
    assert main(["degrade", truth, str(tmp_path / "a.tif"), *args]) == 2
    error = capsys.readouterr().err
    assert text in error
    assert len(error.strip().splitlines()) == 1
    assert [f.name for f in tmp_path.iterdir()] == ["truth.tif"]
