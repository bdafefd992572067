"""Several realisations: each is what `generate` makes, the summary is numpy's, and a kill changes nothing."""

import csv
import json
import statistics

import numpy as np
import pytest
import tifffile
import zarr

from mesofuse.cli.main import main
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.models.package import save_package
from mesofuse.pipeline import realisations as module
from mesofuse.pipeline.realisations import spreads
from mesofuse.streaming import summary
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.store.labels import LabelVolume

LOW = blobs((7, 5, 6), 2, seed=4)


@pytest.fixture(scope="module")
def place(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("realisations")
    model, options = tiny_model(3.0)
    model.tile = (4, 4, 4)
    save_package(folder / "model", model, "superres", options, {})
    tifffile.imwrite(folder / "scan.tif", LOW.array, photometric="minisblack")
    return folder


def run(place, out, *more, count=3):
    words = [
        "realisations",
        place / "model",
        place / "scan.tif",
        out,
        "--count",
        count,
        "--chunks",
        "8",
        "--quiet",
        *more,
    ]
    return main(list(map(str, words)))


@pytest.fixture(scope="module")
def made(place, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "out"
    assert run(place, out, "--seed", "4") == 0
    return out


def labels(path):
    volume = LabelVolume.open(path)
    return volume.read(volume.grid.region)


def arrays(out):
    group = zarr.open_group(str(out / "summary.zarr"), mode="r")
    return labels(out / "summary.zarr"), group["probability"][...], group["entropy"][...]


def files(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def test_each_is_what_generate_writes(place, made, tmp_path):
    for seed in (4, 5, 6):
        out = tmp_path / f"seed-{seed}.zarr"
        words = ["generate", place / "model", place / "scan.tif", out, "--seed", seed, "--chunks", "8", "--quiet"]
        assert main(list(map(str, words))) == 0
        assert files(out) == files(made / f"seed-{seed}.zarr")
    assert (labels(made / "seed-4.zarr") != labels(made / "seed-5.zarr")).any()


def test_the_summary_is_numpys(made):
    every = np.stack([labels(made / f"seed-{seed}.zarr") for seed in (4, 5, 6)])
    probability = np.stack([(every == phase).mean(0) for phase in range(3)])
    best, found, entropy = arrays(made)
    np.testing.assert_array_equal(best, probability.argmax(0))
    np.testing.assert_allclose(found, probability, atol=1e-6)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-6)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = -np.nansum(probability * np.log2(probability), axis=0)
    np.testing.assert_allclose(entropy, expected, atol=1e-5)
    agree = (every == every[0]).all(0)
    assert agree.any()
    assert (~agree).any()
    assert (entropy[agree] == 0).all()
    assert (entropy[~agree] > 0.9).all()
    assert found.dtype == entropy.dtype == np.float32


def test_numbers_are_given_with_their_spread(made):
    record = json.loads((made / "realisations.json").read_text())
    assert record["seeds"] == [4, 5, 6]
    shares = [(labels(made / f"seed-{seed}.zarr") == 1).mean() for seed in (4, 5, 6)]
    (row,) = [r for r in record["spreads"] if (r["metric"], r["label"]) == ("volume-fraction", "phase 1")]
    assert row["values"] == pytest.approx(shares)
    assert (row["mean"], row["deviation"]) == pytest.approx((statistics.fmean(shares), statistics.stdev(shares)))
    assert (row["least"], row["most"], row["count"]) == (pytest.approx(min(shares)), pytest.approx(max(shares)), 3)
    assert any(r["metric"] == "low-res-consistency" for r in record["spreads"])
    rows = list(csv.DictReader((made / "realisations.csv").open()))
    assert len(rows) == len(record["spreads"])
    assert float(rows[1]["standard deviation"]) == pytest.approx(row["deviation"])


def test_undefined_values_are_left_out():
    volumes = [
        Measured(str(i), Grid((1, 1, 1)), [Measurement("m", "x", v)]) for i, v in enumerate([1.0, float("nan"), 3.0])
    ]
    (row,) = spreads(volumes)
    assert (row.mean, row.least, row.most, row.count, row.values) == (2.0, 1.0, 3.0, 2, (1.0, None, 3.0))
    (row,) = spreads(volumes[1:2])
    assert np.isnan(row.mean)
    assert row.count == 0


@pytest.mark.parametrize("where", ["measure", "summary"])
def test_resumed_is_uninterrupted(place, made, tmp_path, monkeypatch, where):
    out, calls = tmp_path / "out", []
    home, name = (module, "measure") if where == "measure" else (summary, "shares")
    original = getattr(home, name)

    def breaking(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(home, name, breaking)
    assert run(place, out, "--seed", "4", "--workers", "1") == 130
    assert not (out / "realisations.json").exists()
    assert run(place, out, "--seed", "4", "--resume") == 0
    blocks = len(list(LabelVolume.open(out / "summary.zarr").grid.region.blocks((8, 8, 8))))
    assert len(calls) == 1 + (3 if where == "measure" else blocks)  # nothing that was done is done again
    assert files(out) == files(made)


def test_more_can_be_added(place, made, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(place, out, "--seed", "4", count=2) == 0
    assert run(place, out, "--seed", "4") == 2
    assert "--resume" in capsys.readouterr().err
    assert run(place, out, "--seed", "4", "--resume") == 0
    for one, other in zip(arrays(out), arrays(made), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_folder_of_other_things_is_left_alone(place, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    for more in ([], ["--resume"], ["--overwrite"]):
        assert run(place, out, *more) == 2
        assert "thesis.txt" in capsys.readouterr().err
    assert (out / "thesis.txt").read_text() == "years of work"
    assert run(place, tmp_path / "new", "--metrics", "volume-fractoin") == 2
    assert "volume-fraction" in capsys.readouterr().err


def test_overwriting_and_projecting(place, tmp_path):
    out = tmp_path / "out"
    assert run(place, out, "--seed", "4", count=2) == 0
    assert run(place, out, "--project", "--overwrite", count=2) == 0
    assert not (out / "seed-4.zarr").exists()
    record = json.loads((out / "realisations.json").read_text())
    (row,) = [r for r in record["spreads"] if (r["metric"], r["label"]) == ("low-res-consistency", "all")]
    assert (row["mean"], row["deviation"]) == (1.0, 0.0)
    assert LabelVolume.open(out / "summary.zarr").provenance["projection"]["free"] == []


def test_a_method_that_draws_nothing_says_so_and_is_still_held_against_the_scan(tiny_job, tmp_path, capsys):
    words = [a for i, a in enumerate(map(str, tiny_job)) if not {"--set", "--quiet"} & {a, str(tiny_job[i - 1])}]
    run_folder = tmp_path / "run"
    assert main(["fuse", *words, "--method", "interpolation", "--out", str(run_folder)]) == 0
    assert "agreement with the scan is judged by the degradation 'blur-downsample'" in "".join(capsys.readouterr())
    fused = json.loads((run_folder / "metrics.json").read_text("utf-8"))["fused"]["results"]
    agreement = {r["label"]: r["value"] for r in fused if r["metric"] == "low-res-consistency"}
    assert agreement["all"] > 0.9

    out = tmp_path / "out"
    scan = words[words.index("--low-res") + 1] if "--low-res" in words else words[1]
    assert main(["realisations", str(run_folder / "model"), scan, str(out), "--count", "2", "--chunks", "8"]) == 0
    said = capsys.readouterr()
    assert "judged by the degradation 'blur-downsample'" in said.err
    table = [line for line in said.out.splitlines() if "│" in line]
    assert not any("±" in line for line in table)
    assert "[1] The method draws nothing: all seeds give one result, so there is no spread." in said.out
    record = json.loads((out / "realisations.json").read_text("utf-8"))
    assert record["draws"] is False
    (consistency,) = [s for s in record["spreads"] if (s["metric"], s["label"]) == ("low-res-consistency", "all")]
    assert consistency["mean"] == agreement["all"]
