"""Small jobs to strike: their inputs are made once, outside the folders where faults are counted."""

import json

import numpy as np

from mesofuse.models.package import save_package
from mesofuse.testing.problems import blobs
from mesofuse.volumes.formats.zarr import copy
from tests.faults.harness import Job

LOW = blobs((34, 2, 4), 2, seed=4)
LAYOUTS = {
    "plain": ("--chunks", "32"),
    "scratch": ("--chunks", "24"),
    "shards": ("--chunks", "16", "--shards", "32"),
    "project": ("--chunks", "32", "--project"),
}


def make_inputs(folder, tiny_model):
    """Write a scan, a model, and an image stack to import."""
    model, options = tiny_model(4.0)
    model.tile = (8, 2, 4)
    save_package(folder / "model", model, "superres", options, {})
    copy(LOW, str(folder / "scan.zarr"), chunks=4)
    np.save(folder / "stack.npy", blobs((12, 10, 9), 3, seed=2).array)
    return folder


def claims(volume):
    """Return a function that says whether a volume of this name claims to be complete."""

    def complete(folder):
        try:
            about = json.loads((folder / volume / "zarr.json").read_text())
            return bool(about["attributes"]["mesofuse"]["complete"])
        except (OSError, ValueError, LookupError):
            return False

    return complete


def generate_job(inputs, layout, *more):
    """Generate 136 × 8 × 16 voxels in 5 tiles, with a second level."""
    argv = ["generate", str(inputs / "model"), str(inputs / "scan.zarr"), "out.zarr", "--workers", "2", "--quiet"]
    argv += [*LAYOUTS[layout], *more]
    return Job(f"generate {layout}", argv, [*argv, "--resume"], complete=claims("out.zarr"))


def import_job(inputs, *more):
    """Import a stack of 12 × 10 × 9 voxels."""
    argv = ["import", str(inputs / "stack.npy"), "out.zarr", "--chunks", "8", *more]
    return Job("import", argv, [*argv, "--overwrite"])


def realisations_job(inputs):
    """Make and summarise two realisations."""
    argv = ["realisations", str(inputs / "model"), str(inputs / "scan.zarr"), "out", "--count", "2"]
    argv += ["--metrics", "volume-fraction", "--chunks", "64", "--workers", "2", "--quiet"]
    return Job("realisations", argv, [*argv, "--resume"])
