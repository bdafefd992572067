"""What recipes are compared on: an electrode of known truth, half a rock, and published pairs without a truth.

- ``electrode``: what `mesofuse demo` makes; ``electrode@8`` scans it at a scale factor of 8.
- ``rock:FILE.tif``: a segmented 3D scan. One half is the truth, degraded to make a scan at scale factor 4; planes of
  the other half along all three axes are the image, so that no image shows what is to be made.
- ``case:NAME``: a case of `examples/case_studies`, whose published files lie in the folder of ``--data``.

A material without a truth is held against its image. The scan's shares differ from place to place, and so do those of
a result that is true to it; what is made and measured is therefore the part of the scan, of the size of the image,
whose shares of the phases that the scan can tell apart are nearest to the image's.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import yaml

from mesofuse.config.job import make_job
from mesofuse.demo.demo import SCALE, make_known
from mesofuse.evaluation.measure import MetricChoice, measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.interfaces.problem import Problem
from mesofuse.pipeline.inputs import open_inputs
from mesofuse.preflight.own_patterns import check_patterns
from mesofuse.registry import get_registry
from mesofuse.simulation.electrode import make_scan
from mesofuse.training.recipe import AdversarialOptions, Part
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

sys.path.insert(0, str(Path(__file__).parent.parent / "examples" / "case_studies"))
import run as case_studies

SPACINGS, PART, TRANSPORT = (1, 2, 4), 96, 128
PATTERNS: tuple[MetricChoice, ...] = (("pattern-distance", {"spacings": SPACINGS}),)
OF_IMAGE: tuple[MetricChoice, ...] = ("volume-fraction", "surface-area", "triple-phase-boundary", "chord-length")
OF_VOLUME: tuple[MetricChoice, ...] = (
    *OF_IMAGE, "low-res-consistency", "euler-number", "connected-components",
    ("two-point-correlation", {"lags": 32, "radial": False, "cross": False}),
)  # fmt: skip
ROCK_SCALE = 4
LARGEST = 256
"""Edge of the part of a result without a truth that is made, at most."""


@dataclass(frozen=True)
class Material:
    """A pair to fuse, and what its result is held against.

    Attributes:
        name: What it is called.
        inputs: Scan, image and problem.
        known: The values of the truth; of a material without one, those of the image.
        region: What of the result is made and measured, in its voxels.
        free: Whether there is no truth.
        method: Options that every recipe takes over for this material: its degradation, and of its losses those of
            the voxel-wise one.
    """

    name: str
    inputs: FusionInputs
    known: dict[str, float]
    region: Region
    free: bool
    method: dict[str, Any]

    def adapted(self, options: AdversarialOptions) -> AdversarialOptions:
        """Return a recipe with this material's own options."""
        changed = options.model_dump()
        if "degradation" in self.method:
            changed["degradation"] = self.method["degradation"]
        own = {part["name"]: part for part in self.method.get("losses", []) if part["name"] == "voxelwise"}
        changed["losses"] = [part | own.get(part["name"], {}) for part in changed["losses"]]
        return type(options).model_validate(changed)


def material(name: str, data: Path | None, size: int) -> Material:
    """Return a material by its name."""
    kind, _, what = name.partition(":")
    if kind == "case":
        assert data is not None, "--data says where the published files are"
        return published(what, data)
    if kind == "rock":
        return rock(Path(what))
    base, _, scale = name.partition("@")
    assert base == "electrode", f"{name!r} is none of electrode, electrode@SCALE, rock:FILE, case:NAME"
    return electrode(name, size, int(scale or SCALE))


def electrode(name: str, size: int, scale: int) -> Material:
    """Return the demo's electrode, scanned at this scale factor."""
    known = make_known(size, 0, scale)
    return with_truth(name, known.truth, FusionInputs(known.scan, (known.image,) * 3, known.problem))


def rock(path: Path) -> Material:
    """Return one half of a rock as the truth, and planes of the other as its image."""
    both = tifffile.imread(path)
    depth = min(both.shape) // 2 // ROCK_SCALE * ROCK_SCALE
    edge = min(2 * depth, LARGEST) // ROCK_SCALE * ROCK_SCALE
    own, other = both[:depth, :edge, :edge], both[depth : 2 * depth, : 2 * depth, : 2 * depth]
    phases = default_phases(2, ("pore", "grain"))
    truth = LabelArray(np.ascontiguousarray(own), Grid(own.shape), phases)
    images = []
    for axis in range(3):
        planes = np.moveaxis(other, axis, 0)[:: max(1, other.shape[axis] // 4)]
        images += [plane[i : i + depth, j : j + depth] for plane in planes for i, j in corners(plane.shape, depth)]
    stack = np.stack(images)
    image = LabelArray(stack, Grid(stack.shape), phases)
    problem = Problem((float(ROCK_SCALE),) * 3, phases, phases, PhaseMatch(((0,), (1,))))
    scan = make_scan(truth, get_registry().find("degradation", "blur-downsample").build(None, problem), problem)
    return with_truth(f"rock:{path.stem}", truth, FusionInputs(scan, (image,) * 3, problem))


def corners(shape: tuple[int, ...], edge: int) -> list[tuple[int, int]]:
    """Return where squares of this edge fit into a plane next to each other."""
    rows, columns = (range(0, n - edge + 1, edge) for n in shape)
    return [(i, j) for i in rows for j in columns]


def with_truth(name: str, truth: LabelArray, inputs: FusionInputs) -> Material:
    """Return a material that is held against its truth."""
    known = of_volume(truth, inputs, Part(name="blur-downsample"))
    return Material(name, inputs, known, truth.grid.region, False, {})


def published(name: str, data: Path) -> Material:
    """Return a case study, held against its image where the scan is most like it."""
    case = yaml.safe_load((case_studies.HERE / name / "case.yaml").read_text(encoding="utf-8"))
    args = argparse.Namespace(data=data, device="cpu", minutes=None, steps=None, preset=None)
    job = make_job(case_studies.job_fields(case["job"], args), name).resolved()
    opened = open_inputs(job)
    inputs = opened.fusion
    own = {k: v for k, v in case["job"]["method"].items() if k not in ("name", "preset")}
    if len(inputs.groups) == 1:
        known = image_values(measure(inputs.images[0], OF_IMAGE, stack=True))
    else:  # areas and chords are not alike in all directions; fractions are
        found = [values(measure(image, ["volume-fraction"], stack=True)) for image in inputs.groups.values()]
        known = {key: float(np.mean([each[key] for each in found])) for key in found[0]}
    halves = check_patterns(inputs).numbers
    for axes, distances in halves.items():
        for axis in axes:
            known |= {f"pattern-distance spacing {s} | {axis}": d for s, d in distances.items()}
    return Material(f"case:{name}", inputs, known, likest(inputs), True, own)


def image_values(measured: Measured) -> dict[str, float]:
    """Return an image's numbers; of what a volume has along three axes the mean over the image's two, thrice."""
    found = values(measured)
    for key in [k for k in found if k.endswith("| x") and f"{k[:-1]}y" in found]:
        mean = (found[key] + found[f"{key[:-1]}y"]) / 2
        found |= {f"{key[:-1]}{axis}": mean for axis in "zyx"}
    return found


def likest(inputs: FusionInputs) -> Region:
    """Return the cube of the result, no wider than an image, over which the scan's shares are nearest to the image's.

    Of each phase that the scan shows, the share in the image is that of what it stands for; the phases that it may
    show under either name, and those that it does not show, are left out of the comparison.
    """
    assert inputs.low_res is not None
    scan, scale = inputs.low_res, inputs.problem.scale
    limits = [n for image in inputs.images for n in image.array.shape[1:]]
    edges: Triple = tuple(  # type: ignore[assignment]
        min(n, max(1, int(min(LARGEST, *limits) / s))) for n, s in zip(scan.grid.shape, scale, strict=True)
    )
    labels = scan.read(scan.grid.region)
    wanted = np.bincount(inputs.images[0].array.ravel(), minlength=256)[: len(inputs.problem.phases)].astype(float)
    wanted /= wanted.sum()
    shown = inputs.problem.match.shows
    shown_by = [sum(phase in phases for phases in shown) for phase in range(len(wanted))]
    best = (np.inf, (0, 0, 0))
    steps = [range(0, n - e + 1, max(1, e // 8)) for n, e in zip(labels.shape, edges, strict=True)]
    ratios = [(i, sum(wanted[p] for p in phases if shown_by[p] == 1)) for i, phases in enumerate(shown)]
    total = sum(share for _, share in ratios)
    for start in np.ndindex(*(len(s) for s in steps)):
        corner = tuple(s[i] for s, i in zip(steps, start, strict=True))
        block = labels[tuple(slice(a, a + e) for a, e in zip(corner, edges, strict=True))]
        away = max(abs(np.mean(block == i) - share / total) for i, share in ratios)
        best = min(best, (away, corner))
    corner = best[1]
    stop = tuple(a + e for a, e in zip(corner, edges, strict=True))
    return Region(corner, stop).scaled(scale)


def values(measured: Measured) -> dict[str, float]:
    """Return a volume's numbers by name, those of curves by position."""
    found: dict[str, float] = {}
    for result in measured.results:
        name = f"{result.metric} {result.label}"
        if isinstance(result, Measurement):
            found[name] = result.value
        else:
            found |= {f"{name} {x:g}": y for x, y in zip(result.x, result.y, strict=True)}
    return found


def part(labels: LabelArray, edge: int) -> LabelArray:
    """Return the middle cube of this edge, or the whole where that is smaller."""
    array = labels.array
    for axis, n in enumerate(array.shape):
        array = array.take(range(max(0, (n - edge) // 2), max(0, (n - edge) // 2) + min(n, edge)), axis)
    return LabelArray(
        np.ascontiguousarray(array), Grid(array.shape, labels.grid.voxel_size, labels.grid.unit), labels.phases
    )


def of_volume(labels: LabelArray, inputs: FusionInputs, degradation: Part) -> dict[str, float]:
    """Measure a result of the whole scan, or the truth: all of it, and texture and transport of its middle."""
    problem, images = inputs.problem, dict(enumerate(inputs.images))
    instrument = get_registry().find("degradation", degradation.name).build(degradation.options, problem)
    scan = ScanReference.of(problem, inputs.low_res, instrument)
    found = values(measure(labels, OF_VOLUME, workers=2, scan=scan))
    found |= values(measure(part(labels, PART), PATTERNS, images=images))
    transport = ("tortuosity", {"phases": [labels.phases[0].name]})
    return found | values(measure(part(labels, TRANSPORT), [transport], workers=2))


def of_part(labels: LabelArray, inputs: FusionInputs) -> dict[str, float]:
    """Measure a part of a result that has no truth."""
    found = values(measure(labels, OF_IMAGE, workers=2))
    return found | values(measure(labels, PATTERNS, images=dict(enumerate(inputs.images))))
