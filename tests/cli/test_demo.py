from pathlib import Path

import pytest

from mesofuse.cli.main import main
from mesofuse.demo import demo
from mesofuse.demo.demo import DemoResult, Line

MET = Line("volume-fraction", "pore", 0.5, 0.49, 0.4, "± 1.5 points", True, True)
AREA = Line("surface-area", "pore | active", 0.2, 0.19, 0.1, "± 12 %", True, True)
SHARE = Line("low-res-consistency", "all", 1.0, 0.99, 0.95, "≥ 98 %", True, True)
MISSED = Line("volume-fraction", "active", 0.4, 0.3, 0.1, "± 1.5 points", False, True)
FARTHER = Line("surface-area", "active | binder", 0.2, 0.19, 0.2, "± 12 %", True, False)


@pytest.fixture
def outcome(monkeypatch):
    """Let the demo end with given lines, and keep what it was called with."""
    calls = []

    def set_lines(*lines):
        def run_demo(out, **options):
            calls.append((out, options))
            return DemoResult(tuple(lines), Path(out) / "demo.png")

        monkeypatch.setattr(demo, "run_demo", run_demo)
        return calls

    return set_lines


def test_it_prints_the_table_and_the_figure(outcome, capsys):
    calls = outcome(MET, AREA, SHARE)
    assert main(["demo", "--out", "here", "--size", "64", "--steps", "3", "--seed", "2"]) == 0
    out = capsys.readouterr().out
    for words in (
        "volume-fraction, wanted ± 1.5 points",
        "-1.0 pt",
        "-10.0 pt",
        "-5 %",
        "-50 %",
        "0.4900",
        "≥ 98 %",
        "met",
    ):
        assert words in out
    assert max(map(len, out.splitlines())) < 80
    assert f"Figure: {Path('here') / 'demo.png'}" in out
    assert "All values are as wanted." in out
    ((where, options),) = calls
    assert where == Path("here")
    assert {k: options[k] for k in ("size", "steps", "seed", "minutes")} == {
        "size": 64, "steps": 3, "seed": 2, "minutes": 1.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"), [(MISSED, "volume-fraction of active"), (FARTHER, "area of active | binder")]
)
def test_check_fails_where_a_limit_is_missed(outcome, capsys, line, words):
    outcome(MET, line)
    assert main(["demo", "--out", "here"]) == 0
    assert words in capsys.readouterr().out
    assert main(["demo", "--out", "here", "--check"]) == 1
    outcome(MET, AREA)
    assert main(["demo", "--out", "here", "--check"]) == 0


def test_mistakes(capsys, tmp_path):
    assert main(["demo", "--size", "32", "--out", str(tmp_path / "a")]) == 2
    assert main(["demo", "--minutes", "nan", "--out", str(tmp_path / "a")]) == 2
    assert "'minutes'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_help_shows_the_example(capsys):
    assert main(["demo", "--help"]) == 0
    out = capsys.readouterr().out
    assert "\n    mesofuse demo --out demo-run --minutes 4\n" in out
    assert "\\b" not in out
