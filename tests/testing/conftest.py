from pathlib import Path

import pytest

from mesofuse.interfaces.component import ComponentSpec
from mesofuse.registry import Component
from mesofuse.testing import checks_for, run_checks


@pytest.fixture
def component(monkeypatch):
    """Make a component out of a class in the folder `parts`, for example component("critic", "critics:Good")."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "parts")

    def make(kind, target, options="tiny_plugin:TinyOptions", module="tiny_plugin"):
        spec = ComponentSpec(kind, "tiny", "For tests.", target, options)
        return Component(spec, "tiny", "tiny", "1", module)

    return make


@pytest.fixture
def failures(component):
    """Run the kit on a class and return what fails: name of the check -> detail."""

    def run(*args, **kwargs):
        return {r.name: r.detail for r in run_checks(component(*args, **kwargs)) if r.status == "fail"}

    return run


@pytest.fixture
def failure(component):
    """Run one check on a class, require that it fails, and return what it says."""

    def run(kind, target, name, **kwargs):
        part = component(kind, target, **kwargs)
        (result,) = [check(part) for check in checks_for(part) if check.name == name]
        assert result.status == "fail"
        return result.detail

    return run
