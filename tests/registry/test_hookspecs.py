import ast
import inspect
import re
from pathlib import Path

import pytest

from mesofuse.registry import hookspecs

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
HOOKS = {name: value for name, value in vars(hookspecs).items() if name.startswith("mesofuse_")}


def signature(name):
    """Return `def name(...) -> ...` as the source has it."""
    (node,) = ast.parse(inspect.getsource(HOOKS[name])).body
    return f"def {name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_with_its_signature(name):
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL)
    assert section, f"docs/hooks.md has no section {name}"
    code = re.search(r"```python\n(.*?)\n```", section[1], re.DOTALL)
    assert code[1] == signature(name)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_one_sentence_which_the_documentation_repeats(name):
    text = " ".join(inspect.getdoc(HOOKS[name]).split())
    assert text.count(".") == 1
    assert text.removesuffix(".") in " ".join(DOCS.split())


def test_the_documentation_has_no_hook_that_is_gone():
    assert set(re.findall(r"^## (mesofuse_\w+)", DOCS, re.MULTILINE)) == set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_exercised(name):
    """Some test next to this one implements the hook in a plugin."""
    tests = [p.read_text() for p in Path(__file__).parent.glob("*.py") if p.name != Path(__file__).name]
    assert any(re.search(rf"@hookimpl(\\n|\n)def {name}\(", text) for text in tests)


def test_the_example_of_the_documentation_works():
    code = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)[0]
    names = {}
    exec(code, names)
    (spec,) = names["mesofuse_components"]()
    assert (names["MESOFUSE_API"], spec.kind, spec.name) == (1, "generator", "mine")
