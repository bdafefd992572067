"""What `mesofuse plugins new` writes, for every kind: it installs, passes the kit and its own tests, and is clean."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mesofuse.cli.main import main
from mesofuse.interfaces.component import KINDS
from mesofuse.models.package import load_package
from mesofuse.registry import get_registry
from mesofuse.testing.scaffold import LONGEST, USAGES, new_plugin

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


@pytest.mark.parametrize("kind", KINDS)
def test_an_unedited_one_runs_in_the_command_that_its_readme_gives(kind, install, tiny_job, tmp_path, capsys):
    """`mesofuse fuse`, which saves a package and loads it again; a metric in `mesofuse measure`."""
    name = f"fine-{kind}"
    new_plugin(name, kind, tmp_path / "new")
    install((tmp_path / "new" / "pyproject.toml").read_text(), tmp_path / "new" / "src")
    usage = shlex.split(USAGES[kind].replace("$name", name))
    if kind == "metric":
        assert main(["measure", tiny_job[3], "--stack", *usage[3:]]) == 0
        assert name in capsys.readouterr().out
        return
    # The tiny recipe is another generator's or critic's where that is replaced, and no recipe at all for a method.
    recipe = [] if kind == "method" else [s for s in tiny_job if "=" in s and ("." in s or s.startswith("preset"))]
    # The command for a loss has no critic; the one for a critic chooses the preset itself.
    without = {"loss": ("preset", "critic."), "critic": ("preset", "critic.")}.get(kind, (f"{kind}.",))
    small = [s for s in recipe if not s.startswith(without)]
    inputs = tiny_job[: tiny_job.index("--quiet") + 1]
    given = usage[usage.index("runs/first") + 1 :]
    out = tmp_path / "run"
    settings = [word for setting in small for word in ("--set", setting)]
    assert main(["fuse", *inputs, *settings, "--out", str(out), *given]) == 0, capsys.readouterr().err
    package = load_package(out / "model")
    assert name in str({"method": package.method, **package.options})
    assert main(["generate", str(out / "model"), tiny_job[1], str(tmp_path / "again.zarr"), "--quiet"]) == 0


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
