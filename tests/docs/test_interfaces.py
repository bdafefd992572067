"""docs/hooks.md has every kind's interface as the source has it: it fails here when it falls behind."""

import ast
import dataclasses
import importlib
import re
from pathlib import Path

import pytest

import mesofuse.interfaces
from mesofuse.interfaces.component import KINDS

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8").partition("## What a component implements")[2]
TABLE = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", DOCS, re.MULTILINE))
ROOM = [path.stem for path in Path(mesofuse.interfaces.__file__).parent.glob("*.py") if path.stem != "__init__"]
ELSEWHERE = {"ComponentSpec", "Measured"}  # what the registry and the evaluation use


def members(body):
    """Return attributes and methods of a class's body as lines in one spelling."""
    found = []
    for node in body:
        if isinstance(node, ast.AnnAssign):
            found.append(f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}")
        elif isinstance(node, ast.FunctionDef):
            found.append(f"def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}")
    return found


def protocol(kind):
    tree = ast.parse((ROOT / "mesofuse" / "interfaces" / f"{kind}.py").read_text(encoding="utf-8"))
    (found,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == kind.capitalize()]
    return members(found.body)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_documented_with_its_members(kind):
    section = re.search(rf"^### {kind}\n(.*?)(?=^##)", DOCS, re.MULTILINE | re.DOTALL)
    assert section, f"docs/hooks.md has no section {kind}"
    assert f"`mesofuse/interfaces/{kind}.py`" in section[1]
    code = re.search(r"```python\n(.*?)```", section[1], re.DOTALL)[1]
    lines = [line + ": ..." if line.startswith("def ") else line for line in code.splitlines()]
    assert members(ast.parse("\n".join(lines)).body) == protocol(kind)


def handed():
    """Return the dataclasses of the interfaces, which components get or give."""
    for stem in ROOM:
        module = importlib.import_module(f"mesofuse.interfaces.{stem}")
        for name, value in vars(module).items():
            if dataclasses.is_dataclass(value) and value.__module__ == module.__name__ and stem != "events":
                yield name, value


def test_every_class_that_is_handed_over_is_documented_with_its_fields():
    found = {
        name: ", ".join(f"`{f.name}`" for f in dataclasses.fields(value))
        for name, value in handed()
        if name not in ELSEWHERE
    }
    assert found == TABLE
