"""The examples run from end to end on tiny made-up inputs."""

import csv
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

from mesofuse.testing.problems import blobs

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = {
    "nmc": {"NMC_lr_input.tif": ((8, 8, 8), 2), "NMC_hr_input.tif": ((1, 48, 48), 3)},
    "separator": {
        "Separator_lr_input.tif": ((10, 8, 8), 2), "Separator_hr_input_rods.tif": ((1, 48, 48), 2),
        "Separator_hr_input_speckles.tif": ((1, 40, 40), 2),
    },
}  # fmt: skip
TINY = {
    "generator": {"channels": 4, "last": 4}, "critic": {"channels": 4, "crop": 16}, "critic_steps": 1,
    "batch": {"volumes": 1, "slices": 2}, "selection": {"window": 7, "parts": 1},
}  # fmt: skip


@pytest.fixture
def run_example(monkeypatch):
    """Return a function that imports an example and runs it as a command; it may change the module before."""

    def run(name, *words, change=lambda module: None):
        path = EXAMPLES / name
        spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        change(module)
        monkeypatch.setattr(sys, "argv", [str(path), *map(str, words)])
        return module.main()

    return run


@pytest.fixture
def cases(tmp_path):
    """The cases with networks and subvolumes small enough for a test, and a folder of files with the cases' names."""
    (tmp_path / "data").mkdir()
    for name, files in FILES.items():
        case = yaml.safe_load((EXAMPLES / "case_studies" / name / "case.yaml").read_text())
        case["job"]["method"] |= TINY
        if "transport" in case:
            case["transport"] = {"size": 16, "count": 2}
        (tmp_path / "cases" / name).mkdir(parents=True)
        (tmp_path / "cases" / name / "case.yaml").write_text(yaml.safe_dump(case))
        for seed, (file, (shape, phases)) in enumerate(files.items()):
            array = blobs(shape, phases, seed=seed).array
            tifffile.imwrite(tmp_path / "data" / file, array.squeeze(), photometric="minisblack")
    return tmp_path


def case_study(run_example, folder, name, *more):
    words = (name, "--data", folder / "data", "--out", folder / "out", "--steps", 2, "--workers", 1, *more)
    return run_example(
        "case_studies/run.py", *words, change=lambda module: setattr(module, "HERE", folder / "cases")
    )  # fmt: skip


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return {tuple(row.values())[:3] for row in csv.DictReader(stream)}


@pytest.mark.parametrize("name", FILES)
def test_a_case_study(run_example, cases, name, capsys):
    assert case_study(run_example, cases, name) == 0
    assert "Results:" in capsys.readouterr().out
    found = rows(cases / "out" / "results.csv")
    assert ("fused", "low-res-consistency", "all") in found
    images = {volume for volume, _, _ in found if volume.startswith("image")}
    if name == "nmc":
        assert images == {"image"}
        assert {metric for volume, metric, _ in found if volume == "fused"} >= {"triple-phase-boundary", "surface-area"}
    else:
        assert images == {"image zy", "image x"}
        for volume in ("scan", "fused"):
            assert (volume, "transport-efficiency", "pore | z") in found
    assert (cases / "out" / "preview.png").stat().st_size > 1000
    assert case_study(run_example, cases, name, "--resume") == 0


def test_a_missing_file_is_one_sentence(run_example, cases, capsys):
    (cases / "data" / "NMC_lr_input.tif").unlink()
    assert case_study(run_example, cases, "nmc") == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert "NMC_lr_input.tif" in said
    assert len(said.splitlines()) == 1
    assert not (cases / "out").exists()


def test_the_study_of_scale_factors(run_example, tmp_path, capsys):
    def shrink(module):
        make = module.make_job
        module.make_job = lambda job, what: make({**job, "method": {**job["method"], **TINY}}, what)

    words = ("--out", tmp_path / "scales", "--scales", "2,4", "--size", 32, "--steps", 2)
    assert run_example("scale_factor_study.py", *words, change=shrink) == 0
    found = rows(tmp_path / "scales" / "scales.csv")
    assert {volume for volume, _, _ in found} == {"truth", "scale 2", "scale 4"}
    assert ("scale 4", "low-res-consistency", "all") in found
    assert (tmp_path / "scales" / "scales.png").stat().st_size > 1000
    capsys.readouterr()
    assert run_example("scale_factor_study.py", "--out", tmp_path / "other", "--scales", "0.5", "--size", 32) == 2
    assert capsys.readouterr().err.startswith("Error: The scale factor '0.5'")


def test_the_contest(run_example, tmp_path, capsys):
    rock = blobs((66, 32, 32), 2)
    tifffile.imwrite(tmp_path / "rock.tif", rock.array * np.uint8(7) + 1, photometric="minisblack")
    words = ("--material", f"rock:{tmp_path / 'rock.tif'}", "--size", 16, "--seeds", 2, "--subvolumes", 4)
    out = tmp_path / "out"
    methods = ("--methods", "interpolation,plurigaussian", "--out", out)
    assert run_example("contest/run.py", *words, *methods) == 0
    lines = (out / "contest.md").read_text("utf-8").splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:4]] == ["interpolation", "plurigaussian"]
    assert (out / "contest.png").stat().st_size > 10_000
    rows = json.loads((out / "contest.json").read_text())["rows"]
    assert rows["interpolation"]["0"]["low-res-consistency"] > 0.9
    assert rows["plurigaussian"]["0"] != rows["plurigaussian"]["1"]
    capsys.readouterr()
    assert run_example("contest/run.py", "--out", out, "--table") == 0
    assert "2 seeds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--material", "wood"), "There is no material 'wood'"),
        (("--material", "rock:ROCK", "--size", "64"), "smaller --size"),
        (("--table",), "run the contest first"),
    ],
)
def test_mistakes_of_the_contest_are_one_sentence(run_example, tmp_path, capsys, words, sentence):
    tifffile.imwrite(tmp_path / "rock.tif", blobs((32, 32, 32), 2).array, photometric="minisblack")
    given = [word.replace("ROCK", str(tmp_path / "rock.tif")) for word in words]
    assert run_example("contest/run.py", *given, "--out", tmp_path / "out") == 2
    assert sentence in capsys.readouterr().out
