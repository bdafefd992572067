"""Grey values and colours through every command: fused, generated alike whatever the storage, shown; or refused."""

import json
import shutil

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from mesofuse.cli.main import main
from mesofuse.volumes.grid import Region
from mesofuse.volumes.store.intensities import IntensityVolume

SMALL = (
    "generator.latent=4", "generator.widths=[4,4]", "critic.channels=4", "batch.volumes=1", "batch.slices=2",
    "selection.window=4", "selection.parts=1",
)  # fmt: skip
CHANNELS = {"grey": (), "colour": (3,)}


def args(*words, settings=SMALL):
    return [str(w) for w in words] + [part for s in settings for part in ("--set", s)]


def fuse(image, content, out, *more):
    words = ("--method", "slicegan", "--high-res", image, "--content", content, "--steps", 2, "--size", 40)
    return args("fuse", *words, "--voxel-size", 0.5, "--out", out, *more)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished run of each content."""
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(60, 200, (70, 72)).astype(np.uint8)).save(folder / "grey.png")
    Image.fromarray(rng.integers(60, 200, (70, 72, 4)).astype(np.uint8), "RGBA").save(folder / "colour.png")
    for content in CHANNELS:
        assert main(fuse(folder / f"{content}.png", content, folder / content)) == 0
    return folder


def refused(capsys, *words):
    capsys.readouterr()
    assert main([str(w) for w in words]) == 2
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return " ".join(text.split())


def voxels(path):
    volume = IntensityVolume.open(path)
    assert volume.provenance["complete"] is True
    return volume.read(volume.grid.region)


@pytest.mark.parametrize("content", CHANNELS)
def test_fuse_writes_all_that_it_says(runs, content):
    out = runs / content
    names = {p.name for p in out.iterdir()}
    assert names == {"config.yaml", "inputs.json", "model", "training", "fused.zarr", "metrics.json", "preview.png"}
    made = voxels(out / "fused.zarr")
    assert made.shape == (*CHANNELS[content], 40, 40, 40)
    assert made.std() > 1
    volume = IntensityVolume.open(out / "fused.zarr")
    assert (volume.grid.voxel_size, volume.grid.unit) == ((0.5, 0.5, 0.5), "micrometer")
    numbers = json.loads((out / "metrics.json").read_text())
    labels = {"grey": {"grey"}, "colour": {"red", "green", "blue"}}[content]
    means = {r["label"]: r["value"] for r in numbers["fused"]["results"] if r["metric"] == "intensity-mean"}
    assert means.keys() == labels
    assert np.mean(list(means.values())) == pytest.approx(made.mean())
    record = json.loads((out / "model" / "model.json").read_text())
    assert record["problem"]["content"] == content
    assert f"{content} values" in (out / "model" / "README.md").read_text()
    previews = list((out / "training" / "previews").iterdir())
    assert Image.open(previews[0]).mode == ("L" if content == "grey" else "RGB")


@pytest.mark.parametrize("content", CHANNELS)
def test_the_same_voxels_for_every_chunking_region_and_restart(runs, content, tmp_path):
    model = str(runs / content / "model")
    made = voxels(runs / content / "fused.zarr")
    # Tiles of 64 voxels: chunks of 24 don't align with them, and go through the scratch store.
    common = ["--size", "72,40,40", "--seed", "0"]
    whole = tmp_path / "whole.zarr"
    assert main(["generate", model, str(whole), *common]) == 0
    expected = voxels(whole)
    assert np.array_equal(expected[..., :40, :, :], made)
    assert main(["generate", model, str(tmp_path / "b.zarr"), *common, "--chunks", "24", "--workers", "1"]) == 0
    assert np.array_equal(voxels(tmp_path / "b.zarr"), expected)
    sharded = [*common, "--chunks", "8", "--shards", "16", "--workers", "2"]
    assert main(["generate", model, str(tmp_path / "c.zarr"), *sharded]) == 0
    assert np.array_equal(voxels(tmp_path / "c.zarr"), expected)
    region = Region((50, 3, 7), (71, 33, 40))
    assert main(["generate", model, str(tmp_path / "d.zarr"), *common, "--region", str(region)]) == 0
    assert np.array_equal(voxels(tmp_path / "d.zarr"), expected[(..., *region.slices)])
    # Broken off: a chunk is lost, and made again.
    volume = IntensityVolume.open(whole, "r+")
    volume.discard(Region((64, 0, 0), (72, 40, 40)))
    volume.set_provenance({**volume.provenance, "complete": False})
    assert main(["generate", model, str(whole), *common, "--resume"]) == 0
    assert np.array_equal(voxels(whole), expected)


def test_a_periodic_volume_continues_into_itself(runs, tmp_path):
    model = str(runs / "grey" / "model")
    for name, chunks in (("a", 64), ("b", 16)):
        words = ("generate", model, tmp_path / f"{name}.zarr", "--size", 64, "--periodic", "zyx", "--chunks", chunks)
        assert main([str(w) for w in words]) == 0
    made = voxels(tmp_path / "a.zarr").astype(float)
    assert np.array_equal(made, voxels(tmp_path / "b.zarr"))
    assert made.std() > 1


def test_fuse_goes_on_where_it_was(runs, tmp_path):
    shutil.copytree(runs / "grey", tmp_path / "grey")
    shutil.rmtree(tmp_path / "grey" / "fused.zarr")
    assert main(fuse(runs / "grey.png", "grey", tmp_path / "grey", "--resume")) == 0
    assert np.array_equal(voxels(tmp_path / "grey" / "fused.zarr"), voxels(runs / "grey" / "fused.zarr"))


def test_train_repeats_the_configuration(runs, tmp_path):
    assert main(["train", str(runs / "colour" / "config.yaml"), "--out", str(tmp_path / "again")]) == 0
    first, again = (json.loads((p / "model" / "model.json").read_text()) for p in (runs / "colour", tmp_path / "again"))
    assert first["digest"] == again["digest"]


@pytest.mark.parametrize("content", CHANNELS)
def test_info_render_plan_and_export_take_the_volume(runs, content, tmp_path, capsys):
    fused = str(runs / content / "fused.zarr")
    assert main(["info", fused]) == 0
    assert f"{content} values, 0 to 255" in capsys.readouterr().out
    assert main(["info", fused, "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert [c["channel"] for c in about["intensities"]] == (["grey"] if content == "grey" else ["red", "green", "blue"])
    assert main(["render", fused, str(tmp_path / "f.png"), "--image", str(runs / f"{content}.png")]) == 0
    assert Image.open(tmp_path / "f.png").size[0] > 500
    assert main(["export", fused, str(tmp_path / "a.tif"), "--region", "3:9,0:40,2:40"]) == 0
    exported = tifffile.imread(tmp_path / "a.tif")
    part = voxels(fused)[..., 3:9, :, 2:]
    assert np.array_equal(exported, part if content == "grey" else np.moveaxis(part, 0, -1))
    assert main(["plan", str(runs / content / "model"), "--size", "100"]) == 0


@pytest.mark.parametrize("content", CHANNELS)
def test_measure_takes_volumes_and_images(runs, content, tmp_path, capsys):
    fused, image = runs / content / "fused.zarr", runs / f"{content}.png"
    words = ["measure", fused, "--reference", image, "--voxel-size", 0.5, "--json", tmp_path / "m.json"]
    assert main([str(w) for w in [*words, "--metrics", "intensity-mean,histogram-distance"]]) == 0
    assert "intensity-mean" in capsys.readouterr().out
    table = json.loads((tmp_path / "m.json").read_text())["table"]
    made, own = voxels(fused).reshape(-1, 40**3).mean(1), np.atleast_3d(np.array(Image.open(image)))[..., :3]
    means = [[cell["value"] for cell in row["cells"]] for row in table if row["metric"] == "intensity-mean"]
    assert [m for _, m in means] == pytest.approx(list(made))
    assert [m for m, _ in means] == pytest.approx(own.reshape(-1, own.shape[-1]).mean(0))
    assert main([str(w) for w in ["measure", image, "--content", content, "--samples", 4, "--size", 16]]) == 0


@pytest.mark.parametrize("content", CHANNELS)
def test_realisations_have_a_mean_and_a_deviation(runs, content, tmp_path):
    model, out = str(runs / content / "model"), tmp_path / "out"
    words = ["realisations", model, str(out), "--size", "40", "--count", "3", "--chunks", "16"]
    assert main([*words, "--metrics", "intensity-mean"]) == 0
    each = np.stack([voxels(out / f"seed-{seed}.zarr") for seed in range(3)]).astype(float)
    assert np.array_equal(voxels(out / "summary.zarr"), np.floor(each.mean(0) + 0.5).astype(np.uint8))
    deviation = zarr.open_group(str(out / "summary.zarr"), mode="r")["deviation"][...]
    assert deviation == pytest.approx(each.std(0, ddof=1), abs=1e-3)
    rows = json.loads((out / "realisations.json").read_text())["spreads"]
    channels = each.reshape(3, -1, 40**3).mean(2)
    assert [row["mean"] for row in rows] == pytest.approx(list(channels.mean(0)))
    assert main([*words, "--metrics", "intensity-mean", "--resume"]) == 0


@pytest.mark.parametrize("content", CHANNELS)
def test_report_shows_a_run(runs, content, tmp_path):
    out = tmp_path / "r.html"
    words = ["report", runs / content, "--out", out, "--subvolumes", 4, "--size", 16, "--quiet"]
    assert main([str(w) for w in words]) == 0
    page = out.read_text("utf-8")
    for word in ("Intensity mean in subvolumes", "Variogram", "Histogram distance", "In three dimensions"):
        assert word in page
    assert "was not measured" not in page


def test_what_is_for_phases_refuses_in_a_sentence(runs, tmp_path, capsys):
    fused, model = runs / "grey" / "fused.zarr", runs / "grey" / "model"
    both = refused(capsys, "measure", fused, runs / "colour" / "fused.zarr")
    assert "holds colours, but grey values are expected" in both
    assert "it measures phases, and these are grey values" in refused(
        capsys, "measure", fused, "--metrics", "tortuosity"
    )
    assert "have no phases" in refused(capsys, "measure", fused, "--phases", "a,b")
    assert "--low-res is for phases" in refused(capsys, "measure", fused, "--low-res", fused)
    assert "holds grey values, not phases" in refused(capsys, "preflight", "--low-res", fused, "--high-res", fused)
    assert "--project" in refused(capsys, "generate", model, tmp_path / "p.zarr", "--size", 64, "--project")
    assert "leave out --low-res and --phases" in refused(capsys, "render", fused, tmp_path / "f.png", "--phases", "a,b")
    assert "written for phases alone" in refused(capsys, "export", fused, tmp_path / "a.vti")
    assert list(tmp_path.iterdir()) == []


def test_jobs_that_make_no_sense_are_refused_before_anything_is_written(runs, tmp_path, capsys):
    out = tmp_path / "run"

    def job(image, *more):
        return refused(capsys, "fuse", "--high-res", runs / image, "--out", out, "--steps", 2, *more)

    slicegan = ("--method", "slicegan")
    assert "works on phases, not on grey values" in job("grey.png", "--method", "superres", "--content", "grey")
    assert "give --content grey" in job("grey.png", *slicegan, "--content", "colour")
    assert "has no phases" in job("grey.png", *slicegan, "--content", "grey", "--phases", "a,b")
    assert "has no phases" in job(
        "grey.png", *slicegan, "--content", "grey", "--low-res", runs / "grey.png", "--scale", 4
    )
    assert "The loss 'two-point' works on phases" in job(
        "grey.png", *slicegan, "--content", "grey", "--set", "losses=[{name: two-point}]"
    )
    assert "works on grey or colour, not on phases" in job("grey.png", *slicegan, "--set", "losses=[{name: variogram}]")
    assert "selection.metrics" in job(
        "grey.png", *slicegan, "--content", "grey", "--set", "selection.metrics=[volume-fraction]"
    )
    # Without --content the image is taken for labels, and said to be none.
    assert "grey-level image" in job("grey.png", *slicegan)
    np.save(tmp_path / "nan.npy", np.full((70, 70), np.nan))
    assert "NaN" in job(tmp_path / "nan.npy", *slicegan, "--content", "grey")
    assert not out.exists()
