"""What `mesofuse plugins new` writes, for every kind: it installs, passes the kit and its own tests, and is clean."""

import subprocess
import sys
from pathlib import Path

import pytest

from mesofuse.interfaces.component import KINDS
from mesofuse.registry import get_registry
from mesofuse.testing.scaffold import LONGEST, new_plugin

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", KINDS)
def test_it_conforms_and_passes_its_own_tests(kind, install, own_tests, tmp_path):
    """Its own tests run the conformance kit."""
    folder = tmp_path / "new"
    new_plugin(f"fine-{kind}", kind, folder)
    install((folder / "pyproject.toml").read_text(), folder / "src")
    assert get_registry().problems == []
    assert get_registry().find(kind, f"fine-{kind}").distribution == f"fine-{kind}"
    names = own_tests(folder / "tests")
    assert "test_conforms_to_the_kit" in names
    assert len(names) >= 2


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory):
    """Every kind under a short name and under the longest."""
    folder = tmp_path_factory.mktemp("plugins")
    for kind in KINDS:
        for name in (f"a-{kind}", (f"a-{kind}-" + "long" * 10)[:LONGEST]):
            new_plugin(name, kind, folder / name)
    return folder


def test_it_is_clean_for_ruff(all_kinds):
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", str(all_kinds)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_types_are_right(all_kinds):
    """Strict, as our own; quick after `make lint`, whose cache it shares."""
    folders = [str(path / "src") for path in sorted(all_kinds.iterdir()) if len(path.name) < LONGEST]
    command = [sys.executable, "-m", "mypy", "--strict", *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"no issues found in {4 * len(KINDS)} source files" in done.stdout
