import json

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from mesofuse.cli.info import command
from mesofuse.errors import UserError
from mesofuse.volumes.formats.zarr import copy
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume

LABELS = np.zeros((8, 10, 10), np.uint8)
LABELS[:2] = 1
VOLUME = LabelArray(LABELS, Grid(LABELS.shape, (0.4, 0.5, 0.6), "micrometer"), default_phases(2, ("pore", "Ni")))


def run(*args):
    return CliRunner().invoke(command, [str(a) for a in args], catch_exceptions=False)


def test_a_volume_is_shown(tmp_path):
    copy(VOLUME, str(tmp_path / "v.zarr"), 4, 8, {"seed": 7, "method": "superres", "versions": {"torch": "2.1"}})
    text = run(tmp_path / "v.zarr").output
    for fact in ["8 × 10 × 10", "0.4 × 0.5 × 0.6 µm", "3.2 × 5 × 6 µm", "4 × 4 × 4", "8 × 8 × 8", "0 pore  75.00 %",
                 "1 Ni  25.00 %", "compressed", "seed", "7", "superres", "torch 2.1"]:  # fmt: skip
        assert fact in text
    assert "unfinished" not in text


def test_json_holds_the_same(tmp_path):
    copy(VOLUME, str(tmp_path / "v.zarr"), 4)
    np.save(tmp_path / "grey.npy", np.linspace(0, 1, 27).reshape(3, 3, 3))
    volume, grey = json.loads(run("--json", tmp_path / "v.zarr", tmp_path / "grey.npy").output)
    assert [p["fraction"] for p in volume["phases"]] == [0.75, 0.25]
    assert volume["voxel_size"] == [0.4, 0.5, 0.6]
    assert grey["range"] == [0, 1]
    assert json.loads(run("--json", tmp_path / "v.zarr").output)["shape"] == [8, 10, 10]


def test_an_unfinished_volume_is_said(tmp_path):
    volume = LabelVolume.create(tmp_path / "v.zarr", Grid((4, 4, 8)), default_phases(2), chunks=4)
    volume.write(Region((0, 0, 0), (4, 4, 4)), np.ones((4, 4, 4), np.uint8))
    assert "50.0 % is written" in run(tmp_path / "v.zarr").output


def test_any_readable_file_is_shown(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", LABELS * 128)
    tifffile.imwrite(tmp_path / "b.tif", np.random.default_rng(0).random((9, 9), dtype=np.float32))
    text = run(tmp_path / "a.tif", tmp_path / "b.tif").output
    assert "0→0, 128→1" in text
    assert "75.00 %" in text
    assert "float32" in text
    assert "Not usable as labels" in text


def test_a_damaged_chunk_is_named(tmp_path):
    copy(VOLUME, str(tmp_path / "v.zarr"), 4)
    (tmp_path / "v.zarr/0/c/1/0/0").write_bytes(b"junk")
    with pytest.raises(UserError, match="chunk 4:8,0:4,0:4"):
        run(tmp_path / "v.zarr")


def test_a_folder_that_only_sounds_like_a_volume_is_said(tmp_path):
    (tmp_path / "v.zarr").mkdir()
    with pytest.raises(UserError, match=r"v\.zarr is not a zarr volume: it holds no zarr\.json"):
        run(tmp_path / "v.zarr")


def test_a_plain_zarr_array_is_shown_and_how_to_use_it(tmp_path):
    import zarr

    zarr.save_array(tmp_path / "a.zarr", LABELS)
    text = run(tmp_path / "a.zarr").output
    assert "75.00 %" in text
    assert "mesofuse import" in text


def test_help_shows_an_example_on_its_own_line():
    assert "  mesofuse info fused.zarr scan.tif\n" in run("--help").output


@pytest.mark.parametrize("name", ["none.tif", "none.zarr"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(UserError, match=f"{name} does not exist"):
        run(tmp_path / name)
