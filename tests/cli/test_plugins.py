import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from mesofuse.cli.main import main
from mesofuse.registry import get_registry

BROKEN = "raise ImportError('no such thing')\n"


@pytest.fixture
def broken_plugin(tmp_path, monkeypatch):
    info = tmp_path / "broken_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mesofuse.plugins]\nbroken = broken_plugin\n")
    (tmp_path / "broken_plugin.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    get_registry.cache_clear()
    yield
    get_registry.cache_clear()


def run(capsys, *args):
    code = main(["plugins", *args])
    return code, capsys.readouterr()


def test_list_names_what_is_installed(capsys):
    code, out = run(capsys, "list")
    assert code == 0
    lines = out.out.splitlines()
    assert lines[0].split() == ["KIND", "NAME", "FROM", "WHAT", "IT", "IS"]
    assert any(line.startswith("generator    superres-slim") and "mesofuse-superres 0.1.0" in line for line in lines)


def test_list_is_quick_and_imports_no_torch():
    code = (
        "import sys\nfrom mesofuse.cli.main import main\nmain(['plugins', 'list'])\n"
        "assert not {'torch', 'dask', 'rich', 'zarr', 'scipy'} & set(sys.modules)"
    )
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - begin < 3.0  # 0.25 s on a quiet machine


def test_list_of_a_kind_as_json(capsys):
    code, out = run(capsys, "list", "--kind", "metric", "--json")
    record = json.loads(out.out)
    assert code == 0
    assert {c["kind"] for c in record["components"]} == {"metric"}
    assert "volume-fraction" in [c["name"] for c in record["components"]]
    assert record["problems"] == []


def test_list_refuses_an_unknown_kind(capsys):
    code, out = run(capsys, "list", "--kind", "metrics")
    assert code == 2
    assert "'metric'" in out.err


@pytest.mark.usefixtures("broken_plugin")
def test_list_reports_what_is_broken_and_goes_on(capsys):
    code, out = run(capsys, "list")
    assert code == 0
    assert "Not loaded: Plugin 'broken' of broken-plugin: importing broken_plugin raised ImportError" in out.out
    assert "superres-slim" in out.out


def test_show_says_all_about_a_component(capsys):
    code, out = run(capsys, "show", "superres", "--kind", "method")
    assert code == 0
    for text in (
        "critic_steps (int, ≥ 1, ",
        "default 2)",
        "Presets: slim, patterns, paper",
        "  method:\n    name: superres",
        "@article",
    ):
        assert text in out.out


def test_show_prints_the_docstring_of_the_class(capsys):
    code, out = run(capsys, "show", "volume-fraction")
    assert code == 0
    component = get_registry().find("metric", "volume-fraction")
    lines = out.out.splitlines()
    summary = lines.index(f"  {component.spec.summary}")
    assert lines[summary + 1 : summary + 3] == ["", "  " + component.load().__doc__.splitlines()[0]]
    assert "  Formula" in out.out.split("No options.")[0]
    assert all(line == line.rstrip() for line in lines)


def test_show_does_without_a_class_that_cannot_be_imported(capsys, monkeypatch):
    component = get_registry().find("metric", "lineal-path")
    broken = replace(component, spec=replace(component.spec, target="no_such_module:Nothing"))
    monkeypatch.setattr("mesofuse.cli.plugins._matching", lambda name, kind: [broken])
    code, out = run(capsys, "show", "lineal-path")
    assert code == 0
    assert "lags (int" in out.out
    assert "Formula" not in out.out


def test_show_finds_a_name_of_several_kinds(capsys):
    code, out = run(capsys, "show", "superres", "--json")
    assert code == 0
    assert [c["kind"] for c in json.loads(out.out)] == ["critic", "generator", "method"]


@pytest.mark.parametrize("args", [["show", "supperres"], ["check", "supperres", "--kind", "critic"]])
def test_an_unknown_name_offers_the_nearest(capsys, args):
    code, out = run(capsys, *args)
    assert code == 2
    assert "Did you mean 'superres'?" in out.err


def test_the_example_of_show_is_valid(capsys):
    import yaml

    _, out = run(capsys, "show", "superres", "--kind", "method")
    text = out.out.split("left out):\n")[1].split("\n\n")[0]
    data = yaml.safe_load(text)["method"]
    component = get_registry().find("method", data.pop("name"))
    assert component.options(data) == component.options()


def test_check_passes_a_sound_component(capsys):
    code, out = run(capsys, "check", "area-average")
    assert code == 0
    assert "  pass  halo" in out.out
    assert out.out.splitlines()[-1].startswith("All ")


def test_check_fails_with_exit_code_1(capsys, monkeypatch):
    from mesofuse.testing import Check, Failed

    def broken(component):
        raise Failed("it is broken")

    monkeypatch.setattr("mesofuse.testing.checks_for", lambda component: [Check("rule", "A rule.", broken)])
    code, out = run(capsys, "check", "area-average")
    assert code == 1
    assert "fail  rule" in out.out
    assert "it is broken" in out.out
    assert "1 of 1 checks failed." in out.out
    code, out = run(capsys, "check", "area-average", "--json")
    record = json.loads(out.out)
    assert code == 1
    assert record["passed"] is False
    assert record["checks"][0]["detail"] == "it is broken"
