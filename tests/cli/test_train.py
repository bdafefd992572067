"""`mesofuse train`: a configuration gives the same model again, also when the process is killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from mesofuse.cli.main import main
from mesofuse.config.job import load_job


@pytest.fixture(scope="module")
def finished(tiny_job, tmp_path_factory):
    """A fused run, whose configuration says 4 steps."""
    out = tmp_path_factory.mktemp("train") / "first"
    assert main(["fuse", *tiny_job, "--steps", "4", "--out", str(out)]) == 0
    return out


def digest(out):
    return json.loads((out / "model" / "model.json").read_text())["digest"]


def refused(capsys, *args):
    capsys.readouterr()
    assert main(["train", *map(str, args)]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return " ".join(captured.err.split())


def test_a_fused_run_is_repeated_by_its_configuration(finished, tmp_path, capsys):
    assert main(["train", str(finished / "config.yaml"), "--out", str(tmp_path / "again"), "--quiet"]) == 0
    assert digest(tmp_path / "again") == digest(finished)
    assert f"({digest(finished)[:12]})" in capsys.readouterr().out
    assert load_job(tmp_path / "again" / "config.yaml") == load_job(finished / "config.yaml")
    assert {p.name for p in (tmp_path / "again").iterdir()} == {"config.yaml", "inputs.json", "model", "training"}


def test_a_profile_is_printed_at_the_end(finished, tmp_path, capsys):
    config = str(finished / "config.yaml")
    assert main(["train", config, "--out", str(tmp_path / "again"), "--quiet", "--profile"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4 steps in ")
    assert any(line.split()[0] == "generator" and line.endswith("%") for line in lines)
    assert digest(tmp_path / "again") == digest(finished)
    assert main(["train", config, "--out", str(tmp_path / "again"), "--quiet", "--profile", "--resume"]) == 0
    assert "nothing to profile" in capsys.readouterr().err


def test_the_folder_is_named_after_the_configurations(finished):
    assert main(["train", str(finished / "config.yaml"), "--steps", "1", "--quiet"]) == 0
    again = finished.with_name("first-again")
    assert load_job(again / "config.yaml").steps == 1
    assert digest(again) != digest(finished)


def test_a_short_configuration_with_relative_paths_is_enough(finished, tmp_path):
    job = load_job(finished / "config.yaml")
    for key in ("low_res", "high_res"):
        (tmp_path / f"{key}.tif").write_bytes(Path(getattr(job, key)).read_bytes())
    short = {"low_res": "low_res.tif", "high_res": "high_res.tif", "scale": 4, "method": {"name": "interpolation"}}
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(short))
    assert main(["train", str(tmp_path / "job.yaml"), "--out", str(tmp_path / "out")]) == 0
    resolved = load_job(tmp_path / "out" / "config.yaml")
    assert resolved.low_res == str(tmp_path / "low_res.tif")
    assert resolved.scale == (4.0, 4.0, 4.0)


@pytest.mark.parametrize("kind", ["minutes", "steps"])
def test_a_budget_on_the_command_line_replaces_both(finished, tmp_path, kind):
    value = {"minutes": "0.00001", "steps": "1"}[kind]
    config, out = str(finished / "config.yaml"), tmp_path / "out"
    assert main(["train", config, "--out", str(out), f"--{kind}", value, "--quiet"]) == 0
    job = load_job(out / "config.yaml")
    assert (job.minutes, job.steps) == ((None, 1) if kind == "steps" else (0.00001, None))


def test_killed_twice_and_resumed_gives_the_same_model(finished, tmp_path):
    """Each process is killed with -9 as soon as one more step is in its log; the last one finishes."""
    out = tmp_path / "run"
    arguments = ["train", str(finished / "config.yaml"), "--out", str(out), "--resume", "--quiet"]
    program = "import sys; from mesofuse.cli.main import main; sys.exit(main(sys.argv[1:]))"
    log = out / "training" / "metrics.csv"

    def steps():
        return len(log.read_text().splitlines()) - 1 if log.exists() else 0

    for wanted in (1, 2):
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments], env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        try:
            while process.poll() is None and steps() < wanted:
                time.sleep(0.005)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert (out / "config.yaml").exists()
    assert main(arguments) == 0
    assert digest(out) == digest(finished)


def test_resume_trains_on_to_another_budget_and_else_leaves_the_model(finished, tmp_path, capsys):
    out = tmp_path / "run"
    config = finished / "config.yaml"
    assert main(["train", str(config), "--out", str(out), "--steps", "1", "--quiet"]) == 0
    first = (out / "model" / "model.json").read_bytes()
    assert main(["train", str(config), "--out", str(out), "--steps", "1", "--resume", "--quiet"]) == 0
    assert (out / "model" / "model.json").read_bytes() == first
    assert main(["train", str(config), "--out", str(out), "--resume", "--quiet"]) == 0
    budget = json.loads((out / "model" / "model.json").read_text())["provenance"]["budget"]
    assert budget == {"steps": load_job(config).steps, "minutes": None}


MISTAKES = {
    "none": (None, "There is no"),
    "not-yaml": ("low_res: [", "can't be read as YAML"),
    "binary": (b"\xff\xfe\x00", "can't be read as YAML"),
    "list": ("- 1", "must be a YAML mapping"),
    "empty": ("", "must be a YAML mapping"),
    "missing": ("{low_res: a, scale: 4}", "needs the option 'high_res'"),
    "misspelt": ("{low_res: a, high_res: b, scale: 4, sed: 1}", "Did you mean 'seed'?"),
    "scale": ("{low_res: a, high_res: b, scale: 0}", "'scale'"),
    "scale-type": ("{low_res: a, high_res: b, scale: {z: 4}}", "'scale'"),
    "method": ("{low_res: a, high_res: b, scale: 4, method: {name: superes}}", "Did you mean 'superres'?"),
    "method-type": ("{low_res: a, high_res: b, scale: 4, method: superres}", "'method'"),
    "name-type": ("{low_res: a, high_res: b, scale: 4, method: {name: 3}}", "There is no method '3'"),
    "file": ("{low_res: a, high_res: b, scale: 4}", "not exist"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_configuration_is_one_sentence(tmp_path, capsys, mistake):
    text, words = MISTAKES[mistake]
    if text is not None:
        (tmp_path / "job.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = sorted(tmp_path.iterdir())
    assert words in refused(capsys, tmp_path / "job.yaml", "--out", tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("options", [["--steps", "0"], ["--minutes", "0"], ["--minutes", "nan"], ["--device", "gpu"]])
def test_a_mistake_on_the_command_line_is_one_sentence(finished, tmp_path, capsys, options):
    assert options[1] in refused(capsys, finished / "config.yaml", "--out", tmp_path / "out", *options)
    assert not list(tmp_path.iterdir())


def test_help_shows_the_example(capsys):
    assert main(["train", "--help"]) == 0
    out = capsys.readouterr().out
    assert "\n    mesofuse train runs/first/config.yaml --out runs/second\n" in out
    assert "\\b" not in out
