"""The example of the Python front door runs, as a script and as a notebook."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_the_script_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "front_door.py", "--size", "96", "--steps", "3", "--out", tmp_path / "a.png"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "surface-area" in done.stdout
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_the_notebook_runs_and_shows_what_it_made(tmp_path):
    notebook = nbformat.read(EXAMPLES / "front_door.ipynb", as_version=4)
    (cell,) = [c for c in notebook.cells if "SIZE, BUDGET" in c.source]
    cell.source = cell.source.replace('SIZE, BUDGET = 256, {"minutes": 4}', 'SIZE, BUDGET = 96, {"steps": 2}')
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [out for c in notebook.cells if c.cell_type == "code" for out in c.outputs]
    assert not [out for out in outputs if out.output_type == "error"]
    pages = [out.data["text/html"] for out in outputs if "text/html" in out.get("data", {})]
    assert sum("<table" in page for page in pages) >= 4
    assert sum("data:image/png" in page for page in pages) >= 2
    assert any("image/png" in out.get("data", {}) for out in outputs)
    assert not any(c.get("outputs") for c in nbformat.read(EXAMPLES / "front_door.ipynb", as_version=4).cells)
