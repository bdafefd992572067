"""mesofuse: one volume with the detail of a sharp 2D micrograph and the extent of a blurry 3D scan.

>>> import mesofuse as mf
>>> pair = mf.Pair("scan.tif", mf.image("sem.tif", phases=["pore", "active", "binder"]), scale=4)  # doctest: +SKIP
>>> model = mf.fit(pair, minutes=5)  # doctest: +SKIP
>>> fused = model.generate("scan.tif", out="fused.zarr")  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mesofuse.version import __version__ as __version__

if TYPE_CHECKING:
    from mesofuse.api import data as data
    from mesofuse.api import plot as plot
    from mesofuse.api.fitting import Fused, fit, fuse
    from mesofuse.api.jobs import Comparison, compare, consistency, degrade, report
    from mesofuse.api.measuring import measure
    from mesofuse.api.model import Model, load_model
    from mesofuse.api.pair import Checks, Pair
    from mesofuse.api.volume import Volume, image, volume
    from mesofuse.api.words import Note
    from mesofuse.errors import UserError
    from mesofuse.evaluation.result_table import ResultTable

_HOMES = {
    "mesofuse.api.fitting": ("Fused", "fit", "fuse"),
    "mesofuse.api.jobs": ("Comparison", "compare", "consistency", "degrade", "report"),
    "mesofuse.api.measuring": ("measure",),
    "mesofuse.api.model": ("Model", "load_model"),
    "mesofuse.api.pair": ("Checks", "Pair"),
    "mesofuse.api.volume": ("Volume", "image", "volume"),
    "mesofuse.api.words": ("Note",),
    "mesofuse.errors": ("UserError",),
    "mesofuse.evaluation.result_table": ("ResultTable",),
}
_MODULES = ("data", "plot")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Checks", "Comparison", "Fused", "Model", "Note", "Pair", "ResultTable", "UserError", "Volume", "compare",
    "consistency", "data", "degrade", "fit", "fuse", "image", "load_model", "measure", "plot", "report", "volume",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first asked for, so that `import mesofuse` is quick."""
    if name in _MODULES:
        return importlib.import_module(f"mesofuse.api.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mesofuse' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names, imported yet or not."""
    return sorted({*globals(), *__all__})
