"""Which training recipes come closest to the truth in equal time, on the electrode that `mesofuse demo` makes.

Every recipe trains for the same minutes on the same inputs, makes the whole volume, and is measured against the truth:
by what the selection of the best model sees (volume fractions, surface areas, agreement with the scan), and by what it
does not (chord lengths, two-point correlation, triple-phase boundary). Numbers are mean absolute relative errors in per
cent. The first row is the image's own error, which a method that learns from it can't be blamed for.

    python benchmarks/recipes.py --minutes 4 --seeds 2 --recipes slim,slab-2,r1

Run nothing else beside it: the budget is time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.config.job import resolve_method
from mesofuse.demo.demo import IMAGES, LOW_PHASES, SCALE, SHOWS, image_edge
from mesofuse.demo.electrode import make_electrode, make_scan, sections
from mesofuse.evaluation.measure import MetricChoice, measure
from mesofuse.interfaces.events import Event, TrainingStep
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.phases import PhaseMatch, default_phases

VOXELWISE, TWO_POINT = {"name": "voxelwise", "weight": 100.0}, {"name": "two-point"}
WGAN, DIAGONALS = {"name": "wasserstein-gp"}, {"name": "two-point", "diagonals": True}
HINGE, NORMED = [{"name": "hinge"}, VOXELWISE, TWO_POINT], {"name": "superres-slim", "spectral_norm": True}
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
}
LAGS = (1, 2, 4, 8, 16)
METRICS: tuple[MetricChoice, ...] = (
    "volume-fraction", "surface-area", "low-res-consistency", "chord-length",
    ("two-point-correlation", {"lags": max(LAGS), "radial": False, "cross": False}), "triple-phase-boundary",
)  # fmt: skip
COLUMNS = {
    "fractions": "volume-fraction", "areas": "surface-area", "chords": "chord-length",
    "S2": "two-point-correlation", "TPB": "triple-phase-boundary",
}  # fmt: skip


def make_inputs(size: int, seed: int) -> tuple[LabelArray, FusionInputs]:
    """Return the demo's electrode, and what of it a method is given."""
    truth, edge = make_electrode((size,) * 3, seed=seed), image_edge(size)
    image = sections(make_electrode((edge,) * 3, seed=seed + 1), IMAGES, edge, seed=seed)
    problem = Problem((float(SCALE),) * 3, default_phases(2, LOW_PHASES), truth.phases, PhaseMatch(SHOWS))
    scan = make_scan(truth, get_registry().find("degradation", "blur-downsample").build(None, problem), problem)
    return truth, FusionInputs(scan, (image,) * 3, problem)


def train(name: str, inputs: FusionInputs, minutes: float, seed: int, folder: Path) -> tuple[Labels, int]:
    """Train a recipe; return the volume that it makes, and how many steps it took."""
    steps = 0

    def follow(event: Event) -> None:
        nonlocal steps
        steps = event.step if isinstance(event, TrainingStep) else steps

    component, options = resolve_method("superres", "slim", RECIPES[name])
    run = FitRun(folder, seed, "cpu", Budget(minutes=minutes), False, follow)
    model = component.build(options).fit(inputs, run)
    assert inputs.low_res is not None
    made = generate(
        model, inputs.low_res, inputs.low_res.grid, str(folder / "made.zarr"), GenerateOptions(seed, levels=False)
    )
    return made, steps


def values(measured: Measured) -> dict[str, dict[str, float]]:
    """Return a volume's numbers by metric and name; of curves, those at `LAGS`."""
    found: dict[str, dict[str, float]] = {}
    for result in measured.results:
        own = found.setdefault(result.metric, {})
        if isinstance(result, Measurement):
            own[result.label] = result.value
        elif result.metric == "two-point-correlation":
            own |= {f"{result.label} {lag}": result.y[lag] for lag in LAGS}
    return found


def errors(made: dict[str, dict[str, float]], truth: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return the mean absolute relative error of each column, in per cent."""
    row = {}
    for column, metric in COLUMNS.items():
        pairs = [(made[metric][k], t) for k, t in truth[metric].items() if k in made.get(metric, {})]
        shares = [abs(value / t - 1) for value, t in pairs if np.isfinite(value) and t]
        row[column] = 100 * float(np.mean(shares)) if shares else float("nan")
    row["scan"] = 100 * made.get("low-res-consistency", {}).get("all", float("nan"))
    return row


def line(name: str, row: dict[str, float]) -> str:
    """Return a row of the table."""
    cells = (" " * 9 if np.isnan(v) else f"{v:9.0f}" if k == "steps" else f"{v:9.2f}" for k, v in row.items())
    return f"{name:16s}" + "".join(cells)


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default=",".join(RECIPES), help="names of the recipes, with commas between")
    parser.add_argument("--minutes", type=float, default=4.0, help="training time of each")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each; the table shows means")
    parser.add_argument("--size", type=int, default=256, help="edge of the electrode in voxels, a multiple of 4")
    args = parser.parse_args()
    names = args.recipes.split(",")
    if unknown := [n for n in names if n not in RECIPES]:
        parser.error(f"there is no recipe {unknown[0]!r}; choose from {', '.join(RECIPES)}")
    truth, inputs = make_inputs(args.size, 0)
    problem = inputs.problem
    scan = {
        "low_res": inputs.low_res, "match": problem.match, "scale": problem.scale,
        "degradation": get_registry().find("degradation", "blur-downsample").build(None, problem),
    }  # fmt: skip
    known = values(measure(truth, METRICS, name="truth", **scan))
    own = {"steps": float("nan")} | errors(values(measure(inputs.images[0], METRICS, stack=True)), known)
    print(f"{args.minutes:g} minutes each, {args.size}³, {args.seeds} seed(s); mean absolute errors in %, scan in %")
    print(" " * 16 + "".join(f"{c:>9s}" for c in ("steps", *COLUMNS, "scan")))
    print(line("the image", own), flush=True)
    table: dict[str, list[dict[str, float]]] = {}
    for seed in range(args.seeds):
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                made, steps = train(name, inputs, args.minutes, seed, Path(folder))
                row = {"steps": float(steps)} | errors(values(measure(made, METRICS, name=name, **scan)), known)
            table.setdefault(name, []).append(row)
            print(line(name, row), flush=True)
    if args.seeds > 1:
        print("means")
        for name, rows in table.items():
            print(line(name, {k: float(np.mean([r[k] for r in rows])) for k in rows[0]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
