"""A cylinder in its padding, from the scan to the numbers: what is ignored is no material anywhere."""

import json

import numpy as np
import pytest
import tifffile
import yaml

from mesofuse.cli.main import main
from mesofuse.testing.problems import blobs
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.store.labels import LabelVolume

OUTSIDE = 7
SMALL = (
    "--set", "preset=slim", "--set", "generator.channels=4", "--set", "generator.last=4", "--set", "critic.channels=4",
    "--set", "critic.crop=16", "--set", "batch.volumes=1", "--set", "batch.slices=2", "--set", "selection.window=6",
)  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write a scan whose outside is pore or a value of its own, and an image with a scale bar."""
    folder = tmp_path_factory.mktemp("masked")
    y, x = np.mgrid[:24, :24] - 11.5
    inside = y**2 + x**2 <= 11.5**2
    scan = np.where(inside, blobs((10, 24, 24), 2, seed=1).array, 0).astype(np.uint8)
    own = np.where(inside, scan, OUTSIDE).astype(np.uint8)
    image = blobs((2, 40, 40), 3, seed=2).array.copy()
    image[:, 34:] = 200
    for name, array in (("padded", scan), ("scan", own), ("sem", image)):
        tifffile.imwrite(folder / f"{name}.tif", array, photometric="minisblack")
    return folder, own != OUTSIDE, scan


def job(folder, scan, *more):
    return [
        "--low-res", str(folder / scan), "--high-res", str(folder / "sem.tif"), "--scale", "2",
        "--phases", "pore,active,binder", "--shows", "0=pore,binder", "--shows", "1=active", *more,
    ]  # fmt: skip


def values(json_file, key="fused"):
    return {f"{r['metric']} {r['label']}": r["value"] for r in json.loads(json_file.read_text())[key]["results"]}


def test_a_fused_cylinder_has_no_outside(files, tmp_path, capsys):
    folder, inside, _ = files
    words = job(folder, "scan.tif", "--ignore", f"low-res={OUTSIDE}", "--ignore", "high-res=200")
    assert main(["fuse", *words, "--steps", "2", *SMALL, "--out", str(tmp_path / "run"), "-q"]) == 0
    said = capsys.readouterr().err
    assert f"of the value {OUTSIDE} are ignored" in said
    assert "of the value 200 are ignored" in said
    volume = LabelVolume.open(tmp_path / "run" / "fused.zarr")
    labels = volume.read(volume.grid.region)
    fine = inside.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert np.array_equal(labels == IGNORED, ~fine)
    found = values(tmp_path / "run" / "metrics.json")
    shares = np.bincount(labels[fine], minlength=3) / fine.sum()
    assert [found[f"volume-fraction {p}"] for p in ("pore", "active", "binder")] == pytest.approx(shares)

    # The configuration repeats it, and the model makes the same voxels of the scan whatever the chunks.
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (config["low_res_ignore"], config["high_res_ignore"]) == ([str(OUTSIDE)], ["200"])
    again = [str(tmp_path / "run" / "model"), str(folder / "scan.tif"), str(tmp_path / "again.zarr")]
    assert main(["generate", *again, "--ignore", str(OUTSIDE), "--chunks", "16", "-q"]) == 0
    assert np.array_equal(LabelVolume.open(tmp_path / "again.zarr").array[...], labels)

    # Agreement counts the inside alone.
    scan = ["--low-res", str(folder / "scan.tif"), "--scale", "2", "--shows", "0=pore,binder", "--shows", "1=active"]
    numbers = ["--metrics", "low-res-consistency", "--ignore", f"low-res={OUTSIDE}", "--json", "-"]
    capsys.readouterr()
    assert main(["measure", str(tmp_path / "run" / "fused.zarr"), *scan, *numbers]) == 0
    measured = json.loads(capsys.readouterr().out)["volumes"][0]["results"]
    assert measured[0]["value"] == pytest.approx(found["low-res-consistency all"])
    given = [str(tmp_path / "run" / "fused.zarr"), str(folder / "scan.tif"), *scan[2:], "--ignore", str(OUTSIDE)]
    assert main(["consistency", *given, "--out", str(tmp_path / "map.zarr"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["violations"]
    assert rows[0]["voxels"] == inside.sum()


def test_a_surround_of_the_pores_own_value_is_ignored_and_pores_are_not(files, tmp_path, capsys):
    folder, inside, scan = files
    target = str(tmp_path / "a.zarr")
    assert main(["import", str(folder / "padded.tif"), target, "--ignore", "surround:0"]) == 0
    assert "of the surround of value 0 are ignored" in capsys.readouterr().out
    labels = LabelVolume.open(target).array[...]
    assert (labels[scan == 1] == 1).all()
    gone = labels == IGNORED
    assert not (gone & inside & (scan == 1)).any()
    assert (gone & ~inside).sum() > 0.95 * (~inside).sum()
    assert (gone & inside).sum() < 0.05 * inside.sum()


def test_cropping_is_the_same_as_a_file_that_was_cropped_before(files, tmp_path, capsys):
    folder, _, scan = files
    tifffile.imwrite(tmp_path / "part.tif", scan[2:9, 4:20, 4:20], photometric="minisblack")
    whole = [str(folder / "padded.tif"), "--crop", "2:9,4:20,4:20"]
    results = []
    for words in (whole, [str(tmp_path / "part.tif")]):
        assert main(["measure", *words, "--metrics", "all", "--json", "-"]) == 0
        results.append(json.loads(capsys.readouterr().out)["volumes"][0]["results"])
    assert results[0] == results[1]
    checks = []
    for name, crop in (("padded.tif", ["--crop", "low-res=2:9,4:20,4:20"]), (tmp_path / "part.tif", [])):
        words = job(folder, name, "--ignore", "high-res=200", "--json", *crop)
        assert main(["preflight", *words]) == 0
        checks.append(json.loads(capsys.readouterr().out))
    assert checks[0] == checks[1]


def test_degraded_it_is_masked_too(files, tmp_path):
    folder, _, _ = files
    words = [str(folder / "scan.tif"), str(tmp_path / "low.zarr"), "--scale", "2", "--ignore", str(OUTSIDE), "-q"]
    assert main(["degrade", *words]) == 0
    low = LabelVolume.open(tmp_path / "low.zarr")
    assert low.masked
    assert (low.array[:, 0, 0] == IGNORED).all()
    assert (low.array[:, 6, 6] != IGNORED).all()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--ignore", "77", "--ignore", "high-res=200"], "The value 77, which is to be ignored, does not occur in"),
        (["--ignore", "low-res=77"], "has no voxel of the value 77"),
        (["--ignore", "high-res=200", "--ignore", "high-res=0", "--ignore", "high-res=1", "--ignore", "high-res=2"],
         "nothing would be left"),
        (["--ignore", "seven"], "'seven' is no value to be ignored"),
        (["--crop", "0:9,:,:"], "does not say of which input"),
        (["--crop", "low-res=0:900,:,:"], "900"),
        (["--crop", "low-res=nonsense"], "nonsense"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_before_anything_is_written(files, tmp_path, capsys, more, words):
    folder, _, _ = files
    assert main(["fuse", *job(folder, "padded.tif"), *more, "--steps", "1", "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert words in said[-1]
    assert not (tmp_path / "run").exists()
