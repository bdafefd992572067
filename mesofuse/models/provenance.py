"""Where a result comes from: versions and hashes that a paper's reader could check."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform

import numpy as np

from mesofuse.version import __version__
from mesofuse.volumes.labels import Labels


def versions() -> dict[str, str]:
    """Return the versions of everything that bears on the numbers."""
    found = {"mesofuse": __version__, "python": platform.python_version()}
    for name in ("torch", "numpy", "zarr"):
        found[name] = importlib.metadata.version(name)
    return found


def hash_labels(labels: Labels) -> str:
    """Return the SHA-256 of a volume's shape and voxels, read in fixed blocks so that any size fits in memory."""
    digest = hashlib.sha256(repr(tuple(labels.grid.shape)).encode())
    for block in labels.grid.region.blocks((128, 128, 128)):
        digest.update(np.ascontiguousarray(labels.read(block)).tobytes())
    return digest.hexdigest()
