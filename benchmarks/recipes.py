"""Which training recipes come closest to the truth in equal time, on the electrode that `mesofuse demo` makes.

Every recipe trains for the same minutes on the same inputs, makes the whole volume, and is held against the truth by
what its training may see (label patterns, volume fractions, surface areas, the scan) and by what no recipe trains on
(triple-phase boundary, chords, curvature, pieces, S2, tortuosity of the pore). Texture is measured on a part of 96³ of
the result: its pattern distance to the image over that of the same part of the truth, the mean over the directions for
each spacing, and how far the directions are apart. Medians and ranges over the seeds; `--json` keeps every number.

    python benchmarks/recipes.py --minutes 1 --seeds 5 --recipes patterns,slim --json recipes.json

Run nothing else beside it: the budget is time. Choose by some seeds (`--first-seed 0`) and report others
(`--first-seed 100`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from mesofuse_superres.options import SuperResOptions

from mesofuse.config.job import merged, resolve_method
from mesofuse.demo.demo import IMAGES, LOW_PHASES, SCALE, SHOWS, image_edge
from mesofuse.demo.electrode import make_electrode, make_scan, sections
from mesofuse.evaluation.measure import MetricChoice, measure
from mesofuse.interfaces.events import Event, TrainingStep
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

VOXELWISE, TWO_POINT = {"name": "voxelwise", "weight": 100.0}, {"name": "two-point"}
WGAN, DIAGONALS = {"name": "wasserstein-gp"}, {"name": "two-point", "diagonals": True}
HINGE, NORMED = [{"name": "hinge"}, VOXELWISE, TWO_POINT], {"name": "superres-slim", "spectral_norm": True}
PATTERN_RECIPE = SuperResOptions.presets["patterns"]


def pattern_recipe(**loss: Any) -> dict[str, Any]:
    """Return the recipe of label patterns with other options of its loss."""
    return merged(PATTERN_RECIPE, {"losses": [{"name": "patterns", **loss}, VOXELWISE]})


RECIPES: dict[str, dict[str, Any]] = {
    "slim": {},
    "skip": {"generator": {"skip": 0.5}},
    "linear": {"losses": [WGAN, {**VOXELWISE, "linear": 1.0}, TWO_POINT]},
    "diagonals": {"losses": [WGAN, VOXELWISE, DIAGONALS]},
    "diagonals-8": {"losses": [WGAN, VOXELWISE, {**DIAGONALS, "lags": (1, 2, 4, 8)}]},
    "no-averaging": {"optimizer": {"averaging": None}},
    "critic-steps-1": {"critic_steps": 1},
    "slices-4": {"batch": {"slices": 4}},
    # As many slices a step as slim, from more and thinner volumes.
    "slab-4": {"batch": {"slab": 4, "volumes": 2, "slices": 8}},
    "slab-2": {"batch": {"slab": 2, "volumes": 4, "slices": 4}},
    "slab-1": {"batch": {"slab": 1, "volumes": 8, "slices": 2}},
    "r1": {"losses": [{"name": "r1"}, VOXELWISE, TWO_POINT]},
    "r1-light": {"losses": [{"name": "r1", "penalty": 1.0}, VOXELWISE, TWO_POINT]},
    "spectral-norm": {"critic": NORMED},
    "hinge": {"critic": NORMED, "losses": HINGE},
    "multi-scale": {"critic": {"name": "multi-scale"}},
    "no-two-point": {"losses": [WGAN, VOXELWISE]},
    "patterns": PATTERN_RECIPE,
    "patterns-light": pattern_recipe(weight=30.0),
    "patterns-heavy": pattern_recipe(weight=300.0),
    "patterns-wide": pattern_recipe(spacings=(1, 2, 4, 8)),
    "patterns-few": pattern_recipe(positions=8192),
    "patterns-many": pattern_recipe(positions=32768),
    "patterns-two-volumes": merged(PATTERN_RECIPE, {"batch": {"volumes": 2}}),
    "patterns-context": merged(PATTERN_RECIPE, {"batch": {"context": 4}}),
    "patterns-small-steps": merged(PATTERN_RECIPE, {"optimizer": {"rate": 1e-3}}),
    "patterns-large-steps": merged(PATTERN_RECIPE, {"optimizer": {"rate": 5e-3}}),
    "patterns-slim-network": merged(PATTERN_RECIPE, {"generator": {"name": "superres-slim"}}),
    "patterns-deeper": merged(PATTERN_RECIPE, {"generator": {"depth": 3}}),
    "patterns-likeliest": merged(PATTERN_RECIPE, {"labels": {"choice": "likeliest"}}),
    "patterns-skip": merged(PATTERN_RECIPE, {"generator": {"skip": 1.0}}),
    "patterns-critic": merged(
        pattern_recipe(), {"critic": {"name": "superres-slim"}, "losses": [{"name": "patterns"}, VOXELWISE, WGAN]}
    ),
}
SPACINGS, PART = (1, 2, 4), 96
SEEN: tuple[MetricChoice, ...] = ("volume-fraction", "surface-area", "low-res-consistency")
UNSEEN: tuple[MetricChoice, ...] = (
    "triple-phase-boundary", "chord-length", "euler-number", "connected-components",
    ("two-point-correlation", {"lags": 32, "radial": False, "cross": False}),
    ("tortuosity", {"phases": ["pore"]}),
)  # fmt: skip
PATTERNS: tuple[MetricChoice, ...] = (("pattern-distance", {"spacings": SPACINGS}),)


def make_inputs(size: int, seed: int) -> tuple[LabelArray, FusionInputs]:
    """Return the demo's electrode, and what of it a method is given."""
    truth, edge = make_electrode((size,) * 3, seed=seed), image_edge(size)
    image = sections(make_electrode((edge,) * 3, seed=seed + 1), IMAGES, edge, seed=seed)
    problem = Problem((float(SCALE),) * 3, default_phases(2, LOW_PHASES), truth.phases, PhaseMatch(SHOWS))
    scan = make_scan(truth, get_registry().find("degradation", "blur-downsample").build(None, problem), problem)
    return truth, FusionInputs(scan, (image,) * 3, problem)


def train(name: str, inputs: FusionInputs, minutes: float, seed: int, folder: Path) -> tuple[LabelArray, int]:
    """Train a recipe; return the volume that it makes, and how many steps it took."""
    steps = 0

    def follow(event: Event) -> None:
        nonlocal steps
        steps = event.step if isinstance(event, TrainingStep) else steps

    component, options = resolve_method("superres", "slim", RECIPES[name])
    run = FitRun(folder, seed, "cpu", Budget(minutes=minutes), False, follow)
    model = component.build(options).fit(inputs, run)
    assert inputs.low_res is not None
    path = str(folder / "made.zarr")
    made = generate(model, inputs.low_res, inputs.low_res.grid, path, GenerateOptions(seed, levels=False))
    return LabelArray(made.read(made.grid.region), made.grid, made.phases), steps


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


def part(labels: LabelArray) -> LabelArray:
    """Return the middle `PART`³ voxels."""
    start = [(n - PART) // 2 for n in labels.grid.shape]
    array = labels.array[tuple(slice(a, a + PART) for a in start)]
    return LabelArray(np.ascontiguousarray(array), Grid(array.shape), labels.phases)


def everything(labels: LabelArray, inputs: FusionInputs) -> dict[str, float]:
    """Measure a volume: all of it, and the patterns of its middle."""
    problem, images = inputs.problem, dict(enumerate(inputs.images))
    degradation = get_registry().find("degradation", "blur-downsample").build(None, problem)
    scan = {"low_res": inputs.low_res, "match": problem.match, "scale": problem.scale, "degradation": degradation}
    whole = measure(labels, [*SEEN, *UNSEEN], workers=2, **scan)
    return values(whole) | values(measure(part(labels), PATTERNS, images=images))


def summary(made: dict[str, float], truth: dict[str, float]) -> dict[str, float]:
    """Return the columns of the table: the largest error of each kind; in per cent, points or times."""

    def relative(start: str, words: str = "") -> float:
        names = [k for k in truth if k.startswith(start) and words in k and truth[k] and np.isfinite(truth[k])]
        return 100 * max(abs(made.get(k, np.nan) / truth[k] - 1) for k in names)

    row = {}
    spread = []
    for spacing in SPACINGS:
        own = [made[f"pattern-distance spacing {spacing} | {axis}"] for axis in "zyx"]
        floor = [truth[f"pattern-distance spacing {spacing} | {axis}"] for axis in "zyx"]
        row[f"JS {spacing}"] = max(o / f for o, f in zip(own, floor, strict=True))
        spread.append(100 * (max(own) / min(own) - 1))
    row["apart"] = max(spread)
    fractions = [k for k in truth if k.startswith("volume-fraction")]
    row["fractions"] = 100 * max(abs(made[k] - truth[k]) for k in fractions)
    row["areas"] = relative("surface-area")
    row["scan"] = 100 * made["low-res-consistency all"]
    row["TPB"] = relative("triple-phase-boundary")
    chords = [k for k in truth if k.startswith("chord-length") and k.count("|") == 1 and not k[-1].isdigit()]
    row["chords"] = 100 * max(abs(made[k] / truth[k] - 1) for k in chords)
    row["curvature"] = relative("mean-curvature", "binder")
    row["pieces"] = relative("connected-components", "binder")
    lags = [k for k in truth if k.startswith("two-point-correlation")]
    row["S2"] = max(abs(made[k] - truth[k]) for k in lags)
    row["tau"] = relative("tortuosity", "pore")
    return row


def cell(numbers: list[float]) -> str:
    """Return a median and the range around it."""
    digits = 4 if max(numbers) < 0.1 else 0 if min(numbers) >= 100 else 1 if max(numbers) >= 10 else 2
    text = f"{np.median(numbers):.{digits}f}"
    return text if len(numbers) == 1 else f"{text} ({min(numbers):.{digits}f}–{max(numbers):.{digits}f})"


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default="patterns,slim", help=f"names, with commas between: {', '.join(RECIPES)}")
    parser.add_argument("--minutes", type=float, default=1.0, help="training time of each")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first")
    parser.add_argument("--size", type=int, default=256, help="edge of the electrode in voxels, a multiple of 4")
    parser.add_argument("--json", type=Path, help="file for every measured number")
    args = parser.parse_args()
    names = args.recipes.split(",")
    if unknown := [n for n in names if n not in RECIPES]:
        parser.error(f"there is no recipe {unknown[0]!r}; choose from {', '.join(RECIPES)}")
    truth, inputs = make_inputs(args.size, 0)
    known = everything(truth, inputs)
    print(
        f"{args.minutes:g} minutes each, {args.size}³; errors in %, fractions in points, JS in times the truth's part"
    )
    rows: dict[str, list[dict[str, float]]] = {}
    record: dict[str, Any] = {"minutes": args.minutes, "truth": known, "made": {}}
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                made, steps = train(name, inputs, args.minutes, seed, Path(folder))
            found = everything(made, inputs)
            row = {"steps": float(steps)} | summary(found, known)
            rows.setdefault(name, []).append(row)
            record["made"].setdefault(name, {})[str(seed)] = found
            print(f"{name} {seed}: " + ", ".join(f"{k} {cell([v])}" for k, v in row.items()), flush=True)
            if args.json:
                args.json.write_text(json.dumps(record, indent=1), encoding="utf-8")
    columns = list(rows[names[0]][0])
    print("\n| recipe | " + " | ".join(columns) + " |\n|" + " --- |" * (1 + len(columns)))
    for name, found_rows in rows.items():
        print(f"| {name} | " + " | ".join(cell([r[c] for r in found_rows]) for c in columns) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
