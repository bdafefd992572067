"""docs/api.md is what the docstrings say."""

import importlib.util
from pathlib import Path

import mesofuse as mf

DOCS = Path(__file__).parents[2] / "docs"


def built():
    spec = importlib.util.spec_from_file_location("build_api", DOCS / "build_api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date():
    assert (DOCS / "api.md").read_text(encoding="utf-8") == built().reference(), "run python docs/build_api.py"


def test_every_public_name_is_in_it():
    named = [name for names in built().GROUPS.values() for name in names]
    assert sorted(named) == sorted(mf.__all__)
