"""A plugin by somebody else, built as a wheel and installed from it: listed, checked, trained, streamed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.grid import Region
from mesofuse.volumes.store.labels import LabelVolume

FOLDER = Path(__file__).parents[2] / "examples" / "third_party_plugin"
PARTS = {"generator": "unet", "critic": "patchgan", "loss": "lsgan"}
# Runs several commands in one process, as torch takes seconds to import, and prints each one's output as JSON.
RUN = """
import contextlib, io, json, sys
from mesofuse.cli.main import main
done = []
for args in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main(args)
    done.append((code, out.getvalue()))
    if code:
        break
print(json.dumps(done))
"""


@pytest.fixture(scope="module")
def installed(pip, tmp_path_factory):
    """Build the wheel from a copy, as building leaves files behind, and install it into a folder of its own."""
    place = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(FOLDER, place / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    pip("wheel", "--no-build-isolation", "--wheel-dir", place / "wheels", source)
    (wheel,) = (place / "wheels").iterdir()
    assert wheel.name == "voxel_unet-1.3.0-py3-none-any.whl"
    pip("install", "--target", place / "site", wheel)
    shutil.rmtree(source)
    return place / "site"


@pytest.fixture
def site(installed, on_path):
    on_path(installed)
    return installed


def run(*commands):
    """Run commands in a process that finds the plugin by PYTHONPATH alone, and return what they print."""
    text = json.dumps([[str(part) for part in command] for command in commands])
    done = subprocess.run([sys.executable, "-c", RUN, text], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert [code for code, _ in results] == [0] * len(commands), (results[-1], done.stderr)
    return [out for _, out in results]


def test_the_wheel_is_listed_checked_trained_and_makes_a_volume(site, tmp_path):
    scan, image, out, again = (tmp_path / name for name in ("scan.tif", "sem.tif", "run", "again.zarr"))
    write_labels(blobs((5, 6, 37), 2), scan)  # longer than a tile; ends within a pooling cell on every axis
    write_labels(blobs((1, 64, 64), 3, seed=1), image)
    job = ["--low-res", scan, "--high-res", image, "--scale", "4", "--steps", "2", "--device", "cpu", "--quiet"]
    losses = "losses=[{name: lsgan}, {name: voxelwise}]"
    parts = ["preset=slim", "generator.name=unet", "critic.name=patchgan", "critic.crop=16", losses]
    settings = [word for part in parts for word in ("--set", part)]
    listed, *checked, _, _ = run(
        ["plugins", "list", "--json"],
        *(["plugins", "check", name, "--kind", kind, "--json"] for kind, name in PARTS.items()),
        ["fuse", *job, *settings, "--out", out],
        ["generate", out / "model", scan, again, "--region", "0:20,3:24,99:148", "--device", "cpu", "--quiet"],
    )
    ours = [c for c in json.loads(listed)["components"] if c["distribution"] == "voxel-unet"]
    assert {c["kind"]: c["name"] for c in ours} == PARTS, json.loads(listed)["problems"]
    assert {c["version"] for c in ours} == {"1.3.0"}
    for text, (kind, name) in zip(checked, PARTS.items(), strict=True):
        record = json.loads(text)
        assert record["passed"], record
        assert {check["kind"] for check in record["checks"]} == {kind}
        assert "skip" not in {check["status"] for check in record["checks"]}, name
    fused = LabelVolume.open(out / "fused.zarr")
    assert fused.grid.shape == (20, 24, 148)
    whole = fused.read(fused.grid.region)
    assert len(np.unique(whole)) > 1
    package = json.loads((out / "model" / "model.json").read_text())
    assert package["tile"][2] < 37  # so that the volume was made in several tiles
    part = LabelVolume.open(again)
    region = Region((0, 3, 99), (20, 24, 148))
    np.testing.assert_array_equal(part.read(part.grid.region), whole[region.slices])


def test_its_own_tests_pass(site):
    """But for the conformance kit, which has run on it above."""
    words = ["-p", "no:cacheprovider", "--rootdir", FOLDER, FOLDER / "tests", "-k", "not conforms"]
    command = [sys.executable, "-m", "pytest", *map(str, words)]
    done = subprocess.run(command, cwd=site, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
