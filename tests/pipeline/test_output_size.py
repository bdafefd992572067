"""Volumes without a scan, periodic, planar and anisotropic ones, through the commands from end to end."""

import json
from pathlib import Path
from statistics import NormalDist
from types import ModuleType

import numpy as np
import pytest
import tifffile
import yaml

from mesofuse.cli.main import main
from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl
from mesofuse.interfaces.method import TileOutput
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.options import Options
from mesofuse.models.package import load_package
from mesofuse.pipeline.output_size import DEFAULT_SIZE, noise_grid
from mesofuse.registry import get_registry
from mesofuse.registry.discovery import FoundPlugin
from mesofuse.testing.problems import blobs
from mesofuse.volumes.store.labels import LabelVolume

# --- a method that takes no scan: smoothed noise, cut where the image's fractions come out -------------------------


class NoiseModel:
    scale, halo, tile, can_tile = (4.0, 4.0, 4.0), (1, 1, 1), (2, 2, 2), True
    noise = (NoiseSpec("fine", 1, (4.0, 4.0, 4.0)),)

    def __init__(self, problem, edges):
        self.problem, self.edges = problem, edges

    def to(self, device):
        return self

    def tile_bytes(self, window):
        return int(np.prod(window)) * 64 * 100

    def state(self):
        return {"edges": self.edges}

    def reconstruct(self, tile, *, probabilities=False):
        assert tile.field is None
        values = np.round(tile.noise[0][0] * 1000)
        for axis in range(3):
            values = sum(np.roll(values, shift, axis) for shift in (-1, 0, 1))
        inside = tile.core.scaled(self.scale).within(tile.window.scaled(self.scale))
        return TileOutput(np.digitize(values[inside] / 27**0.5 / 1000, self.edges).astype(np.uint8))


class NoiseMethod:
    trains, conditional = False, False

    def __init__(self, options):
        pass

    def grid_scale(self, problem):
        return NoiseModel.scale

    def fit(self, inputs, run):
        assert inputs.low_res is None
        shares = np.bincount(inputs.images[0].array.ravel(), minlength=3) / inputs.images[0].array.size
        edges = [NormalDist().inv_cdf(min(s, 0.9999)) for s in np.cumsum(shares)[:-1]]
        return NoiseModel(inputs.problem, np.array(edges))

    def restore(self, problem, state):
        return NoiseModel(problem, state["edges"])


class NoOptions(Options):
    pass


@pytest.fixture(scope="module", autouse=True)
def plugged():
    @hookimpl
    def mesofuse_components():
        parts = f"{__name__}:NoiseMethod", f"{__name__}:NoOptions"
        return [ComponentSpec("method", "test-noise", "Smoothed noise.", *parts)]

    module = ModuleType("noise_plugin")
    module.MESOFUSE_API, module.mesofuse_components = 1, mesofuse_components
    get_registry().add(FoundPlugin("noise", "noise", "1", "noise_plugin"), module)
    assert get_registry().problems == []
    yield
    get_registry.cache_clear()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "sem.tif"
    tifffile.imwrite(path, blobs((1, 60, 60), 3, seed=2).array[0], photometric="minisblack")
    return path


@pytest.fixture(scope="module")
def made(image, tmp_path_factory):
    """A run without a scan, periodic along y and x."""
    out = tmp_path_factory.mktemp("made") / "run"
    assert main([*job(image), "--out", str(out)]) == 0
    return out


def job(image, *more):
    return ["fuse", "--method", "test-noise", "--high-res", str(image), "--size", "22,16,20", "--periodic", "yx",
            "--phases", "pore,active,binder", "--voxel-size", "0.5", "--chunks", "8", "--quiet",
            *map(str, more)]  # fmt: skip


def read(path):
    volume = LabelVolume.open(path)
    return volume.read(volume.grid.region)


def refused(capsys, *args):
    capsys.readouterr()
    assert main(list(map(str, args))) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return " ".join(captured.err.split())


# --- without a scan -------------------------------------------------------------------------------------------------


def test_fuse_without_a_scan_writes_all_that_it_says(made):
    assert {p.name for p in made.iterdir()} == {
        "config.yaml", "inputs.json", "model", "fused.zarr", "metrics.json", "preview.png"
    }  # fmt: skip
    volume = LabelVolume.open(made / "fused.zarr")
    assert volume.grid.shape == (22, 16, 20)
    assert volume.grid.voxel_size == pytest.approx((0.5,) * 3)
    assert volume.grid.origin == pytest.approx((0,) * 3)
    assert (volume.grid.unit, volume.provenance["periodic"]) == ("micrometer", "yx")
    assert "low_res_sha256" not in volume.provenance
    assert (volume.provenance["region"], volume.provenance["complete"]) == ("0:22,0:16,0:20", True)
    numbers = json.loads((made / "metrics.json").read_text())
    assert {r["metric"] for r in numbers["fused"]["results"]} == {
        "volume-fraction", "surface-area", "pattern-distance"
    }  # fmt: skip
    assert [r["label"] for r in numbers["image"]["results"]] == [r["label"] for r in numbers["fused"]["results"]]
    assert numbers["preflight"]["checks"]
    assert (made / "preview.png").read_bytes().startswith(b"\x89PNG")
    config = yaml.safe_load((made / "config.yaml").read_text())
    assert (config["size"], config["periodic"], config["low_res"]) == ([22, 16, 20], "yx", None)


def test_the_faces_of_a_periodic_volume_meet_as_its_slices_do(made):
    """The noise is smoothed over 3 voxels: neighbours agree far more often than strangers, also across the ends."""
    labels = read(made / "fused.zarr")
    within, strangers = np.mean(labels[:, :, 1:] == labels[:, :, :-1]), np.mean(labels[:, :, 10:] == labels[:, :, :10])
    across = np.mean(labels[:, :, 0] == labels[:, :, -1]), np.mean(labels[:, 0] == labels[:, -1])
    assert min(across) > (within + strangers) / 2 > np.mean(labels[0] == labels[-1])


def test_generate_repeats_a_run_and_makes_other_sizes(made, tmp_path):
    command = ["generate", str(made / "model")]
    options = ["--size", "22,16,20", "--periodic", "yx", "--quiet"]
    assert main([*command, str(tmp_path / "again.zarr"), *options]) == 0
    np.testing.assert_array_equal(read(tmp_path / "again.zarr"), read(made / "fused.zarr"))
    part = [*command, str(tmp_path / "part.zarr"), *options, "--region", "3:,0:9,5:12", "--workers", "2"]
    assert main(part) == 0
    np.testing.assert_array_equal(read(tmp_path / "part.zarr"), read(made / "fused.zarr")[3:, :9, 5:12])
    for size in ("11", "30,11,19"):
        assert (
            main([*command, str(tmp_path / f"{size}.zarr"), "--size", size, "--voxel-size", "40", "--unit", "nm"]) == 0
        )
    small, large = LabelVolume.open(tmp_path / "11.zarr"), LabelVolume.open(tmp_path / "30,11,19.zarr")
    assert (small.grid.voxel_size, small.grid.unit) == ((40.0,) * 3, "nanometer")
    # Noise has no end: a larger volume holds the smaller one.
    np.testing.assert_array_equal(read(small.path), read(large.path)[:11, :11, :11])


def test_the_default_size_is_256(made, monkeypatch, tmp_path):
    assert DEFAULT_SIZE == (256, 256, 256)
    for module in ("output_size", "target", "generate"):  # so many voxels would take long
        monkeypatch.setattr(f"mesofuse.pipeline.{module}.DEFAULT_SIZE", (8, 8, 8))
    assert main(["generate", str(made / "model"), str(tmp_path / "a.zarr"), "--quiet"]) == 0
    assert LabelVolume.open(tmp_path / "a.zarr").grid.shape == (8, 8, 8)


def test_plan_of_a_volume_without_a_scan(made, capsys):
    assert main(["plan", str(made / "model"), "--size", "500", "--periodic", "zyx", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["shape"] == [500, 500, 500]
    assert plan["tiles"] == 63**3
    assert main(["plan", str(made / "model"), "--size", "64"]) == 0
    assert "64 × 64 × 64 voxels" in capsys.readouterr().out


def test_train_repeats_the_model_from_its_configuration(made, tmp_path):
    assert main(["train", str(made / "config.yaml"), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    assert load_package(tmp_path / "again" / "model").digest == load_package(made / "model").digest
    assert (tmp_path / "again" / "config.yaml").read_text() == (made / "config.yaml").read_text()


def test_resume_keeps_size_and_periodic_axes(made, image, capsys):
    assert main([*job(image), "--out", str(made), "--resume"]) == 0
    assert "(periodic differ)" in refused(capsys, *job(image, "--periodic", "y", "--out", made, "--resume"))
    assert "(size differ)" in refused(capsys, *job(image, "--size", "24", "--out", made, "--resume"))


def test_the_grid_of_the_noise_begins_where_the_result_does(made):
    grid = noise_grid(load_package(made / "model"), (21, 8, 8))
    assert grid.shape == (6, 2, 2)
    assert grid.refined((4.0,) * 3).origin == pytest.approx((0,) * 3)


def test_realisations_without_a_scan(made, tmp_path, capsys):
    out, model = tmp_path / "several", str(made / "model")
    given = ["--size", "22,16,20", "--periodic", "yx", "--chunks", "8", "--quiet"]
    assert main(["realisations", model, str(out), "--count", "2", *given]) == 0
    assert "volume-fraction" in capsys.readouterr().out
    assert LabelVolume.open(out / "summary.zarr").grid.shape == (22, 16, 20)
    for seed in ("0", "1"):
        assert main(["generate", model, str(tmp_path / f"{seed}.zarr"), "--seed", seed, *given]) == 0
        np.testing.assert_array_equal(read(out / f"seed-{seed}.zarr"), read(tmp_path / f"{seed}.zarr"))
    assert (read(out / "seed-0.zarr") != read(out / "seed-1.zarr")).any()
    for more, words in ((["--project"], "takes no scan"), (["--size", "22,15,20"], "give --size 12 or 16 for y")):
        args = ["realisations", model, tmp_path / "new", "--count", "2", *given, *more]
        assert words in refused(capsys, *args)
        assert not (tmp_path / "new").exists()


MISTAKES = {
    "scan": (["--low-res", "SCAN", "--scale", "4"], "'test-noise' makes a volume from the image alone"),
    "no-scan": (["--method", "superres"], "'superres' needs a scan"),
    "no-scan-2": (["--method", "interpolation"], "'interpolation' needs a scan"),
    "periodic-size": (["--periodic", "z"], "give --size 20 or 24 for z"),
    "axes": (["--periodic", "zz"], "each once"),
    "size": (["--size", "4,4"], "The size '4,4' is not usable"),
    "size-0": (["--size", "0"], "The size '0' is not usable"),
    "shards": (["--shards", "12"], "not a multiple of --chunks 8"),
    "phases": (["--phases", "pore,active,binder,carbon"], "'carbon' does not occur"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_nothing(image, tiny_job, tmp_path, capsys, mistake):
    options, words = MISTAKES[mistake]
    options = [tiny_job[1] if word == "SCAN" else word for word in options]
    assert words in refused(capsys, *job(image, *options), "--out", tmp_path / "runs" / "new")
    assert not list(tmp_path.iterdir())


def test_generate_and_plan_say_what_a_model_takes(made, tiny_model, tiny_job, tmp_path, capsys):
    from mesofuse.models.package import save_package

    model, options = tiny_model()
    save_package(tmp_path / "scanned", model, "superres", options, {})
    alone, scanned, scan, out = made / "model", tmp_path / "scanned", tiny_job[1], tmp_path / "new" / "a.zarr"
    for args, words in (
        (["generate", alone, scan, out], "takes no scan: leave it out"),
        (["plan", alone, scan], "takes no scan: leave it out"),
        (["generate", scanned, out], "is applied to a scan, but none is given"),
        (["generate", scanned, scan], "is applied to a scan, but none is given"),
        (["plan", scanned], "is applied to a scan, but none is given"),
        (["generate", scanned, scan, out, "--size", "8"], "leave out --size"),
        (["generate", scanned, scan, out, out], "but 3 files are named"),
        (["generate", alone], "is given"),
        (["generate", alone, out, "--periodic", "x", "--size", "10"], "give --size 8 or 12 for x"),
        (["generate", alone, out, "--size", "10", "--region", "0:11,:,:"], "(10, 10, 10)"),
        (["generate", alone, out, "--size", "x"], "The size 'x'"),
    ):
        assert words in refused(capsys, *args)
    assert [p.name for p in tmp_path.iterdir()] == ["scanned"]


# --- with a scan ----------------------------------------------------------------------------------------------------


def test_a_scan_and_periodic_axes(tiny_job, tmp_path, capsys):
    out = tmp_path / "run"
    command = ["fuse", *tiny_job, "--periodic", "zx", "--chunks", "16", "--shards", "32", "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr()
    volume = LabelVolume.open(out / "fused.zarr")
    assert (volume.provenance["periodic"], volume.shards) == ("zx", (32, 32, 32))
    # What the scan can't tell apart is called so, and --quiet silences no doubt about the inputs.
    assert "pore + binder" in printed.out
    assert "phase 0" not in printed.out
    rows = json.loads((out / "metrics.json").read_text())["fused"]["results"]
    assert {r["label"] for r in rows if r["metric"] == "low-res-consistency"} == {"all", "pore + binder", "active"}
    assert "Warning: " in printed.err
    assert "Training" not in printed.err
    plain = tmp_path / "plain.zarr"
    generate = ["generate", str(out / "model"), tiny_job[1], str(plain), "--quiet"]
    assert main([*generate, "--periodic", "zx"]) == 0
    np.testing.assert_array_equal(read(plain), read(out / "fused.zarr"))
    assert "periodic differ" in refused(capsys, *generate, "--resume")
    assert main([*generate, "--overwrite"]) == 0
    assert (read(plain) != read(out / "fused.zarr")).any()
    assert "leave out --size" in refused(capsys, "fuse", *tiny_job, "--size", "8", "--out", tmp_path / "new")
    uneven = ["fuse", *tiny_job, "--scale", "2.3", "--periodic", "zx", "--out", tmp_path / "new"]
    assert "periodic along z: 9 voxels times the scale factor 2.3" in refused(capsys, *uneven)
    assert not (tmp_path / "new").exists()


def replaced(tiny_job, **changes):
    """Return a job's options with other values."""
    return [changes.get(tiny_job[i - 1].strip("-").replace("-", "_"), a) if i else a for i, a in enumerate(tiny_job)]


def test_a_planar_scan_is_made_sharper_within_its_plane(tiny_job, tmp_path):
    scan, out = tmp_path / "scan.tif", tmp_path / "run"
    tifffile.imwrite(scan, blobs((1, 18, 20), 2, seed=1).array[0], photometric="minisblack")
    planar = replaced(tiny_job, low_res=str(scan), scale="1,4,4")
    assert main(["fuse", *planar, "--out", str(out)]) == 0
    volume = LabelVolume.open(out / "fused.zarr")
    assert volume.grid.shape == (1, 72, 80)
    numbers = json.loads((out / "metrics.json").read_text())
    values = {(r["metric"], r["label"]): r["value"] for r in numbers["fused"]["results"]}
    assert {metric for metric, _ in values} >= {"volume-fraction", "surface-area"}
    assert 0 < values["low-res-consistency", "all"] <= 1
    assert (out / "preview.png").exists()


def test_planar_results_are_projected_compared_and_reported(tiny_job, image, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MESOFUSE_NO_VTK", "1")
    scan, truth, out = tmp_path / "scan.tif", tmp_path / "truth.tif", tmp_path / "run"
    tifffile.imwrite(scan, blobs((1, 18, 20), 2, seed=1).array[0], photometric="minisblack")
    tifffile.imwrite(truth, blobs((1, 72, 80), 3, seed=3).array[0], photometric="minisblack")
    given = ["--low-res", str(scan), "--high-res", str(image), "--scale", "1,4,4", "--quiet",
             "--shows", "0=0,2", "--shows", "1=1"]  # fmt: skip
    at = tiny_job.index("--set")
    assert main(["fuse", *given, "--steps", "2", *tiny_job[at:], "--project", "--out", str(out)]) == 0
    numbers = json.loads((out / "metrics.json").read_text())
    values = {(r["metric"], r["label"]): r["value"] for r in numbers["fused"]["results"]}
    assert values["low-res-consistency", "all"] == 1
    assert main(["report", str(out), "--subvolumes", "8", "--size", "16", "--quiet"]) == 0
    compared = tmp_path / "compared"
    more = ["--method", "interpolation", "--reference", truth, "--subvolumes", 8, "--size", 16, "--out", compared]
    solid = ["--metrics", "volume-fraction,local-thickness"]
    assert main(["compare", *given, *map(str, more), *solid]) == 2
    assert "'local-thickness' can't be measured: it needs a 3D volume" in " ".join(capsys.readouterr().err.split())
    assert not compared.exists()
    assert main(["compare", *given, *map(str, more), "--metrics", "volume-fraction"]) == 0
    assert "8 patches of 16² voxels" in " ".join(capsys.readouterr().out.split())
    table = json.loads((compared / "comparison.json").read_text())["table"]
    assert "low-res-consistency" in {line["metric"] for line in table}
    assert main(["report", str(compared), "--quiet"]) == 0
    assert "8 random patches of 16² voxels" in (compared / "report.html").read_text("utf-8")


def test_an_image_for_each_direction(tiny_job, tmp_path):
    other, out = tmp_path / "other.tif", tmp_path / "run"
    labels = np.repeat(blobs((1, 20, 40), 3, seed=5).array[0], 2, 0)
    labels[:4, :4] = 0
    tifffile.imwrite(other, labels, photometric="minisblack")
    first = tiny_job[3]
    several = [*replaced(tiny_job, high_res=f"zy={first}"), "--high-res", f"x={other}"]
    assert main(["fuse", *several, "--out", str(out)]) == 0
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert {axes: (out / path).resolve() for axes, path in config["high_res"].items()} == {
        "zy": Path(first).resolve(), "x": other.resolve()
    }  # fmt: skip
    results = json.loads((out / "metrics.json").read_text())["image"]["results"]
    pore = next(r["value"] for r in results if (r["metric"], r["label"]) == ("volume-fraction", "pore"))
    assert pore == pytest.approx((2 * np.mean(tifffile.imread(first) == 0) + np.mean(labels == 0)) / 3)
    faces = next(r["value"] for r in results if (r["metric"], r["label"]) == ("surface-area", "pore | active"))
    assert faces == pytest.approx((2 * _faces(tifffile.imread(first)) + _faces(labels)) / 3)
    assert main(["fuse", *several, "--out", str(out), "--resume"]) == 0
    assert main(["train", str(out / "config.yaml"), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    assert load_package(tmp_path / "again" / "model").digest == load_package(out / "model").digest


def _faces(labels):
    pairs = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])]
    hits = sum(int((((a == 0) & (b == 1)) | ((a == 1) & (b == 0))).sum()) for a, b in pairs)
    return hits / sum(a.size for a, _ in pairs)
