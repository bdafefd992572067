"""A volume that is a little larger than its scan shows is compared where the scan shows it, by every command."""

import json

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.testing.problems import blobs


@pytest.fixture
def files(tmp_path, capsys):
    truth, scan = tmp_path / "truth.tif", tmp_path / "low.tif"
    tifffile.imwrite(truth, blobs((34, 45, 50), 3, seed=1).array, photometric="minisblack")
    assert main(["degrade", str(truth), str(scan), "--scale", "4", "--quiet"]) == 0
    capsys.readouterr()
    assert tifffile.imread(scan).shape == (8, 11, 12)
    return str(truth), str(scan)


def test_measure(files, capsys):
    truth, scan = files
    chosen = ["measure", truth, "--low-res", scan, "--metrics", "low-res-consistency,volume-fraction", "--json", "-"]
    assert main([*chosen, "--scale", "4"]) == 0
    captured = capsys.readouterr()
    assert "of its 34 × 45 × 50 voxels 32 × 44 × 48 (0:32,0:44,0:48) are compared with the scan" in captured.err
    values = {(row["metric"], row["label"]): row["cells"][0]["value"] for row in json.loads(captured.out)["table"]}
    assert values["low-res-consistency", "all"] == 1
    # What does not ask the scan is measured of the whole volume.
    shares = np.bincount(tifffile.imread(truth).ravel()) / (34 * 45 * 50)
    assert [values["volume-fraction", f"phase {i}"] for i in range(3)] == pytest.approx(shares)
    assert main([*chosen, "--scale", "3"]) == 2
    assert "34 × 45 × 50 voxels, but the scan's 8 × 11 × 12 times the scale factor 3 are 24 × 33 × 36" in (
        capsys.readouterr().err
    )


def test_consistency(files, tmp_path, capsys):
    truth, scan = files
    assert main(["consistency", truth, scan, "--scale", "4", "--out", str(tmp_path / "map.zarr"), "--json"]) == 0
    captured = capsys.readouterr()
    assert "(0:32,0:44,0:48) are compared" in captured.err
    first = json.loads(captured.out)["violations"][0]
    assert (first["voxels"], first["violated"]) == (8 * 11 * 12, 0)
    assert main(["consistency", truth, scan, "--scale", "5", "--out", str(tmp_path / "no.zarr")]) == 2
    assert "40 × 55 × 60" in capsys.readouterr().err
    assert not (tmp_path / "no.zarr").exists()


def test_compare(files, tmp_path, capsys):
    truth, scan = files
    tifffile.imwrite(tmp_path / "sem.tif", blobs((1, 40, 40), 3, seed=2).array[0], photometric="minisblack")
    inputs = ["--low-res", scan, "--high-res", str(tmp_path / "sem.tif"), "--scale", "4", "--volume", truth]
    settings = ["--metrics", "volume-fraction", "--subvolumes", "2", "--size", "8", "--out", str(tmp_path / "cmp")]
    assert main(["compare", *inputs, *settings]) == 0
    captured = capsys.readouterr()
    assert "truth: of its 34 × 45 × 50 voxels 32 × 44 × 48" in captured.out + captured.err
    data = json.loads((tmp_path / "cmp" / "comparison.json").read_text("utf-8"))
    lines = {(line["metric"], line["label"]): line["entries"] for line in data["table"]}
    assert lines["low-res-consistency", "all"][1]["whole"] == 1
