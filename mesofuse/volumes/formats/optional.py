"""Libraries that only some formats need: the extra ``formats`` of mesofuse's distribution."""

from __future__ import annotations

import importlib
from types import ModuleType

from mesofuse.errors import UserError

LIBRARIES = {"h5py": "HDF5 and MATLAB 7.3 files", "nrrd": "NRRD files", "mrcfile": "MRC files"}
"""Module and what it reads."""
DISTRIBUTIONS = {"h5py": "h5py", "nrrd": "pynrrd", "mrcfile": "mrcfile"}
"""Module and what pip calls it."""


def library(name: str, path: str = "") -> ModuleType:
    """Return a library of `LIBRARIES`; ``path`` is the file to be read, for the message.

    Raises:
        UserError: If it is not installed; the sentence says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        opening = f"{path} can't be read: " if path else ""
        raise UserError(
            f"{opening}{LIBRARIES[name]} need {DISTRIBUTIONS[name]}, which is not installed; install it with `pip "
            f"install {DISTRIBUTIONS[name]}`, or all such with `pip install 'mesofuse[formats]'`."
        ) from None
