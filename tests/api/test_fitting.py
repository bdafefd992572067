import hashlib
import json

import numpy as np
import pytest

import mesofuse as mf
from mesofuse.cli.main import main
from mesofuse.config.job import load_job

from .conftest import TINY


def test_the_bytes_are_those_of_the_command_line(tmp_path, arrays, model, fused):
    np.save(tmp_path / "scan.npy", arrays[0])
    np.save(tmp_path / "image.npy", arrays[1])
    settings = [
        "generator.channels=4", "generator.last=4", "critic.channels=4", "critic.crop=16", "critic_steps=1",
        "batch.volumes=1", "batch.slices=2", "selection.window=7", "selection.parts=1",
    ]  # fmt: skip
    assert not main([
        "fuse", "--low-res", str(tmp_path / "scan.npy"), "--high-res", str(tmp_path / "image.npy"), "--scale", "4",
        "--voxel-size", "0.8", "--phases", "pore,active,binder", "--shows", "0=pore,binder", "--shows", "1=active",
        "--preset", "slim", *(w for s in settings for w in ("--set", s)), "--steps", "2", "--device", "cpu",
        "--out", str(tmp_path / "run"), "--quiet",
    ])  # fmt: skip
    record = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert model.package.digest == record["digest"]
    scan, out = str(tmp_path / "scan.npy"), str(tmp_path / "again.zarr")
    assert not main(["generate", str(tmp_path / "run" / "model"), scan, out, "--seed", "1", "--quiet"])
    again = mf.volume(out)
    assert np.array_equal(again[...], fused[...])
    assert again.phases == fused.phases


def test_a_run_of_arrays_is_repeatable_from_its_folder(tmp_path, pair, model):
    out = tmp_path / "run"
    made = mf.fuse(pair, preset="slim", options=TINY, steps=2, device="cpu", out=out, progress=False)
    assert made.model.package.digest == model.package.digest
    assert made.folder == out
    assert made.table.value("volume-fraction", "pore", "image") == pytest.approx(
        np.mean(np.array(pair.images["zyx"]) == 0)
    )
    assert "<table>" in made._repr_html_()
    assert "fused" in repr(made)
    job = load_job(out / "config.yaml")
    assert (job.low_res, job.high_res) == (str(out / "inputs" / "scan.npy"), str(out / "inputs" / "image.npy"))
    assert not main(["train", str(out / "config.yaml"), "--out", str(tmp_path / "again"), "--quiet"])
    assert mf.load_model(tmp_path / "again" / "model").package.digest == model.package.digest
    assert mf.report(out, progress=False) == out / "report.html"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "superes"}, "superres"),
        ({"preset": "slimm"}, "slim"),
        ({"options": {"batch": {"volume": 1}}}, "batch.volume"),
        ({"steps": 0}, "steps"),
        ({"options": "batch"}, "give a mapping"),
        ({"device": "cuda:7"}, "cuda"),
        ({"start": "/nowhere"}, "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(pair, options, words):
    with pytest.raises(mf.UserError, match=words) as caught:
        mf.fit(pair, **{"steps": 1, "progress": False, **options})
    assert "--" not in str(caught.value)


def test_the_scan_is_hashed_once_in_a_job(tmp_path, pair, monkeypatch):
    from mesofuse.pipeline import generate

    def again(labels):
        raise AssertionError("the scan was read for its hash a second time")

    whole = hashlib.sha256(repr((9, 8, 10)).encode() + np.ascontiguousarray(np.array(pair.scan)).tobytes()).hexdigest()
    monkeypatch.setattr(generate, "hash_labels", again)
    made = mf.fuse(pair, "interpolation", device="cpu", out=tmp_path / "run", progress=False)
    assert made.volume.labels.provenance["low_res_sha256"] == whole
