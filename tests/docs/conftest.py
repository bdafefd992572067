import importlib
import importlib.util
import inspect
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mesofuse.registry import get_registry


@pytest.fixture
def on_path(monkeypatch):
    """Put folders at the front of the import path, here and in processes that start from here."""
    before, added = set(sys.modules), []

    def put(*folders):
        for folder in folders:
            monkeypatch.syspath_prepend(folder)
            added.insert(0, str(folder))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(added))
        importlib.invalidate_caches()
        get_registry.cache_clear()

    yield put
    get_registry.cache_clear()
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if any(file.startswith(folder + os.sep) for folder in added):
            del sys.modules[name]


@pytest.fixture
def install(tmp_path, on_path):
    """Put a distribution on the import path as pip would, but without it: its sources and a dist-info folder."""

    def put(project, source):
        """Install the project of a pyproject.toml (text), whose packages lie in the folder `source`."""
        about = tomllib.loads(project)["project"]
        site = tmp_path / "site"
        info = site / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
        points = about["entry-points"]["mesofuse.plugins"]
        lines = [f"{name} = {module}\n" for name, module in points.items()]
        (info / "entry_points.txt").write_text("[mesofuse.plugins]\n" + "".join(lines))
        on_path(site, source)

    return put


@pytest.fixture(scope="session")
def pip():
    """Run pip without network and without a change to the environment that the tests run in."""

    def run(*args):
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *map(str, args), "--no-deps"]
        done = subprocess.run([*command, "--no-index"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.fixture
def own_tests(tmp_path):
    """Run every test function of a plugin's own tests that takes nothing but `tmp_path`, and return their names."""

    def run(folder):
        names = []
        for path in sorted(Path(folder).glob("test_*.py")):
            spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            for name, test in vars(module).items():
                if name.startswith("test_"):
                    test(*[tmp_path for _ in inspect.signature(test).parameters])
                    names.append(name)
        return names

    return run
