"""`mesofuse consistency`: the map of a whole volume adds up to the metric."""

import json

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.evaluation import violations as module
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume

LOW = blobs((6, 5, 7), 2, seed=1)


def write(folder, scale):
    tifffile.imwrite(folder / "scan.tif", LOW.array, photometric="minisblack")
    shape = Grid(LOW.grid.shape).refined((scale,) * 3).shape
    volume = LabelVolume.create(folder / "a.zarr", Grid(shape), default_phases(3, ["pore", "active", "binder"]))
    volume.write(volume.grid.region, blobs(shape, 3, seed=2).array)
    return [str(folder / "a.zarr"), str(folder / "scan.tif"), "--scale", str(scale), "--quiet"]


@pytest.mark.parametrize("scale", [3, 2.5])
def test_it_adds_up_to_the_metric(tmp_path, capsys, monkeypatch, scale):
    monkeypatch.setattr(module, "BLOCK", 9)
    args = write(tmp_path, scale)
    rules = ["--shows", "0=pore,binder", "--shows", "1=active"]
    out = tmp_path / "map.zarr"
    assert main(["consistency", *args, *rules, "--out", str(out), "--json", "--workers", "2"]) == 0
    said = {r["phase"]: r for r in json.loads(capsys.readouterr().out)["violations"]}
    result, scan, *_ = args
    assert main(["measure", result, "--low-res", scan, "--scale", str(scale), *rules, "--json", "-"]) == 0
    table = json.loads(capsys.readouterr().out)["volumes"][0]["results"]
    metric = {r["label"]: r["value"] for r in table if r["metric"] == "low-res-consistency"}
    volume = LabelVolume.open(out)
    assert volume.grid.shape == LOW.grid.shape
    assert [p.name for p in volume.phases] == ["agrees", "violated"]
    labels = volume.read(volume.grid.region)
    for i, name in enumerate(["phase 0", "phase 1"]):
        assert said[name]["violated"] == labels[LOW.array == i].sum() > 0
        assert 1 - said[name]["share"] == pytest.approx(metric[name])
    assert 1 - labels.mean() == pytest.approx(metric["all"])
    assert np.array_equal([said["all"]["voxels"]], [LOW.array.size])


def test_what_does_not_fit_is_refused(tmp_path, capsys):
    args = write(tmp_path, 3)
    out = tmp_path / "map.zarr"
    args[3] = "2"
    assert main(["consistency", *args, "--out", str(out)]) == 2
    assert "times the scale" in capsys.readouterr().err
    assert not out.exists()
    args[3] = "3"
    assert main(["consistency", *args, "--out", str(out)]) == 0
    assert "violated" in capsys.readouterr().out
    assert main(["consistency", *args, "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["consistency", *args, "--out", str(out), "--overwrite"]) == 0
    assert main(["consistency", *args[:2], "--out", str(out), "--overwrite"]) == 2
    assert "--scale" in capsys.readouterr().err
