"""`--project`: the result shows the scan, and says that and how it was changed."""

import numpy as np
import pytest
import tifffile
import zarr

from mesofuse.cli.main import main
from mesofuse.errors import UserError
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.models.package import load_package, save_package
from mesofuse.pipeline.projection import method_degradation, projected
from mesofuse.testing.problems import blobs
from mesofuse.volumes.store.labels import LabelVolume

LOW = blobs((7, 5, 6), 2, seed=4)


@pytest.fixture(scope="module")
def place(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("projection")
    model, options = tiny_model(3.0)
    model.tile = (4, 4, 4)
    save_package(folder / "model", model, "superres", options, {})
    free = {**options, "losses": [{"name": "voxelwise", "one_sided": True}]}
    save_package(folder / "one-sided", model, "superres", free, {})
    bare = {**options, "degradation": None, "losses": []}
    save_package(folder / "bare", model, "superres", bare, {})
    tifffile.imwrite(folder / "scan.tif", LOW.array, photometric="minisblack")
    return folder


@pytest.fixture
def image(place):
    tifffile.imwrite(place / "sem.tif", blobs((1, 40, 40), 3, seed=2).array[0], photometric="minisblack")
    return place / "sem.tif"


def generate(place, out, *more, model="model"):
    return main(["generate", str(place / model), str(place / "scan.tif"), str(out), *more])


def consistency(place, out):
    model = load_package(place / "model").model
    degradation = method_degradation(load_package(place / "model"), model.problem)
    match, scale = model.problem.match, model.scale
    found = measure(LabelVolume.open(out), ["low-res-consistency"], scan=ScanReference(LOW, match, scale, degradation))
    return {r.label: r.value for r in found.results}


def test_the_result_shows_the_scan_and_says_so(place, tmp_path, capsys):
    plain, out = tmp_path / "plain.zarr", tmp_path / "a.zarr"
    assert generate(place, plain, "--quiet") == 0
    assert generate(place, out, "--project") == 0
    assert "every enforced voxel of the scan is shown" in capsys.readouterr().err
    assert consistency(place, plain)["all"] < 0.9
    assert consistency(place, out)["all"] == 1.0
    before, after = LabelVolume.open(plain), LabelVolume.open(out)
    moved = (before.read(before.grid.region) != after.read(after.grid.region)).sum()
    record = after.provenance
    assert before.provenance["projection"] is None
    assert record["projection"]["degradation"]["name"] == "blur-downsample"
    assert (record["projection"]["rounds"], record["projection"]["free"]) == (1, [])
    assert record["totals"] == {"projection/moved": moved, "projection/violated": 0}
    assert zarr.open_group(str(out), mode="r")["projection/moved"][...].sum() == moved


def test_along_periodic_axes_too(place, tmp_path):
    plain, out = tmp_path / "plain.zarr", tmp_path / "a.zarr"
    assert generate(place, plain, "--periodic", "zx", "--quiet") == 0
    assert generate(place, out, "--periodic", "zx", "--project", "--quiet") == 0
    assert consistency(place, plain)["all"] < consistency(place, out)["all"] == 1
    before, after = LabelVolume.open(plain), LabelVolume.open(out)
    moved = (before.read(before.grid.region) != after.read(after.grid.region)).sum()
    assert after.provenance["totals"] == {"projection/moved": moved, "projection/violated": 0}


def test_a_run_is_not_gone_on_with_otherwise(place, tmp_path, capsys):
    out = tmp_path / "a.zarr"
    assert generate(place, out, "--project", "--quiet") == 0
    assert generate(place, out, "--quiet", "--resume") == 2
    assert "projection differ" in capsys.readouterr().err
    assert generate(place, out, "--project", "--quiet", "--resume") == 0


def test_fuse_refuses_before_it_trains(image, tmp_path, capsys):
    out = tmp_path / "run"
    given = ["fuse", "--high-res", str(image), "--project", "--out", str(out), "--quiet"]
    scan = ["--low-res", str(image.parent / "scan.tif"), "--scale", "4", "--shows", "0=0,2", "--shows", "1=1"]
    assert main([*given, *scan, "--method", "interpolation"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "'interpolation' names no degradation" in said
    assert "mesofuse consistency" in said
    assert main([*given, "--method", "slicegan", "--steps", "1"]) == 2
    assert "takes no scan" in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_one_sided_recipes_leave_the_first_phase_free(place, tmp_path, capsys):
    out = tmp_path / "a.zarr"
    assert generate(place, out, "--project", model="one-sided") == 0
    assert "phase 0 of the scan is left free" in " ".join(capsys.readouterr().err.split())
    assert LabelVolume.open(out).provenance["projection"]["free"] == [0]
    moved = zarr.open_group(str(out), mode="r")["projection/moved"][...]
    assert not moved[LOW.array == 0].any()
    found = consistency(place, out)
    assert found["phase 1"] == 1.0
    assert found["phase 0"] < 1


def test_without_a_degradation_it_is_refused(place, tmp_path, capsys):
    assert generate(place, tmp_path / "a.zarr", "--project", "--quiet", model="bare") == 2
    assert "names no degradation" in capsys.readouterr().err
    assert not (tmp_path / "a.zarr").exists()
    package = load_package(place / "bare")
    with pytest.raises(UserError, match="names no degradation"):
        projected(package, package.model)


def test_fuse_projects(tiny_job, tmp_path):
    out = tmp_path / "run"
    assert main(["fuse", *tiny_job, "--project", "--out", str(out)]) == 0
    volume = LabelVolume.open(out / "fused.zarr")
    assert volume.provenance["totals"]["projection/violated"] == 0
    package = load_package(out / "model")
    low = tifffile.imread(tiny_job[1])
    scan = type(LOW)(low, type(LOW.grid)(low.shape), package.model.problem.low_phases)
    problem = package.model.problem
    found = measure(
        volume, ["low-res-consistency"],
        scan=ScanReference.of(problem, scan, method_degradation(package, problem)),
    )  # fmt: skip
    assert np.isclose(found.results[0].value, 1.0)
