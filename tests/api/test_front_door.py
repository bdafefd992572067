"""`import mesofuse`: quick, lazy, and complete."""

import doctest
import importlib
import subprocess
import sys

import pytest

import mesofuse as mf

MODULES = ("data", "fitting", "jobs", "measuring", "model", "pair", "plot", "temporary", "volume", "words")


def test_importing_imports_nothing_heavy():
    heavy = "('torch', 'zarr', 'dask', 'numpy')"
    code = f"import sys, mesofuse as mf; mf.__all__; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_has_a_docstring():
    assert set(mf.__all__) <= set(dir(mf))
    assert all(getattr(mf, name).__doc__ for name in mf.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fuze'"):
        mf.fuze  # noqa: B018


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.filterwarnings("error")
def test_the_examples_of_the_docstrings_are_true(name):
    found = doctest.testmod(importlib.import_module(f"mesofuse.api.{name}"))
    assert found.failed == 0


def test_python_m_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "mesofuse", "--version"], capture_output=True, text=True, check=True)
    assert mf.__version__ in done.stdout
