"""Methods against each other on materials whose truth is known, in equal time, several seeds each.

A material is the demo's electrode, or half of a segmented 3D scan that is degraded to make a scan of it, while planes
of the other half are the image. Every method makes the same volume from the same inputs (`mesofuse.compare`, each in a
process of its own), and is judged by what none of them is fitted to as such: chords, the Euler number and mean
curvature, connected pieces, tortuosity, and a classifier that tells its planes from the image. What some are fitted to
(fractions, areas, label patterns) stands next to it.

    python examples/contest/run.py --material electrode --size 96 --minutes 1 --seeds 3 --out contest
    python examples/contest/run.py --material rock:berea.tif --methods interpolation,plurigaussian,annealing --out rock
    python examples/contest/run.py --out contest --table

Each seed is a folder of its own below OUT; what it holds is not done again, so that a stopped contest goes on, and
methods may be added. Run nothing else next to it: the budget is time.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

import mesofuse as mf
from mesofuse.errors import UserError
from mesofuse.evaluation.layout import Layout
from mesofuse.volumes.files import replacing

METHODS = (
    "interpolation", "plurigaussian", "phase-retrieval", "annealing", "descriptors", "multiple-point", "superres:slim",
    "superres:patterns",
)  # fmt: skip
FITTED = ("volume-fraction", "surface-area", "pattern-distance")
JUDGED = ("chord-length", "euler-number", "mean-curvature", "connected-components", "tortuosity")
METRICS = (
    "volume-fraction", "surface-area", "chord-length", "euler-number", "connected-components", "tortuosity",
    {"name": "judge", "patch": 24},
)  # fmt: skip
SCALE = 4
RESULTS = "contest.json"
Row = dict[str, float]


def material(name: str, size: int, seed: int) -> tuple[mf.Pair, mf.Volume]:
    """Return the pair of a material and its truth.

    Args:
        name: ``electrode``, or ``rock:FILE`` of a segmented scan of two phases.
        size: Edge of the truth in voxels, a multiple of 4.
        seed: Another seed gives another electrode; of a rock there is one.

    Raises:
        UserError: If there is no such material, or the rock is too small.
    """
    kind, _, file = name.partition(":")
    if kind == "electrode":
        sample = mf.data.electrode(size, seed=seed)
        return sample.pair, sample.truth
    if kind != "rock" or not file:
        raise UserError(f"There is no material {name!r}: give electrode, or rock:FILE.tif of a segmented scan.")
    both = np.asarray(tifffile.imread(file))
    if min(both.shape) < 2 * size:
        raise UserError(
            f"{file} has the shape {both.shape}: half of it must hold {size}³ voxels; give a smaller --size."
        )
    values = np.unique(both)
    labels = np.searchsorted(values, both).astype(np.uint8)
    names = ("pore", "grain") if len(values) == 2 else tuple(f"phase{i}" for i in range(len(values)))
    truth = mf.volume(labels[:size, :size, :size], phases=names, voxel_size=1.0, unit="um")
    other = labels[size:]
    planes = [np.moveaxis(other, axis, 0) for axis in range(3)]
    edge = min(min(p.shape[1:]) for p in planes)
    stack = np.stack([plane[:edge, :edge] for p in planes for plane in p[:: max(1, len(p) // 4)]])
    image = mf.image(stack, phases=names, pixel_size=1.0, unit="um")
    scan = mf.degrade(truth, scale=SCALE)
    return mf.Pair(scan, image, scale=SCALE), truth


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Compare the methods with each seed and return every number: material, method, seed, row."""
    found: dict[str, Any] = {"material": args.material, "size": args.size, "minutes": args.minutes, "rows": {}}
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        pair, truth = material(args.material, args.size, seed)
        compared = mf.compare(
            pair, args.methods, reference=truth, minutes=args.minutes, seed=seed, metrics=METRICS,
            subvolumes=args.subvolumes, size=args.size // 2, out=args.out / f"seed-{seed}",
        )  # fmt: skip
        for name, row in rows(compared.table.to_json()).items():
            found["rows"].setdefault(name, {})[str(seed)] = row
    return found


def rows(table: dict[str, Any]) -> dict[str, Row]:
    """Return each column's numbers: the mean |relative error| of every metric, in %, and what has no error."""
    found: dict[str, Row] = {}
    for at, name in enumerate(table["columns"]):
        if name in ("reference", "image"):
            continue
        errors: dict[str, list[float]] = {}
        for line in table["table"]:
            entry, metric = line["entries"][at], line["metric"]
            if metric in ("pattern-distance", "judge", "low-res-consistency"):
                errors.setdefault(metric, []).append(_number(entry["whole"]))
            elif "normal to" not in line["label"] and entry["relative"] is not None:
                errors.setdefault(metric, []).append(100 * abs(_number(entry["relative"])))
        row = {metric: float(np.mean(values)) for metric, values in errors.items()}
        usage = table["usage"].get(name)
        if usage:
            row |= {"seconds": usage["fit_seconds"] + usage["generate_seconds"], "megabytes": usage["peak_bytes"] / 1e6}
        found[name] = row
    return found


def _number(value: Any) -> float:
    return math.nan if value is None or isinstance(value, str) else float(value)


HEADS = {
    "volume-fraction": "fractions %", "surface-area": "areas %", "pattern-distance": "patterns bit",
    "low-res-consistency": "scan", "chord-length": "chords %", "euler-number": "Euler %", "mean-curvature":
    "curvature %", "connected-components": "pieces %", "tortuosity": "tau %", "judge": "judge", "seconds": "time s",
    "megabytes": "memory MB",
}  # fmt: skip


def table(found: dict[str, Any]) -> Layout:
    """Return the medians over the seeds with their ranges, the best of each column marked."""
    names = list(found["rows"])
    cells: dict[str, list[tuple[float, str]]] = {}
    for key in HEADS:
        column = []
        for name in names:
            values = [row.get(key, math.nan) for row in found["rows"][name].values()]
            known = [v for v in values if math.isfinite(v)]
            if not known:
                column.append((math.nan, "–"))
                continue
            text = f"{np.median(known):.3g}" + (f" ({min(known):.3g}–{max(known):.3g})" if len(known) > 1 else "")
            column.append((float(np.median(known)), text))
        cells[key] = column
    marked = {key: _marked(key, column) for key, column in cells.items()}
    body = [(name, *(marked[key][i] for key in HEADS)) for i, name in enumerate(names)]
    seeds = len(next(iter(found["rows"].values())))
    note = (
        f"{found['material']}, {found['size']}³ voxels, {found['minutes']:g} min for those that train, {seeds} seeds: "
        "median (range). Errors are means of |relative error| against the truth; * the best of its column. judge: how "
        "often a classifier tells the result's planes from the image, 0.5 at best."
    )
    return Layout(("method", *HEADS.values()), tuple(body), (note,), "l" + "r" * len(HEADS))


def _marked(key: str, column: list[tuple[float, str]]) -> list[str]:
    """Return a column's texts, the best with a star; time and memory have none."""
    scores = [-v if key == "low-res-consistency" else v for v, _ in column]
    best = min((v for v in scores if math.isfinite(v)), default=math.nan)
    starred = key not in ("seconds", "megabytes")
    return [f"{text}*" if starred and score == best else text for score, (_, text) in zip(scores, column, strict=True)]


def draw(found: dict[str, Any], file: Path) -> None:
    """Draw the errors of what no method is fitted to, a group a metric and a point a seed."""
    import matplotlib.pyplot as plt

    names, keys = list(found["rows"]), [*JUDGED, "judge"]
    figure, axes = plt.subplots(1, len(keys), figsize=(2.1 * len(keys), 0.32 * len(names) + 1.2), sharey=True)
    for panel, key in zip(axes, keys, strict=True):
        for y, name in enumerate(names):
            values = [row.get(key, math.nan) for row in found["rows"][name].values()]
            panel.plot(values, [y] * len(values), "o", ms=3.5, color="C0", alpha=0.7)
        panel.set(title=HEADS[key], yticks=range(len(names)), yticklabels=names)
        panel.grid(axis="x", lw=0.4)
        if key == "judge":
            panel.set_xlim(0.45, 1.02)
        else:
            panel.set_xscale("symlog", linthresh=1)
            panel.set_xlim(left=0)
    axes[0].invert_yaxis()
    figure.tight_layout()
    with replacing(file) as temporary:
        figure.savefig(temporary, dpi=200, metadata={"Software": None})
    plt.close(figure)


def main() -> int:
    """Run the contest, write its numbers, table and figure; 2 for a mistake."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--material", default="electrode")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--subvolumes", type=int, default=32)
    parser.add_argument("--methods", type=lambda text: text.split(","), default=list(METHODS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true", help="Only print the table of what OUT holds.")
    args = parser.parse_args()
    file = args.out / RESULTS
    try:
        if not args.table:
            found = run(args)
            with replacing(file) as temporary:
                temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
            draw(found, args.out / "contest.png")
        elif not file.exists():
            raise UserError(f"{file} does not exist: run the contest first.")
    except UserError as error:
        print(f"Error: {error}")
        return 2
    shown = table(json.loads(file.read_text("utf-8")))
    with replacing(args.out / "contest.md") as temporary:
        temporary.write_text(shown.markdown(), encoding="utf-8")
    print(shown.text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
