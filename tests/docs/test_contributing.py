"""The plugin that CONTRIBUTING.md builds, block by block: it runs, and the conformance kit passes on all of it."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest

from mesofuse.cli.main import main
from mesofuse.interfaces.component import KINDS
from mesofuse.interfaces.events import RunFinished
from mesofuse.interfaces.metric import MetricContext
from mesofuse.registry import get_registry, load_registry
from mesofuse.testing.problems import blobs

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", TEXT, re.DOTALL))
COMPONENTS = re.findall(r'spec\("(\w+)", "([\w-]+)"', BLOCKS["my_lab/plugin.py"])


@pytest.fixture
def my_lab(install, tmp_path):
    """Write the blocks to files and install them."""
    source = tmp_path / "source"
    (source / "my_lab").mkdir(parents=True)
    for name, code in BLOCKS.items():
        if name.startswith("my_lab/") and "/tests/" not in name:
            (source / name).write_text(code)
    install(BLOCKS["pyproject.toml"], source)


def test_every_python_block_names_its_file_and_compiles():
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == len([name for name in BLOCKS if name.endswith(".py")])
    for block in blocks:
        ast.parse(block)


def test_there_is_an_example_of_every_kind():
    assert {kind for kind, _ in COMPONENTS} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_recipe_that_begins_with_the_template(kind):
    section = re.search(rf"^### A {kind}\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)[1]
    assert f"`mesofuse plugins new NAME --kind {kind}`" in section
    assert re.search(r"```python\n# my_lab/", section)


@pytest.mark.usefixtures("my_lab")
@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_conforms_to_the_kit(kind, name):
    """As the page's own test does."""
    assert "assert_conforms(spec.kind, spec.name)" in BLOCKS["my_lab/tests/test_my_lab.py"]
    assert get_registry().problems == []
    from mesofuse.testing import assert_conforms

    assert_conforms(kind, name)


@pytest.mark.usefixtures("my_lab")
def test_the_metric_counts_what_it_says():
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[1, 1, 1] = 1
    volume = blobs((3, 3, 3), 2)
    metric = get_registry().find("metric", "exposed").build(None)
    found = {r.label: r.value for r in metric.measure(labels, MetricContext(volume.grid, volume.phases))}
    assert found == {"phase 0": 6 / 26, "phase 1": 1.0}


@pytest.mark.usefixtures("my_lab")
def test_the_format_is_written_and_read(tmp_path, capsys):
    from my_lab import labvol

    volume = blobs((5, 6, 7), 3)
    path = tmp_path / "a.labvol"
    labvol.write(volume, str(path))
    raw = labvol.read(str(path))
    np.testing.assert_array_equal(raw.array, volume.array)
    assert (raw.voxel_size, raw.unit) == ((0.5, 0.5, 0.5), "micrometer")
    assert main(["import", str(path), str(tmp_path / "a.zarr")]) == 0, capsys.readouterr().err
    assert main(["export", str(tmp_path / "a.zarr"), str(tmp_path / "b.labvol")]) == 0, capsys.readouterr().err
    assert (tmp_path / "b.labvol").read_bytes() == path.read_bytes()
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["info", str(path)]) == 2
    assert "is cut off: it holds 209 voxels" in capsys.readouterr().err


@pytest.mark.usefixtures("my_lab")
def test_the_listener_hears_the_end_of_a_run(tmp_path, monkeypatch):
    from my_lab import listener

    monkeypatch.setenv("MY_LAB_LOG", str(tmp_path / "log"))
    registry = load_registry(only=[], extra=[listener])
    registry.emit(RunFinished("train", "here"))
    assert registry.problems == []
    assert json.loads((tmp_path / "log").read_text())["path"] == "here"
