import json

import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.models.package import save_package
from mesofuse.testing.problems import blobs


@pytest.fixture(scope="module")
def place(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    model, options = tiny_model()
    model.tile = (4, 4, 4)
    save_package(folder / "model", model, "superres", options, {})
    save_package(folder / "bare", model, "superres", {**options, "degradation": None, "losses": []}, {})
    tifffile.imwrite(folder / "scan.tif", blobs((13, 9, 11), 2).array, photometric="minisblack")
    return folder


def plan(place, *more):
    before = sorted(place.rglob("*"))
    code = main(["plan", str(place / "model"), str(place / "scan.tif"), *more])
    assert sorted(place.rglob("*")) == before
    return code


def test_it_says_tiles_memory_disk_and_time(place, capsys):
    assert plan(place, "--workers", "2", "--chunks", "16") == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["output", "tiles", "memory", "disk", "time"]
    assert lines["output"] == "52 × 36 × 44 voxels, written in pieces of 16 × 16 × 16"
    assert lines["tiles"] == "36 of 16 × 16 × 16 voxels, 2 at a time"
    assert "while running" not in lines["disk"]


def test_chunks_that_cross_tiles_need_scratch(place, capsys):
    assert plan(place, "--chunks", "10") == 0
    assert "while running (chunks cross tiles)" in capsys.readouterr().out


def test_a_projected_generation_is_planned_as_it_runs(place, capsys):
    assert plan(place, "--project", "--chunks", "16", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["shape"], found["tiles"]) == ([52, 36, 44], 36)
    assert plan(place, "--chunks", "16", "--json", "--project", "--region", "0:16,0:16,0:16") == 0
    assert json.loads(capsys.readouterr().out)["tiles"] == 1
    assert main(["plan", str(place / "bare"), str(place / "scan.tif"), "--project"]) == 2
    assert "names no degradation" in " ".join(capsys.readouterr().err.split())


def test_json_of_a_region(place, capsys):
    assert plan(place, "--json", "--region", "0:20,:,0:8", "--chunks", "16", "--shards", "32") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["shape"] == [20, 36, 8]
    assert found["chunk"] == [20, 32, 8]
    assert found["tiles"] == 2 * 3 * 1
    assert {"tile_bytes", "peak_bytes", "disk_bytes", "scratch_bytes", "seconds", "aligned"} <= set(found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--region", "1:2"], "z0:z1,y0:y1,x0:x1"),
        (["--device", "cuda:77"], "CUDA devices"),
        (["--chunks", "10", "--shards", "15"], "not a multiple"),
        (["--workers", "none"], "--workers"),
    ],
)
def test_mistakes(place, capsys, options, words):
    assert plan(place, *options) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_help_shows_the_example(capsys):
    assert main(["plan", "--help"]) == 0
    out = capsys.readouterr().out
    assert "\n    mesofuse plan runs/first/model scan.tif --workers 2\n" in out
    assert "\\b" not in out
