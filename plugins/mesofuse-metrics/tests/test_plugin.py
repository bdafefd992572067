from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from mesofuse_metrics.plugin import mesofuse_components

from mesofuse.interfaces.metric import AdditiveMetric, Metric
from mesofuse.registry import load_registry

SPECS = mesofuse_components()
PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


@pytest.mark.parametrize("name", [spec.name for spec in SPECS])
def test_each_metric_loads_and_says_what_it_counts(name):
    component = load_registry(only=["metrics"], strict=True).find("metric", name)
    built = component.build(None)
    assert isinstance(built, Metric)
    assert component.spec.summary.endswith(".")
    text = component.load().__doc__
    for word in ("Formula", "Convention", "nit"):
        assert word in text, f"{component.spec.target} does not state its {word}"
    assert all(field.description for field in component.options_model().model_fields.values())
    streams = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| `{name}`")]
    assert len(streams) == 1, f"docs/metrics.md has no row for {name}"
    assert (streams[0].split("|")[5].strip() == "yes") == isinstance(built, AdditiveMetric)
    assert (streams[0].split("|")[4].strip() == "no") == built.needs.three_d


def test_each_metric_has_its_test():
    tests = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    assert {f"test_{spec.target.split(':')[0].rpartition('.')[2]}" for spec in SPECS} <= tests


def test_one_source_has_one_entry_in_all_plugins():
    texts = {c.spec.citation for c in load_registry().components()}
    entries = {entry.strip() for text in texts for entry in re.split(r"(?m)^(?=@)", text) if entry.strip()}
    keys = [entry.split("{")[1].split(",")[0] for entry in entries]
    assert "dahari2023fusion" in keys
    assert sorted(keys) == sorted(set(keys))


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, mesofuse_metrics.plugin as p; p.mesofuse_components();"
        "print([m for m in ('torch', 'scipy', 'cc3d', 'edt', 'taufactor', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
