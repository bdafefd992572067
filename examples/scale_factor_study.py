"""What the scale factor costs: one electrode of known truth, scanned 2, 4 and 8 times coarser (the paper's Figure 3).

    python examples/scale_factor_study.py --out runs/scales [--scales 2,4,8] [--size 256] [--minutes 4]

For every scale factor the electrode is degraded to a scan, fused with the same sections of another electrode, and
measured against the truth. Writes `scales.csv` and `scales.png`: columns of scan, result and truth.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.config.job import make_job
from mesofuse.console.progress import ProgressPrinter
from mesofuse.demo.demo import LOW_PHASES, SHOWS
from mesofuse.errors import UserError
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.interfaces.problem import Problem
from mesofuse.pipeline.folder import FUSED
from mesofuse.pipeline.fuse import fuse
from mesofuse.pipeline.inputs import open_inputs
from mesofuse.pipeline.projection import method_degradation
from mesofuse.registry import get_registry
from mesofuse.simulation.electrode import NAMES, make_electrode, make_scan, sections
from mesofuse.streaming.compute import default_workers
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.grid import Region, parse_scale
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

METRICS = ("volume-fraction", "surface-area", "triple-phase-boundary")
SHOWN = 128


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scales", default="2,4,8")
    parser.add_argument("--size", type=int, default=256, help="edge of the electrode in voxels")
    parser.add_argument("--minutes", type=float, default=4.0, help="training budget of each scale factor")
    parser.add_argument("--steps", type=int, help="training budget in generator steps instead")
    parser.add_argument("--seed", type=int, default=0)
    try:
        run(parser.parse_args())
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def run(args: argparse.Namespace) -> None:
    """Make the electrode, fuse at every scale factor, print and draw."""
    args.out.mkdir(parents=True, exist_ok=True)
    truth = make_electrode((args.size,) * 3, seed=args.seed)
    edge = min(384, args.size * 3 // 2)
    image = sections(make_electrode((edge,) * 3, seed=args.seed + 1), 12, edge, seed=args.seed)
    write_labels(image, args.out / "sections.tif", overwrite=True)
    measured = [measure(truth, METRICS, name="truth", workers=default_workers("cpu"))]
    planes: list[tuple[float, np.ndarray, np.ndarray]] = []
    for text in args.scales.split(","):
        scale = parse_scale(text)
        values, scan, made = one(args, scale[0], truth, args.out / f"scale-{scale[0]:g}")
        measured.append(values)
        planes.append((scale[0], scan, made))
    show(measured, args.out / "scales.csv")
    draw(planes, truth.array[args.size // 2], args.out / "scales.png")
    print(f"Table: {args.out / 'scales.csv'}\nFigure: {args.out / 'scales.png'}")


def one(
    args: argparse.Namespace, scale: float, truth: LabelArray, out: Path
) -> tuple[Measured, np.ndarray, np.ndarray]:
    """Fuse at one scale factor; return the result's values, and a plane of scan and result."""
    problem = Problem((scale,) * 3, default_phases(2, LOW_PHASES), truth.phases, PhaseMatch(SHOWS))
    instrument = get_registry().find("degradation", "blur-downsample").build(None, problem)
    scan = make_scan(truth, instrument, problem)
    scan_file = args.out / f"scan-{scale:g}.tif"
    write_labels(scan, scan_file, overwrite=True)
    job: dict[str, Any] = {
        "low_res": str(scan_file.absolute()), "high_res": str((args.out / "sections.tif").absolute()), "scale": scale,
        "phases": list(NAMES), "shows": {str(i): [NAMES[v] for v in shown] for i, shown in enumerate(SHOWS)},
        "minutes": None if args.steps else args.minutes, "steps": args.steps, "seed": args.seed,
        # Below 4 the voxel-wise loss alone may settle on exchanged phases (see docs/training.md).
        "method": {"name": "superres", "preset": "slim", "generator": {"skip": 0.5 if scale < 4 else 0}},
    }  # fmt: skip
    with ProgressPrinter() as progress:
        progress.say(f"Scale factor {scale:g}")
        resolved = make_job(job, "the study").resolved()
        inputs = open_inputs(resolved)
        fused = fuse(resolved, inputs, out, resume=(out / FUSED).exists(), emit=progress.emit, say=progress.say)
    degradation = method_degradation(fused.package, inputs.problem)
    values = measure(
        fused.volume, [*METRICS, "low-res-consistency"], name=f"scale {scale:g}", workers=default_workers("cpu"),
        scan=ScanReference.of(inputs.problem, inputs.low_res, degradation),
    )  # fmt: skip
    middle = args.size // 2
    made = fused.volume.read(Region((middle, 0, 0), (middle + 1, args.size, args.size)))[0]
    return values, scan.array[int(middle / scale)], made


def show(measured: list[Measured], path: Path) -> None:
    """Print and write each value with its error against the truth."""
    truth = {(r.metric, r.label): r.value for r in measured[0].results if isinstance(r, Measurement)}
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["volume", "metric", "of", "value", "relative error"])
        for column in measured:
            for r in column.results:
                if isinstance(r, Measurement):
                    known = truth.get((r.metric, r.label))
                    error = r.value / known - 1 if known else float("nan")
                    rows.writerow([column.volume, r.metric, r.label, r.value, error])
                    shown = f"{100 * error:+.1f} %" if known and column is not measured[0] else ""
                    print(f"{column.volume:10} {r.metric:22} {r.label:24} {r.value:10.4f} {shown}")


def draw(planes: list[tuple[float, np.ndarray, np.ndarray]], truth: np.ndarray, path: Path) -> None:
    """Draw a column for every scale factor: scan, result, truth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(3, len(planes), figsize=(3 * len(planes), 9), squeeze=False)
    for column, (scale, scan, made) in enumerate(planes):
        side = round(SHOWN / scale)
        low = np.array(SHADES[:2])[scan[:side, :side]]
        for row, (picture, title) in enumerate(
            ((low, f"scan, scale factor {scale:g}"), (np.array(SHADES)[made[:SHOWN, :SHOWN]], "result"),
             (np.array(SHADES)[truth[:SHOWN, :SHOWN]], "truth"))
        ):  # fmt: skip
            axes[row, column].imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes[row, column].set_title(title)
            axes[row, column].axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=150)


SHADES = (0.1, 0.55, 0.95)
"""Pore black, active material grey, binder white, as in the paper."""

if __name__ == "__main__":
    sys.exit(main())
