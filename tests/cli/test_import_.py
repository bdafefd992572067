import json
import os

import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner

from mesofuse.cli.import_ import command
from mesofuse.cli.main import main
from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.store import backends
from mesofuse.volumes.store.labels import LabelVolume

STACK = np.random.default_rng(0).integers(0, 2, (6, 5, 7), dtype=np.uint8) * 128


def run(*args):
    return CliRunner().invoke(command, [str(a) for a in args], catch_exceptions=False)


@pytest.fixture
def scan(tmp_path):
    tifffile.imwrite(tmp_path / "scan.tif", STACK)
    return tmp_path / "scan.tif"


def test_a_stack_becomes_a_volume_and_it_says_what_it_did(scan, tmp_path):
    out = tmp_path / "out.zarr"
    result = run(scan, out, "--voxel-size", "1,0.4,0.4", "--unit", "nm", "--phases", "pore, active", "--chunks", 4)
    assert result.exit_code == 0
    assert "6 × 5 × 7 voxels, each 1 × 0.4 × 0.4 nm" in result.output
    assert "0→0, 128→1" in result.output
    volume = LabelVolume.open(out)
    assert volume.grid == Grid((6, 5, 7), (1.0, 0.4, 0.4), "nanometer")
    assert [p.name for p in volume.phases] == ["pore", "active"]
    assert volume.chunks == (4, 4, 4)
    np.testing.assert_array_equal(volume.read(volume.grid.region), STACK // 128)
    assert volume.provenance["source"] == "scan.tif"
    assert len(volume.provenance["source_sha256"]) == 64


def test_an_unknown_voxel_size_is_said(scan, tmp_path):
    assert "voxel size is unknown" in run(scan, tmp_path / "out.zarr").output


def test_levels_and_shards(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).integers(0, 2, (4, 4, 300), dtype=np.uint8))
    run(tmp_path / "a.npy", tmp_path / "a.zarr", "--chunks", 2, "--shards", 4)
    volume = LabelVolume.open(tmp_path / "a.zarr")
    assert (volume.chunks, volume.shards) == ((2, 2, 2), (4, 4, 4))
    assert [g.shape[2] for g in volume.levels] == [300, 150, 75]
    run(tmp_path / "a.npy", tmp_path / "b.zarr", "--no-levels")
    assert len(LabelVolume.open(tmp_path / "b.zarr").levels) == 1


def test_a_zip_is_packed_whole(scan, tmp_path):
    run(scan, tmp_path / "out.zarr.zip")
    volume = LabelVolume.open(tmp_path / "out.zarr.zip")
    np.testing.assert_array_equal(volume.read(volume.grid.region), STACK // 128)
    assert sorted(os.listdir(tmp_path)) == ["out.zarr.zip", "scan.tif"]


def test_a_url_may_be_the_output(scan):
    url = "memory://import-test/out.zarr"
    run(scan, url)
    assert LabelVolume.open(url).complete
    with pytest.raises(UserError, match="--overwrite"):
        run(scan, url)
    run(scan, url, "--overwrite")
    assert LabelVolume.open(url).complete


def test_a_volume_may_replace_itself_in_another_layout(scan, tmp_path):
    out = tmp_path / "out.zarr"
    run(scan, out, "--phases", "a,b")
    run(out, out, "--chunks", 3, "--overwrite")
    volume = LabelVolume.open(out)
    assert (volume.chunks, [p.name for p in volume.phases]) == ((3, 3, 3), ["a", "b"])
    np.testing.assert_array_equal(volume.read(volume.grid.region), STACK // 128)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("missing.tif", None, "does not exist"),
        ("empty.tif", lambda p: p.write_bytes(b""), "empty file"),
        ("text.tif", lambda p: p.write_text("hello " * 100), "not a TIFF"),
        ("nan.npy", lambda p: np.save(p, np.array([[0, np.nan]])), "NaN"),
        ("grey.tif", lambda p: tifffile.imwrite(p, np.random.default_rng(0).random((9, 9))), "segment it first"),
        ("one.tif", lambda p: tifffile.imwrite(p, np.zeros((4, 4), np.uint8)), "one phase only"),
        ("colour.png", lambda p: tifffile.imwrite(p, np.zeros((4, 4), np.uint8)), ""),
        ("a.doc", lambda p: p.write_text("x"), "'.doc'"),
    ],
)
def test_bad_inputs_give_one_sentence_exit_code_2_and_no_output(tmp_path, capsys, name, make, message):
    if name == "colour.png":
        from PIL import Image

        noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / name)
        message = "colour image"
    elif make:
        make(tmp_path / name)
    before = os.listdir(tmp_path)
    assert main(["import", str(tmp_path / name), str(tmp_path / "out.zarr")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert name in said
    assert len(said.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--voxel-size", "0"], "voxel size"),
        (["--voxel-size", "big"], "voxel size"),
        (["--voxel-size", "1", "--unit", "parsnip"], "parsnip"),
        (["--phases", "a,b,c"], "3 phase names"),
        (["--phases", "a,a"], "twice"),
        (["--chunks", "4", "--shards", "6"], "multiple"),
        (["--format", "tif"], "Did you mean 'tiff'"),
    ],
)
def test_bad_options_give_exit_code_2_and_no_output(scan, tmp_path, capsys, options, message):
    if "a,b,c" in options:
        tifffile.imwrite(scan, (STACK // 128) + 5)
    assert main(["import", str(scan), str(tmp_path / "out.zarr"), *options]) == 2
    assert message in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["scan.tif"]


def test_an_output_that_exists_is_kept(scan, tmp_path, capsys):
    out = tmp_path / "out.zarr"
    run(scan, out)
    before = json.loads((out / "zarr.json").read_text())
    assert main(["import", str(scan), str(out), "--phases", "x,y"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert json.loads((out / "zarr.json").read_text()) == before
    (tmp_path / "home.zarr").mkdir()
    (tmp_path / "home.zarr" / "diary.txt").write_text("x")
    assert main(["import", str(scan), str(tmp_path / "home.zarr"), "--overwrite"]) == 2
    assert (tmp_path / "home.zarr" / "diary.txt").exists()
    assert main(["import", str(scan), str(tmp_path / "out.tif")]) == 2
    assert "should end with .zarr" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["marks.zarr", "marks.zip", "marks.zarr.zip"])
def test_an_import_is_called_by_its_own_name(tmp_path, output):
    np.save(tmp_path / "a.npy", np.arange(8, dtype=np.uint8).reshape(2, 2, 2) % 2)
    assert main(["import", str(tmp_path / "a.npy"), str(tmp_path / output)]) == 0
    assert main(["export", str(tmp_path / output), str(tmp_path / f"copy-of-{output}")]) == 0
    for path, name in [(output, "marks"), (f"copy-of-{output}", "copy-of-marks")]:
        group = zarr.open_group(backends.open_store(str(tmp_path / path), writable=False), mode="r")
        assert group.attrs["ome"]["multiscales"][0]["name"] == name
