"""Which training recipes come closest to the truth in equal time, on one material or several.

Every recipe trains for the same minutes (or steps) on the same inputs, makes the volume, and is held against the truth
by what its training may see (label patterns, volume fractions, surface areas, the scan) and by what no recipe trains on
(triple-phase boundary, chords, curvature, pieces, S2, tortuosity of the pore). Texture is measured on a part of 96³ of
the result: its pattern distance to the image over that of the same part of the truth, in the worst direction for each
spacing, and how far the directions are apart. A material without a truth is held against its image, and its pattern
distance is over that of the image's halves; see `benchmarks/materials.py` for the materials and what is measured of
them. Each cell is the median over the seeds with its bootstrap interval of 95 %; `--json` keeps every number, and
`--write` puts the table into a page.

    python benchmarks/recipes.py --minutes 1 --seeds 5 --recipes patterns,slim --json recipes.json
    python benchmarks/recipes.py --minutes 5 --materials case:nmc,case:sofc --data FOLDER

Run nothing else next to it where the budget is time. Choose by some seeds (`--first-seed 0`) and report others
(`--first-seed 100`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from materials import SPACINGS, Material, material, of_part, of_volume
from mesofuse_superres.options import SuperResOptions

from mesofuse.config.method import merged, resolve_method
from mesofuse.errors import UserError
from mesofuse.interfaces.events import Event, TrainingStep
from mesofuse.interfaces.method import Budget, FitRun
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.training.recipe import AdversarialOptions, Part
from mesofuse.volumes.files import replacing
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray

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


def train(name: str, on: Material, budget: Budget, seed: int, folder: Path) -> tuple[LabelArray, int, Part]:
    """Train a recipe; return what it makes, how many steps it took, and the degradation that it was trained by."""
    steps = 0

    def follow(event: Event) -> None:
        nonlocal steps
        steps = event.step if isinstance(event, TrainingStep) else steps

    component, options = resolve_method("superres", "slim", RECIPES[name])
    assert isinstance(options, AdversarialOptions)
    options = on.adapted(options)
    model = component.build(options).fit(on.inputs, FitRun(folder, seed, "cpu", budget, False, follow))
    assert on.inputs.low_res is not None
    path = str(folder / "made.zarr")
    chosen = GenerateOptions(seed, on.region, levels=False)
    made = generate(model, on.inputs.low_res, on.inputs.low_res.grid, path, chosen)
    array, grid = made.read(made.grid.region), made.grid
    assert options.degradation is not None
    labels = LabelArray(array, Grid(array.shape, grid.voxel_size, grid.unit), on.inputs.problem.phases)
    return labels, steps, options.degradation


def summary(made: dict[str, float], truth: dict[str, float]) -> dict[str, float]:
    """Return the columns of the table: the largest error of each kind; in per cent, points or times."""

    def relative(start: str, words: str = "") -> float:
        names = [k for k in truth if k.startswith(start) and words in k and truth[k] and np.isfinite(truth[k])]
        return 100 * max((abs(made.get(k, np.nan) / truth[k] - 1) for k in names), default=np.nan)

    row = {}
    spread = []
    for spacing in SPACINGS:
        own = [made[f"pattern-distance spacing {spacing} | {axis}"] for axis in "zyx"]
        floor = [truth[f"pattern-distance spacing {spacing} | {axis}"] for axis in "zyx"]
        row[f"JS {spacing}"] = max(o / f for o, f in zip(own, floor, strict=True))
        spread.append(100 * (max(own) / min(own) - 1))
    row["apart"] = max(spread)
    fractions = [k for k in truth if k.startswith("volume-fraction")]
    row["fractions"] = 100 * max((abs(made[k] - truth[k]) for k in fractions), default=np.nan)
    row["areas"] = relative("surface-area")
    row["scan"] = 100 * made.get("low-res-consistency all", np.nan)
    row["TPB"] = relative("triple-phase-boundary")
    chords = [k for k in truth if k.startswith("chord-length") and k.count("|") == 1 and not k[-1].isdigit()]
    row["chords"] = 100 * max((abs(made[k] / truth[k] - 1) for k in chords if k in made), default=np.nan)
    row["curvature"] = relative("mean-curvature", "binder")
    row["pieces"] = relative("connected-components", "binder")
    lags = [k for k in truth if k.startswith("two-point-correlation")]
    row["S2"] = max((abs(made[k] - truth[k]) for k in lags), default=np.nan)
    row["tau"] = relative("tortuosity", "pore")
    return {k: v for k, v in row.items() if np.isfinite(v)}


def interval(numbers: list[float]) -> tuple[float, float]:
    """Return the bootstrap interval of 95 % of the median."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(numbers, (10_000, len(numbers))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return float(low), float(high)


def cell(numbers: list[float]) -> str:
    """Return a median and its interval."""
    digits = 4 if max(numbers) < 0.1 else 0 if min(numbers) >= 100 else 1 if max(numbers) >= 10 else 2
    text = f"{np.median(numbers):.{digits}f}"
    low, high = interval(numbers)
    return text if len(numbers) == 1 else f"{text} ({low:.{digits}f}–{high:.{digits}f})"


def markdown(rows: dict[tuple[str, str], list[dict[str, float]]]) -> str:
    """Return the table of all materials and recipes."""
    columns = list(dict.fromkeys(c for found in rows.values() for row in found for c in row))
    lines = ["| material | recipe | " + " | ".join(columns) + " |", "|" + " --- |" * (2 + len(columns))]
    for (on, recipe), found in rows.items():
        cells = [cell([r[c] for r in found]) if all(c in r for r in found) else "" for c in columns]
        lines.append(f"| {on} | {recipe} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def recorded(files: list[Path]) -> dict[tuple[str, str], list[dict[str, float]]]:
    """Return the rows of earlier runs, whose seeds count as one set."""
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    for file in files:
        for on, kept in json.loads(file.read_text(encoding="utf-8"))["materials"].items():
            for name, seeds in kept["made"].items():
                for found in seeds.values():
                    steps = {"steps": found["steps"]} if "steps" in found else {}
                    rows.setdefault((on, name), []).append(steps | summary(found, kept["known"]))
    return rows


def write(path: Path, text: str) -> None:
    """Put a table between the marks of a page.

    Raises:
        UserError: If the page has no such marks.
    """
    page = path.read_text(encoding="utf-8")
    new, count = re.subn(f"(?s)(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", lambda _: text + "\n", page)
    if not count:
        raise UserError(f"The page {path} has no lines {BEGIN} and {END}; put them where the table is to be.")
    with replacing(path) as temporary:
        temporary.write_text(new, encoding="utf-8")


BEGIN, END = "<!-- recipes -->", "<!-- /recipes -->"


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default="patterns,slim", help=f"names, with commas between: {', '.join(RECIPES)}")
    parser.add_argument("--materials", default="electrode", help="electrode, electrode@SCALE, rock:FILE, case:NAME")
    parser.add_argument("--data", type=Path, help="folder of the case studies' files")
    parser.add_argument("--minutes", type=float, default=1.0, help="training time of each")
    parser.add_argument("--steps", type=int, help="training steps of each instead of minutes")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first")
    parser.add_argument("--size", type=int, default=256, help="edge of the electrode in voxels, a multiple of 4")
    parser.add_argument("--json", type=Path, help="file for every measured number")
    parser.add_argument("--montage", type=Path, help="folder for pictures of the first seed's results")
    parser.add_argument("--write", type=Path, help="page to put the table into")
    parser.add_argument("--table", type=Path, nargs="+", help="files of --json to make the table of, instead of runs")
    args = parser.parse_args()
    if args.table:
        table = markdown(recorded(args.table))
        print(table)
        if args.write:
            write(args.write, table)
        return 0
    names = args.recipes.split(",")
    if unknown := [n for n in names if n not in RECIPES]:
        parser.error(f"there is no recipe {unknown[0]!r}; choose from {', '.join(RECIPES)}")
    budget = Budget(steps=args.steps) if args.steps else Budget(minutes=args.minutes)
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    record: dict[str, Any] = {"minutes": budget.minutes, "steps": budget.steps, "materials": {}}
    for text in args.materials.split(","):
        on = material(text, args.data, args.size)
        kept = record["materials"][on.name] = {"known": on.known, "region": str(on.region), "made": {}}
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            for name in names:
                with tempfile.TemporaryDirectory() as folder:
                    made, steps, degradation = train(name, on, budget, seed, Path(folder))
                if args.montage and seed == args.first_seed:
                    montage(args.montage / f"{on.name.replace(':', '-').replace('/', '-')}-{name}.png", made, on)
                found = of_part(made, on.inputs) if on.free else of_volume(made, on.inputs, degradation)
                row = {"steps": float(steps)} | summary(found, on.known)
                rows.setdefault((on.name, name), []).append(row)
                kept["made"].setdefault(name, {})[str(seed)] = {"steps": float(steps)} | found
                print(f"{on.name} {name} {seed}: " + ", ".join(f"{k} {cell([v])}" for k, v in row.items()), flush=True)
                if args.json:
                    args.json.write_text(json.dumps(record, indent=1), encoding="utf-8")
    table = markdown(rows)
    length = f"{args.steps} steps" if args.steps else f"{args.minutes:g} minutes"
    print(f"\n{length} each, {args.seeds} seeds; errors in %, fractions in points, JS in times the floor\n\n{table}")
    if args.write:
        write(args.write, table)
    return 0


def montage(path: Path, made: LabelArray, on: Material) -> None:
    """Draw the middle planes of a result next to parts of its images."""
    from PIL import Image

    colors = np.array([p.rgb for p in made.phases], np.uint8)
    edge = min(128, *made.array.shape, *(n for image in on.inputs.images for n in image.array.shape[1:]))
    planes = [np.moveaxis(made.array, axis, 0)[made.array.shape[axis] // 2][:edge, :edge] for axis in range(3)]
    images = [image.array[0][:edge, :edge] for image in on.inputs.images]
    rows = np.concatenate([np.concatenate(planes, 1), np.concatenate(images, 1)])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(colors[rows]).resize((12 * edge, 8 * edge), 0).save(path)


if __name__ == "__main__":
    sys.exit(main())
