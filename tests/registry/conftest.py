import importlib
import sys
import textwrap

import pytest

GOOD = """
from mesofuse.interfaces.component import ComponentSpec
from mesofuse.interfaces.hookimpl import hookimpl

MESOFUSE_API = 1


@hookimpl
def mesofuse_components():
    return [ComponentSpec("generator", "{name}", "For tests.", "{module}_parts:Part", "{module}_parts:PartOptions")]
"""
PARTS = """
from pydantic import BaseModel, Field

from mesofuse.interfaces.options import Options


class Inner(Options):
    depth: int = Field(1, ge=1, description="Depth.")


class PartOptions(Options):
    width: int = Field(3, ge=1, description="Width.")
    inner: Inner = Field(default_factory=Inner, description="Inner.")


class Part:
    def __init__(self, options, *args):
        self.options, self.args = options, args
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Write distributions to a folder on the import path, as pip would install them; undo it all afterwards."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    before = set(sys.modules)

    def write(distribution, *, source=GOOD, entry=None, entry_points=None, name="tiny"):
        module = distribution.replace("-", "_").lower()
        info = site / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        text = entry_points or f"[mesofuse.plugins]\n{entry or module} = {module}\n"
        (info / "entry_points.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
        filled = source.replace("{name}", name).replace("{module}", module)
        (site / f"{module}.py").write_text(textwrap.dedent(filled))
        (site / f"{module}_parts.py").write_text(PARTS)
        importlib.invalidate_caches()
        return site

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]
