"""A scan whose voxels are no cubes: the scale factor that the sizes give, in every command that takes one."""

import json

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.testing.problems import blobs


def write(path, labels, voxel):
    z, y, x = voxel
    described = {"unit": "um", "spacing": z, "axes": "ZYX"[-labels.ndim :]}
    tifffile.imwrite(path, labels, imagej=True, resolution=(1 / x, 1 / y), metadata=described)
    return str(path)


@pytest.fixture
def files(tmp_path):
    """Return a scan of 0.5 × 0.25 × 0.25 µm and an image of 0.125 µm: the scale is 4,2,2."""
    scan = write(tmp_path / "scan.tif", blobs((8, 16, 16), 2, seed=1).array, (0.5, 0.25, 0.25))
    image = write(tmp_path / "sem.tif", blobs((1, 64, 64), 2, seed=2).array[0], (1, 0.125, 0.125))
    return scan, image


def both(files):
    return ["--low-res", files[0], "--high-res", files[1]]


def test_preflight_derives_the_scale_and_warns_of_another(files, capsys):
    assert main(["preflight", *both(files), "--json"]) == 0
    captured = capsys.readouterr()
    assert "the scale factor is 4,2,2: the scan's voxels are 0.5 × 0.25 × 0.25 µm, the image's pixels 0.125" in (
        captured.err
    )
    check = next(c for c in json.loads(captured.out)["checks"] if c["name"] == "scale-factor")
    assert check["numbers"]["stated"] == [4, 2, 2]
    assert main(["preflight", *both(files), "--scale", "2", "--json", "--strict"]) == 1
    captured = capsys.readouterr()
    assert "the scale is 4,2,2 (along z 4, not 2)" in captured.err
    check = next(c for c in json.loads(captured.out)["checks"] if c["name"] == "scale-factor")
    assert check["status"] == "warning"
    assert check["numbers"]["from_sizes"] == pytest.approx([4, 2, 2])


def test_sizes_given_by_option(tmp_path, capsys):
    scan, image = tmp_path / "scan.tif", tmp_path / "sem.tif"
    tifffile.imwrite(scan, blobs((8, 16, 16), 2, seed=1).array, photometric="minisblack")
    tifffile.imwrite(image, blobs((1, 64, 64), 2, seed=2).array[0], photometric="minisblack")
    inputs = ["--low-res", str(scan), "--high-res", str(image)]
    assert main(["preflight", *inputs, "--voxel-size", "500,250,250"]) == 2
    assert "sem.tif states none: they can be given with --voxel-size" in capsys.readouterr().err
    sizes = ["--voxel-size", "500,250,250", "--image-pixel-size", "125", "--unit", "nm"]
    assert main(["preflight", *inputs, *sizes]) == 0
    assert "the scale factor is 4,2,2" in capsys.readouterr().err


def test_fuse_makes_voxels_as_large_as_the_pixels(files, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["fuse", *both(files), "--method", "interpolation", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "the scale factor is 4,2,2" in captured.err
    assert "not comparable" not in captured.out
    assert "scale:\n- 4.0\n- 2.0\n- 2.0\n" in (out / "config.yaml").read_text("utf-8")
    assert main(["info", str(out / "fused.zarr"), "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["voxel_size"] == pytest.approx([0.125] * 3)
    assert info["shape"] == [32, 32, 32]


def test_unlike_voxels_are_not_compared_without_a_word(files, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["fuse", *both(files), "--scale", "2", "--method", "interpolation", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "the result's voxels are 0.25 × 0.125 × 0.125 µm" in captured.err
    assert main(["measure", str(out / "fused.zarr"), "--reference", files[1], "--json", "-"]) == 0
    table = json.loads(capsys.readouterr().out)["table"]
    area = next(row for row in table if row["metric"] == "surface-area")
    assert "voxel size" in area["cells"][1]["note"]
    assert area["cells"][1]["error"] is None
    settings = ["--metrics", "surface-area", "--subvolumes", "2", "--size", "8", "--out", str(tmp_path / "cmp")]
    volume = ["--volume", str(out / "fused.zarr")]
    assert main(["compare", *both(files), "--scale", "2", *volume, *settings]) == 0
    line = json.loads((tmp_path / "cmp" / "comparison.json").read_text("utf-8"))["table"][0]
    assert line["entries"][1]["relative"] is None
    assert "voxel size" in line["entries"][1]["note"]


def test_measure_and_consistency_derive_it_too(files, tmp_path, capsys):
    fine = write(tmp_path / "fine.tif", blobs((32, 32, 32), 2, seed=3).array, (0.125, 0.125, 0.125))
    assert main(["measure", fine, "--low-res", files[0], "--metrics", "volume-fraction", "--json", "-"]) == 0
    captured = capsys.readouterr()
    assert "the scale factor is 4,2,2" in captured.err
    assert any(row["metric"] == "low-res-consistency" for row in json.loads(captured.out)["table"])
    assert main(["consistency", fine, files[0], "--out", str(tmp_path / "map.zarr"), "-q"]) == 0
    assert "the scale factor is 4,2,2" in capsys.readouterr().err
    bare = tmp_path / "bare.tif"
    tifffile.imwrite(bare, np.zeros((32, 32, 32), np.uint8), photometric="minisblack")
    assert main(["consistency", str(bare), files[0], "--out", str(tmp_path / "no.zarr")]) == 2
    assert "there are none in" in capsys.readouterr().err


def test_pixel_sizes_are_for_images_in_measure(tmp_path, capsys):
    volume, image = tmp_path / "volume.tif", tmp_path / "sem.tif"
    tifffile.imwrite(volume, blobs((16, 16, 16), 2, seed=3).array, photometric="minisblack")
    tifffile.imwrite(image, blobs((1, 64, 64), 2, seed=2).array[0], photometric="minisblack")
    command = ["measure", str(volume), "--reference", str(image), "--metrics", "surface-area", "--json", "-"]

    def cell(*more):
        assert main([*command, *more]) == 0
        captured = capsys.readouterr()
        return json.loads(captured.out)["table"][0]["cells"][1], captured.err

    assert cell("--voxel-size", "0.2", "--image-pixel-size", "0.1")[0]["error"] is None
    assert cell("--voxel-size", "0.2", "--image-pixel-size", "0.2")[0]["error"] is not None
    assert cell("--voxel-size", "0.4,0.2,0.2", "--image-pixel-size", "0.2")[0]["error"] is None
    assert cell("--voxel-size", "0.2")[0]["error"] is not None
    found, notes = cell("--image-pixel-size", "0.2")
    assert "volume.tif states no voxel size" in notes
    assert found["error"] is not None


def test_a_scan_of_other_voxels_than_the_models_is_said(files, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["fuse", *both(files), "--method", "interpolation", "--out", str(out)]) == 0
    capsys.readouterr()
    model, fused = str(out / "model"), tmp_path / "made.zarr"
    assert main(["generate", model, files[0], str(fused), "--voxel-size", "1,0.5,0.5", "-q"]) == 0
    assert (
        "are 1 × 0.5 × 0.5 µm, but the model was trained on a scan of 0.5 × 0.25 × 0.25 µm" in capsys.readouterr().err
    )
    bare = tmp_path / "bare.tif"
    tifffile.imwrite(bare, tifffile.imread(files[0]), photometric="minisblack")
    assert main(["generate", model, str(bare), str(fused), "--overwrite", "-q"]) == 0
    assert (
        "as large as those of the scan that the model was trained on, 0.5 × 0.25 × 0.25 µm" in capsys.readouterr().err
    )
    assert main(["info", str(fused), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["voxel_size"] == pytest.approx([0.125] * 3)
    assert main(["plan", model, files[0]]) == 0
    assert capsys.readouterr().err == ""


def test_a_volume_of_other_voxels_is_said_in_compare(files, tmp_path, capsys):
    other = write(tmp_path / "other.tif", blobs((32, 32, 32), 2, seed=3).array, (0.25, 0.125, 0.125))
    settings = ["--metrics", "volume-fraction", "--subvolumes", "2", "--size", "8", "--out", str(tmp_path / "cmp")]
    assert main(["compare", *both(files), "--volume", other, *settings, "--quiet"]) == 0
    captured = capsys.readouterr()
    assert "other.tif are 0.25 × 0.125 × 0.125 µm, those of a result 0.125 × 0.125 × 0.125 µm" in captured.err
    assert "the scale factor is 4,2,2" in captured.err
