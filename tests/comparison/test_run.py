from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import tifffile

from mesofuse.cli.main import main
from mesofuse.comparison import columns
from mesofuse.comparison.run import reopen
from mesofuse.comparison.table import ComparisonTable
from mesofuse.config.comparison import load_comparison
from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.simulation.electrode import make_electrode, make_scan, sections
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

RULES = ("--phases", "pore,active,binder", "--shows", "0=pore,binder", "--shows", "1=active")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    truth = make_electrode((48,) * 3, seed=0)
    problem = Problem((4.0,) * 3, default_phases(2, ("low", "active")), truth.phases, PhaseMatch(((0, 2), (1,))))
    instrument = get_registry().find("degradation", "blur-downsample").build(None, problem)
    write_labels(make_scan(truth, instrument, problem), folder / "scan.tif")
    write_labels(sections(make_electrode((48,) * 3, seed=1), 2, 48), folder / "sem.tif")
    write_labels(truth, folder / "truth.tif")
    return folder


def arguments(inputs, out, *more, reference=True):
    given = ["compare", "--low-res", str(inputs / "scan.tif"), "--high-res", str(inputs / "sem.tif"), "--scale", "4"]
    given += [*RULES, "--subvolumes", "8", "--size", "16", "--metrics", "volume-fraction,surface-area"]
    given += ["--reference", str(inputs / "truth.tif")] if reference else []
    return [*given, "--out", str(out), "--quiet", *more]


@pytest.fixture(scope="module")
def compared(inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "cmp"
    volume = str(inputs / "truth.tif")
    assert main(arguments(inputs, out, "--method", "interpolation", "--volume", volume)) == 0
    return out


def data(out):
    return json.loads((out / "comparison.json").read_text("utf-8"))


def entry(found, metric, label, column):
    (line,) = [one for one in found["table"] if (one["metric"], one["label"]) == (metric, label)]
    return line["entries"][found["columns"].index(column)]


def test_the_truth_itself_has_no_error_and_interpolation_loses_the_binder(compared):
    found = data(compared)
    assert found["columns"] == ["reference", "image", "interpolation", "truth"]
    same = entry(found, "volume-fraction", "binder", "truth")
    assert same["relative"] == 0
    assert same["relative_error"] == 0  # the same places: no scatter is left
    assert same["wasserstein"] == 0
    lost = entry(found, "volume-fraction", "binder", "interpolation")
    assert lost["mean"] == 0
    assert lost["relative"] == -1
    assert found["mean_absolute_error"]["truth"] == 0 < found["mean_absolute_error"]["interpolation"]
    assert entry(found, "low-res-consistency", "all", "truth")["whole"] == 1


def test_the_reference_shows_its_own_floor_and_spread(compared):
    for line in data(compared)["table"]:
        if line["metric"] == "volume-fraction":
            assert 0 < line["floor"] < line["spread"]


def test_time_and_memory_are_of_the_process_that_made_the_volume(compared):
    usage = data(compared)["usage"]
    assert set(usage) == {"interpolation"}
    assert usage["interpolation"]["finished"]
    assert usage["interpolation"]["generate_seconds"] > 0
    assert 50e6 < usage["interpolation"]["peak_bytes"] < 4e9


def test_csv_holds_the_same_numbers(compared):
    with (compared / "comparison.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (row,) = [r for r in rows if (r["metric"], r["of"], r["volume"]) == ("volume-fraction", "pore", "interpolation")]
    exact = entry(data(compared), "volume-fraction", "pore", "interpolation")
    assert float(row["mean"]) == pytest.approx(exact["mean"], abs=0.06 * exact["error"])
    assert len(row["mean"]) < len(str(exact["mean"]))
    assert any(r["metric"] == "cost" and r["of"] == "peak memory" for r in rows)


def test_what_is_done_is_not_done_again(compared, inputs, monkeypatch, capsys):
    monkeypatch.setattr("subprocess.Popen", lambda *a, **k: pytest.fail("the volume was made again"))
    monkeypatch.setattr("mesofuse.evaluation.subvolumes.measure", lambda *a, **k: pytest.fail("measured again"))
    before = (compared / "comparison.json").read_text("utf-8")
    volume = str(inputs / "truth.tif")
    assert main(arguments(inputs, compared, "--method", "interpolation", "--volume", volume)) == 0
    assert (compared / "comparison.json").read_text("utf-8") == before
    assert "mean |error|" in capsys.readouterr().out


def test_reopened_it_is_what_was_measured_and_each_volume_is_hashed_once(compared, monkeypatch):
    monkeypatch.setattr("mesofuse.evaluation.subvolumes.measure", lambda *a, **k: pytest.fail("measured again"))
    hashed = []
    real = columns.hash_labels
    monkeypatch.setattr(columns, "hash_labels", lambda labels: hashed.append(labels) or real(labels))
    before = (compared / "comparison.json").read_text("utf-8")
    found = reopen(load_comparison(compared / "comparison.yaml"), compared)
    assert json.loads(json.dumps(ComparisonTable(found).to_json())) == json.loads(before)
    assert len(hashed) == len({id(labels) for labels in hashed}) == len(found.labels)
    assert (compared / "comparison.json").read_text("utf-8") == before


def test_an_unfinished_comparison_is_not_reopened(compared, tmp_path):
    shutil.copytree(compared, tmp_path / "cmp")
    shutil.rmtree(tmp_path / "cmp" / "interpolation")
    with pytest.raises(UserError, match="not finished"):
        reopen(load_comparison(compared / "comparison.yaml"), tmp_path / "cmp")


def test_another_seed_is_refused(compared, inputs, capsys):
    assert main(arguments(inputs, compared, "--method", "interpolation", "--seed", "5")) == 2
    assert "seed" in capsys.readouterr().err
    assert data(compared)["columns"][2] == "interpolation"


def test_without_a_reference_errors_are_against_the_image(inputs, tmp_path):
    volume = str(inputs / "truth.tif")
    assert main(arguments(inputs, tmp_path / "cmp", "--volume", volume, reference=False)) == 0
    found = data(tmp_path / "cmp")
    assert found["reference"] == "image"
    assert entry(found, "surface-area", "pore | active", "truth")["relative"] is not None


def test_a_yaml_file_says_the_same(inputs, tmp_path):
    text = "low_res: scan.tif\nhigh_res: sem.tif\nscale: 4\nphases: [pore, active, binder]\nsubvolumes: 4\nsize: 16\n"
    text += "shows: {0: [pore, binder], 1: [active]}\nmetrics: [{name: volume-fraction}]\n"
    text += "compare: [{name: mine, volume: truth.tif}]\n"
    file = inputs / "comparison.yaml"
    file.write_text(text.replace("{0:", "{'0':").replace(" 1:", " '1':"), "utf-8")
    assert main(["compare", str(file), "--out", str(tmp_path / "cmp"), "-q"]) == 0
    assert data(tmp_path / "cmp")["columns"] == ["image", "mine"]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (("--method", "interpolaton"), "interpolation"),
        (("--method", "interpolation", "--metrics", "volume-fracton"), "volume-fraction"),
        (("--method", "interpolation", "--size", "64"), "smaller size"),
        (("--method", "interpolation", "--set", "superres.steps=3"), "method's name"),
        (("--volume", "missing.tif"), "missing.tif"),
        ((), "nothing to compare"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(inputs, tmp_path, more, word, capsys):
    assert main(arguments(inputs, tmp_path / "cmp", *more)) == 2
    error = capsys.readouterr().err
    assert word in error
    assert "Traceback" not in error
    assert not (tmp_path / "cmp").exists()


def test_a_volume_of_other_phases_is_refused(inputs, tmp_path, capsys):
    labels = np.random.default_rng(0).integers(0, 2, (48,) * 3, dtype=np.uint8)
    other = LabelArray(labels, Grid(labels.shape), default_phases(2, ("iron", "carbon")))
    write_labels(other, tmp_path / "other.tif")
    assert main(arguments(inputs, tmp_path / "cmp", "--volume", str(tmp_path / "other.tif"))) == 2
    assert "iron" in capsys.readouterr().err


def test_a_strangers_folder_is_left_alone(inputs, tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("x", "utf-8")
    given = arguments(inputs, tmp_path, "--method", "interpolation", "--overwrite")
    assert main(given) == 2
    assert (tmp_path / "thesis.tex").exists()


def test_report_of_the_comparison(compared, tmp_path, monkeypatch):
    monkeypatch.setenv("MESOFUSE_NO_VTK", "1")
    out, figures = tmp_path / "r.html", tmp_path / "figures"
    given = ["report", str(compared), "--out", str(out), "--figures", str(figures), "--format", "svg", "--pdf", "-q"]
    assert main(given) == 0
    text = out.read_text("utf-8")
    for word in ("Figure 2", "Values and errors", "dahari2023fusion", "drawn without VTK", "SHA-256", "image size"):
        assert word in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert {"errors.svg", "chord-length.svg", "consistency.svg"} <= {p.name for p in figures.iterdir()}
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    assert main(given) == 2  # it is there already


@pytest.mark.parametrize(
    ("values", "words"),
    [((0, 1), "different numbers of phases"), ((1, 3, 5), "different values"), ((0, 2), "different numbers of phases")],
)
def test_files_are_refused_as_measure_refuses_them(values, words, tmp_path, capsys):
    rng = np.random.default_rng(0)
    image, volume = str(tmp_path / "sem.tif"), str(tmp_path / "volume.tif")
    tifffile.imwrite(image, rng.choice(3, (32, 32)).astype(np.uint8), photometric="minisblack")
    tifffile.imwrite(volume, rng.choice(values, (16, 16, 16)).astype(np.uint8), photometric="minisblack")
    out = tmp_path / "cmp"
    both = ["compare", "--high-res", image, "--volume", volume, "--subvolumes", "4", "--size", "8", "--out", str(out)]
    assert main(both) == 2
    refused = capsys.readouterr().err
    assert words in refused
    assert "--phases" in refused
    assert not out.exists()
    assert main(["measure", image, volume]) == 2
    assert capsys.readouterr().err == refused
    assert main(["render", volume, str(tmp_path / "figure.png"), "--image", image]) == 2
    assert words in capsys.readouterr().err
    named = [*both, "--phases", "pore,active,binder", "--metrics", "volume-fraction", "--json"]
    assert main(named) == 0
    captured = capsys.readouterr()
    table = json.loads(captured.out)["table"]
    absent = [line["label"] for line in table if line["entries"][1]["whole"] == 0]
    assert absent == [
        name for i, name in enumerate(("pore", "active", "binder")) if len(values) < 3 and i not in values
    ]
