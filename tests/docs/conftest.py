import importlib
import os
import sys
import tomllib

import pytest

from mesofuse.registry import get_registry


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution on the import path as pip would, but without it: its sources and a dist-info folder."""
    before = set(sys.modules)

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
        for folder in (site, source):
            monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(source)]))
        importlib.invalidate_caches()
        get_registry.cache_clear()

    yield put
    get_registry.cache_clear()
    owned = {name.split(".")[0] for name in set(sys.modules) - before} & {"minimal_plugin", "my_lab"}
    for name in [n for n in sys.modules if n.split(".")[0] in owned]:
        del sys.modules[name]
