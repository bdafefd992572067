"""`mesofuse fuse`: the whole job end to end, broken off and resumed, and every mistake in one sentence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.streaming import run
from mesofuse.testing.problems import blobs
from mesofuse.training.adversarial import AdversarialTrainer
from mesofuse.volumes.store.labels import LabelVolume


@pytest.fixture(scope="module")
def finished(tiny_job, tmp_path_factory):
    out = tmp_path_factory.mktemp("fuse") / "runs" / "first"
    assert main(["fuse", *tiny_job, "--out", str(out)]) == 0
    return out


def voxels(out):
    volume = LabelVolume.open(out / "fused.zarr")
    assert volume.provenance["complete"] is True
    return volume.read(volume.grid.region)


def digest(out):
    return json.loads((out / "model" / "model.json").read_text())["digest"]


def replaced(job, *extra):
    """Return a job's options with others in their place, where they may be given several times."""
    own = [a for i, a in enumerate(job) if "--high-res" not in (a, job[i - 1] if i else "")]
    return [*(own if "--high-res" in extra else job), *extra]


def refused(capsys, *args):
    """Return the one sentence of a command that ends with exit code 2."""
    capsys.readouterr()
    assert main(list(map(str, args))) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return " ".join(captured.err.split())


def test_no_stage_is_announced_before_the_last_refusal(tiny_job, tmp_path, capsys):
    small = tmp_path / "small.tif"
    tifffile.imwrite(small, blobs((1, 12, 12), 3, seed=2).array[0], photometric="minisblack")
    job = [a for a in replaced(tiny_job, "--high-res", str(small)) if a != "--quiet"]
    said = refused(capsys, "fuse", *job, "--out", tmp_path / "run")
    assert "crop" in said
    assert "Training" not in said
    job = [a for a in tiny_job if a != "--quiet"]
    assert main(["fuse", *job, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    assert said.index("Training") < said.index("Measuring")


def test_it_writes_all_that_it_says(finished):
    names = {p.name for p in finished.iterdir()}
    assert names == {"config.yaml", "inputs.json", "model", "training", "fused.zarr", "metrics.json", "preview.png"}
    volume = LabelVolume.open(finished / "fused.zarr")
    assert volume.grid.shape == (36, 32, 40)
    assert volume.grid.voxel_size == pytest.approx((0.2, 0.2, 0.2))
    assert volume.grid.unit == "micrometer"
    assert [p.name for p in volume.phases] == ["pore", "active", "binder"]
    numbers = json.loads((finished / "metrics.json").read_text())
    assert numbers["model"] == digest(finished)
    measured = {r["metric"] for r in numbers["fused"]["results"]}
    assert measured == {"volume-fraction", "surface-area", "pattern-distance", "low-res-consistency"}
    share = np.mean(voxels(finished) == 1)
    active = [
        r["value"] for r in numbers["fused"]["results"] if (r["metric"], r["label"]) == ("volume-fraction", "active")
    ]
    assert active == pytest.approx([share])
    assert (finished / "preview.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_names_the_image_and_the_volume(finished, tiny_job, capsys):
    assert main(["fuse", *tiny_job, "--out", str(finished), "--resume"]) == 0
    out = capsys.readouterr().out
    for words in ("image", "fused", "low-res-consistency", "binder", "Fused volume:", "Figure:"):
        assert words in out
    assert "not known" not in out  # the image's pixels are those of the volume over the scale factor


def test_an_existing_run_is_kept_unless_told(finished, tiny_job, capsys):
    before = digest(finished)
    assert "exists already" in refused(capsys, "fuse", *tiny_job, "--out", finished)
    other = ["fuse", *tiny_job, "--seed", "1", "--out", finished]
    assert "begun with another configuration (seed differ)" in refused(capsys, *other, "--resume")
    assert "give one of them" in refused(capsys, *other, "--resume", "--overwrite")
    assert digest(finished) == before
    copy = finished.with_name("copy")
    shutil.copytree(finished, copy)
    assert main(["fuse", *tiny_job, "--seed", "1", "--out", str(copy), "--overwrite"]) == 0
    assert digest(copy) != before
    assert [p.name for p in copy.parent.iterdir() if p.name.startswith(".")] == []


def test_overwrite_leaves_the_old_run_when_the_new_one_is_refused(finished, tiny_job, tmp_path, capsys):
    before = {p.relative_to(finished): p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()}
    small = tmp_path / "small.tif"
    tifffile.imwrite(small, blobs((1, 12, 12), 3).array[0], photometric="minisblack")
    sentence = refused(capsys, "fuse", *replaced(tiny_job, "--high-res", small), "--out", finished, "--overwrite")
    assert "12 × 12 pixels" in sentence
    assert {p.relative_to(finished): p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()} == before
    assert [p.name for p in finished.parent.iterdir() if p.name.startswith(".")] == []


def test_overwrite_never_deletes_what_is_not_a_run(tiny_job, tmp_path, capsys):
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "config.yaml").write_text("title: my thesis")
    (thesis / "chapter1.tex").write_text("words")
    assert "chapter1.tex" in refused(capsys, "fuse", *tiny_job, "--out", thesis, "--overwrite")
    assert "not a mesofuse run's folder" in refused(capsys, "fuse", *tiny_job, "--out", tmp_path, "--overwrite")
    assert "is a file" in refused(capsys, "fuse", *tiny_job, "--out", thesis / "chapter1.tex", "--overwrite")
    assert "is a file" in refused(capsys, "fuse", *tiny_job, "--out", thesis / "chapter1.tex" / "run")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["chapter1.tex", "config.yaml", "thesis"]


class Killed(BaseException):
    """Ends a run as a kill would: nothing catches it."""


@pytest.mark.parametrize("where", ["training", "saving", "generating", "measuring"])
def test_a_run_that_broke_off_goes_on_to_the_same_voxels(finished, tiny_job, tmp_path, monkeypatch, where):
    def die(*args, **kwargs):
        raise Killed

    steps = []
    original = AdversarialTrainer._train_step

    def die_at_the_second(self):
        if len(steps) == 1:
            raise Killed
        steps.append(self.step)
        original(self)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        if where == "training":
            patch.setattr(AdversarialTrainer, "_train_step", die_at_the_second)
        elif where == "saving":
            patch.setattr("mesofuse.pipeline.fit.save_package", die)
        elif where == "generating":
            patch.setattr(run, "compute_output", die)
            patch.setattr("mesofuse.streaming.run._Run.straight", die)
        else:
            patch.setattr("mesofuse.pipeline.fuse.measure_result", die)
        with pytest.raises(Killed):
            main(["fuse", *tiny_job, "--out", str(out)])
    assert (out / "config.yaml").exists()
    assert main(["fuse", *tiny_job, "--out", str(out), "--resume"]) == 0
    assert digest(out) == digest(finished)
    np.testing.assert_array_equal(voxels(out), voxels(finished))
    assert {p.name for p in out.iterdir()} == {p.name for p in finished.iterdir()}


def test_resume_refuses_input_files_that_have_changed(finished, tiny_job, tmp_path, capsys):
    scan = tmp_path / "scan.tif"
    shutil.copy(tiny_job[1], scan)
    args = ["fuse", *tiny_job, "--low-res", scan, "--method", "interpolation", "--out", tmp_path / "run"]
    args = [a for i, a in enumerate(map(str, args)) if a != "--set" and args[max(0, i - 1)] != "--set"]
    assert main(args) == 0
    assert not (tmp_path / "run" / "training").exists()
    tifffile.imwrite(scan, blobs((9, 8, 10), 2, seed=7).array, photometric="minisblack")
    assert "other voxels" in refused(capsys, *args, "--resume")


def broken(tmp_path, name, array=None, data=None):
    path = tmp_path / name
    if array is not None:
        tifffile.imwrite(path, array, photometric="minisblack")
    else:
        path.write_bytes(data)
    return path


def nan_image():
    image = blobs((1, 40, 40), 3).array[0].astype(np.float32)
    image[3, 4] = np.nan
    return image


MISTAKES = {
    "missing": (lambda t: ["--low-res", t / "none.tif"], "does not exist"),
    "no-image": (lambda t: ["--high-res", broken(t, "a.tif", data=b"not an image")], "a.tif"),
    "text": (lambda t: ["--high-res", broken(t, "a.txt", data=b"words")], "a.txt"),
    "nan": (lambda t: ["--high-res", broken(t, "a.tif", nan_image())], "NaN"),
    "one-phase": (lambda t: ["--high-res", broken(t, "a.tif", np.ones((40, 40), np.uint8))], "one phase only"),
    "one-phase-scan": (lambda t: ["--low-res", broken(t, "a.tif", np.ones((9, 9, 9), np.uint8))], "one phase only"),
    "2d-scan": (lambda t: ["--low-res", broken(t, "a.tif", blobs((1, 40, 40), 2).array[0])], "must be a volume"),
    "more-phases": (lambda t: ["--low-res", broken(t, "a.tif", blobs((9, 9, 9), 4).array)], "has 4 phases"),
    "two-images": (lambda t: ["--high-res", "a.tif", "--high-res", "b.tif"], "--high-res zy=a.tif"),
    "axis-missing": (lambda t: ["--high-res", "zy=a.tif"], "each of z, y and x needs exactly one image"),
    "axis-twice": (lambda t: ["--high-res", "zy=a.tif", "--high-res", "yx=b.tif"], "each of z, y and x needs"),
    "small-image": (lambda t: ["--high-res", broken(t, "a.tif", blobs((1, 12, 40), 3).array[0])], "12 × 40 pixels"),
    "small-scan": (lambda t: ["--low-res", broken(t, "a.tif", blobs((3, 9, 9), 2).array)], "needs at least"),
    "scale-0": (lambda t: ["--scale", "0"], "scale factor '0'"),
    "scale-negative": (lambda t: ["--scale", "-1"], "scale factor '-1'"),
    "scale-nan": (lambda t: ["--scale", "nan"], "scale factor 'nan'"),
    "scale-text": (lambda t: ["--scale", "four"], "scale factor 'four'"),
    "preset": (lambda t: ["--set", "preset=slimm"], "Did you mean 'slim'?"),
    "method": (lambda t: ["--method", "superes"], "Did you mean 'superres'?"),
    "option": (lambda t: ["--set", "critic_stepps=2"], "Did you mean 'critic_steps'?"),
    "nested-option": (lambda t: ["--set", "batch.volume=2"], "Did you mean 'volumes'?"),
    "part-option": (lambda t: ["--set", "generator.chanels=4"], "Did you mean 'channels'?"),
    "part": (lambda t: ["--set", "critic.name=superres-slimm"], "Did you mean 'superres-slim'?"),
    "part-value": (lambda t: ["--set", "generator.channels=many"], "channels"),
    "setting": (lambda t: ["--set", "steps"], "KEY=VALUE"),
    "setting-yaml": (lambda t: ["--set", "steps=[1"], "can't be read"),
    "device": (lambda t: ["--device", "gpu"], "'gpu' is not a device"),
    "no-cuda": (lambda t: ["--device", "cuda:99"], "CUDA devices"),
    "minutes-0": (lambda t: ["--minutes", "0"], "'minutes'"),
    "minutes-negative": (lambda t: ["--minutes", "-2"], "'minutes'"),
    "minutes-nan": (lambda t: ["--minutes", "nan"], "'minutes'"),
    "minutes-inf": (lambda t: ["--minutes", "inf"], "'minutes'"),
    "steps-0": (lambda t: ["--steps", "0"], "'steps'"),
    "seed": (lambda t: ["--seed", "-1"], "--seed"),
    "phases-many": (lambda t: ["--phases", "pore,active,binder,carbon"], "'carbon' does not occur"),
    "phases-twice": (lambda t: ["--phases", "pore,pore,active"], "given twice"),
    "shows-unknown": (lambda t: ["--shows", "2=binder"], "no phase '2'"),
    "shows-twice": (lambda t: ["--shows", "1=binder"], "Two rules"),
    "chunks": (lambda t: ["--chunks", "0"], "--chunks"),
    "voxel-size": (lambda t: ["--voxel-size", "-1"], "voxel size"),
    "unit": (lambda t: ["--unit", "parsec"], "unit of length"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_nothing(tiny_job, tmp_path, capsys, mistake):
    change, words = MISTAKES[mistake]
    out = tmp_path / "runs" / "new"
    sentence = refused(capsys, "fuse", *replaced(tiny_job, *change(tmp_path)), "--out", out)
    assert words in sentence
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ("shows", "words"),
    [
        (["0=pore,bindr", "1=active"], "Did you mean 'binder'?"),
        (["0=pore,binder", "1=binder"], "shown by two"),
        (["0=pore"], "No rule says"),
        (["0=", "1=active"], "shows no phase"),
        (["0"], "LOW=NAME"),
    ],
)
def test_rules_that_do_not_fit(tiny_job, tmp_path, capsys, shows, words):
    plain = [a for i, a in enumerate(tiny_job) if a != "--shows" and tiny_job[i - 1] != "--shows"]
    rules = [word for rule in shows for word in ("--shows", rule)]
    assert words in refused(capsys, "fuse", *plain, *rules, "--out", tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_disk_too_small_is_said_before_training(tiny_job, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    assert "on disk" in refused(capsys, "fuse", *tiny_job, "--out", tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_help_shows_the_example(capsys):
    assert main(["fuse", "--help"]) == 0
    out = capsys.readouterr().out
    assert "\b" not in out
    assert "\\b" not in out
    assert "    mesofuse fuse --low-res scan.tif --high-res sem.tif --scale 4 --voxel-size 0.4 \\\n" in out


def test_paths_may_be_relative(tiny_job, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(Path(tiny_job[1]).parent)
    args = [a if a not in tiny_job[1:4:2] else Path(a).name for a in tiny_job]
    out = tmp_path / "run"
    assert main(["fuse", *args, "--out", str(out)]) == 0
    assert digest(out) == digest(finished)
