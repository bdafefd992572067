"""The example plugin, installed from its folder: listed, checked, trained, and a volume made with it."""

import re
from pathlib import Path

import numpy as np
import pytest

from mesofuse.cli.main import main
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.store.labels import LabelVolume

FOLDER = Path(__file__).parents[2] / "examples" / "minimal_plugin"
RECIPE = {"generator.name": "two-layer", "degradation.name": "thick-slices", "batch.patch": 16}


@pytest.fixture
def plugin(install):
    install((FOLDER / "pyproject.toml").read_text(), FOLDER / "src")


@pytest.mark.usefixtures("plugin")
def test_its_own_tests_pass(own_tests):
    assert len(own_tests(FOLDER / "tests")) >= 3


@pytest.mark.usefixtures("plugin")
def test_it_is_listed_and_passes_the_checks(capsys):
    assert main(["plugins", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for start in ("generator    two-layer", "degradation  thick-slices"):
        assert any(line.startswith(start) and "minimal-plugin 0.1.0" in line for line in lines), start
    for name in ("two-layer", "thick-slices"):
        assert main(["plugins", "check", name]) == 0, capsys.readouterr().out


@pytest.mark.usefixtures("plugin")
def test_it_trains_and_generates(tmp_path, capsys):
    """The commands of its README, with two steps and a small critic."""
    scan, image, out = tmp_path / "scan.tif", tmp_path / "sem.tif", tmp_path / "run"
    write_labels(blobs((12, 10, 11), 2), scan)
    write_labels(blobs((1, 64, 64), 3, seed=1), image)
    settings = [part for key, value in RECIPE.items() for part in ("--set", f"{key}={value}")]
    job = ["fuse", "--low-res", str(scan), "--high-res", str(image), "--scale", "4", "--steps", "2", "--device", "cpu"]
    assert main([*job, *settings, "--out", str(out), "--quiet"]) == 0, capsys.readouterr().err
    fused = LabelVolume.open(out / "fused.zarr")
    assert fused.grid.shape == (48, 40, 44)
    again = tmp_path / "again.zarr"
    command = ["generate", str(out / "model"), str(scan), str(again), "--chunks", "10", "--device", "cpu", "--quiet"]
    assert main(command) == 0, capsys.readouterr().err
    made = LabelVolume.open(again)
    np.testing.assert_array_equal(made.read(made.grid.region), fused.read(fused.grid.region))
    assert {p.name for p in out.iterdir()} == documented_files()


def documented_files():
    """Return what the README says that a run's folder holds."""
    text = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    table = re.search(r"What comes out.*?\n\n(.*?)\n\n", text, re.DOTALL)[1]
    return set(re.findall(r"^\| `([\w.]+)/?` \|", table, re.MULTILINE))
