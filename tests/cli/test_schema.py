import json
from pathlib import Path

import pytest

from mesofuse.cli.main import main

ROOT = Path(__file__).parents[2]


def test_the_committed_schemas_are_up_to_date(capsys):
    code = main(["schema", "--check", "--out", str(ROOT / "schemas")])
    assert code == 0, f"run `make schemas`: {capsys.readouterr().err}"


def test_names_are_listed(capsys):
    assert main(["schema"]) == 0
    assert {"generator", "metric", "method", "job"} <= set(capsys.readouterr().out.split())


def test_one_is_printed(capsys):
    assert main(["schema", "critic"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["discriminator"]["mapping"]["superres"] == "#/$defs/superres"


def test_write_then_check_then_drift(tmp_path, capsys):
    folder = tmp_path / "out"
    assert main(["schema", "--out", str(folder)]) == 0
    assert main(["schema", "--out", str(folder), "--check"]) == 0
    (folder / "critic.schema.json").write_text("{}")
    (folder / "left-over.schema.json").write_text("{}")
    (folder / "loss.schema.json").unlink()
    capsys.readouterr()
    assert main(["schema", "--out", str(folder), "--check"]) == 1
    err = capsys.readouterr().err
    assert [name in err for name in ("critic", "left-over", "loss", "metric")] == [True, True, True, False]
    assert main(["schema", "--out", str(folder)]) == 0
    assert not (folder / "left-over.schema.json").exists()
    assert main(["schema", "--out", str(folder), "--check"]) == 0


@pytest.mark.parametrize("args", [["critc"], ["critic", "--check"], ["critic", "--out", "folder"]])
def test_mistakes_are_one_sentence(args, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["schema", *args]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []
