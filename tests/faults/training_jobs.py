"""Small trainings to strike, and what must be the same after they are mended: all but times."""

import csv
import json
import re

import tifffile

from mesofuse.models.package import load_package
from mesofuse.testing.problems import blobs
from mesofuse.training.checkpoint import load_checkpoint
from tests.faults.harness import Job, differing

STEPS = 3
RECIPE = (
    "preset=slim", "generator.channels=4", "generator.last=4", "critic.channels=4", "critic.crop=16", "critic_steps=1",
    "batch.volumes=1", "batch.slices=1", "batch.context=0", "selection.window=4", "selection.parts=1",
    "selection.every=2", "selection.after=0", "selection.metrics=[volume-fraction]", "checkpoint_seconds=1.0e-9",
)  # fmt: skip
TIMED = r"/training/metrics\.csv$|/training/checkpoint/|/model/(model\.json|README\.md)$"


def make_images(folder):
    """Write a scan of 5 × 6 × 7 voxels and an image of 24²."""
    tifffile.imwrite(folder / "scan.tif", blobs((5, 6, 7), 2, seed=1).array, photometric="minisblack")
    tifffile.imwrite(folder / "sem.tif", blobs((1, 24, 24), 3, seed=2).array[0], photometric="minisblack")
    return folder


def inputs_of(folder):
    """Return the options that name the images."""
    return [
        "--low-res", str(folder / "scan.tif"), "--high-res", str(folder / "sem.tif"), "--scale", "4",
        "--voxel-size", "0.8", "--shows", "0=0,2", "--shows", "1=1",
    ]  # fmt: skip


def fuse_job(folder, *more, steps=STEPS, name="fuse"):
    """Train for three steps with a checkpoint after each, generate, measure, draw."""
    recipe = [word for setting in RECIPE for word in ("--set", setting)]
    argv = ["fuse", *inputs_of(folder), "--steps", str(steps), "--quiet", *recipe, "--out", "run", *more]
    return Job(name, argv, [*argv, "--resume"], wrong=wrong_run)


def train_job(folder, config):
    """Train from a configuration."""
    argv = ["train", str(config), "--out", "run", "--quiet"]
    return Job("train", argv, [*argv, "--resume"], wrong=wrong_run)


def wrong_run(clean, folder, run="run", whole=False):
    """Name what differs from the clean run: files, weights, the whole state of the training, its table.

    Where files differ these alone are named, unless ``whole`` is given.
    """
    bad = differing(clean, folder, TIMED)
    if bad and not whole:
        return bad
    one, two = clean / run, folder / run
    bad += ["another model"] if load_package(one / "model").digest != load_package(two / "model").digest else []
    missing = "training/metrics.csv is missing" in " ".join(bad)
    bad += ["another state"] if state(one) != state(two) else []
    bad += ["another table"] if missing or table(one) != table(two) else []
    return bad


def state(run):
    """Return all that a checkpoint holds but times."""
    loaded = load_checkpoint(run / "training" / "checkpoint")
    if loaded is None:
        return None
    tensors, about = loaded
    found = {name: value.numpy().tobytes() for name, value in tensors.items() if name != "log"}
    return found, {k: v for k, v in about.items() if k != "elapsed"}


def table(run):
    """Return the training's record without times."""
    with open(run / "training" / "metrics.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def sentence(output):
    """Return the one line that says what went wrong; warnings of small inputs and progress are none."""
    lines = [line for line in output.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, output
    assert not re.search(r"Traceback|itself failed", output), output
    return lines[0]


def digest(run):
    """Return what names the run's model."""
    return json.loads((run / "model" / "model.json").read_text())["digest"]
