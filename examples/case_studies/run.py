"""Run one of the paper's four case studies and say what it achieved.

    python examples/case_studies/run.py nmc --data FOLDER --out runs/nmc [--minutes 12] [--preset paper] [--resume]

FOLDER holds the published TIFF files (README.md says where they are had). Each case is a `case.yaml` next to this file:
a job as `mesofuse fuse` takes it, the part of the volume to make, and what to measure of it. The run's folder is that
of `mesofuse fuse`, so that `mesofuse report` draws it, with `results.csv` next to it.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import yaml

from mesofuse.config.job import make_job
from mesofuse.console.progress import ProgressPrinter
from mesofuse.console.tables import print_table
from mesofuse.errors import UserError
from mesofuse.evaluation.distributions import summary
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.result_table import ResultTable
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.evaluation.subvolumes import sample
from mesofuse.figures.montage import montage
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.models.device import resolve_device
from mesofuse.pipeline.fit import fit_job
from mesofuse.pipeline.folder import FUSED, PREVIEW, check_folder
from mesofuse.pipeline.generate import apply_model
from mesofuse.pipeline.inputs import JobInputs, open_inputs
from mesofuse.pipeline.projection import method_degradation
from mesofuse.preflight.run import preflight
from mesofuse.streaming.compute import default_workers
from mesofuse.streaming.run import GenerateOptions
from mesofuse.volumes.grid import Region
from mesofuse.volumes.labels import LabelArray, Labels

HERE = Path(__file__).parent
CASES = ("nmc", "separator", "sofc", "sem")


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--data", type=Path, required=True, help="folder of the published files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, help="training budget instead of the case's")
    parser.add_argument("--steps", type=int, help="training budget in generator steps instead of minutes")
    parser.add_argument("--preset", help="slim or paper")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, help="tiles in flight, and processes that measure")
    parser.add_argument("--resume", action="store_true", help="go on with what the folder holds")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run")
    try:
        run(parser.parse_args())
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def run(args: argparse.Namespace) -> None:
    """Train, generate, measure, and print a table."""
    case = yaml.safe_load((HERE / args.case / "case.yaml").read_text(encoding="utf-8"))
    check_folder(args.out, overwrite=args.overwrite, resume=args.resume)
    job = make_job(job_fields(case["job"], args), f"the case {args.case}").resolved()
    inputs = open_inputs(job)
    workers = args.workers or default_workers("cpu")
    with ProgressPrinter() as progress:
        for check in preflight(inputs.fusion).warnings:
            progress.say(f"Warning: {check.sentence}")
        package = fit_job(
            job, inputs, args.out, overwrite=args.overwrite, resume=args.resume, emit=progress.emit
        )  # fmt: skip
        fine = Region.whole(inputs.scan.grid.shape).scaled(inputs.problem.scale).shape
        part = Region.parse(case["region"], fine) if case.get("region") else None
        options = GenerateOptions(job.seed, part, workers=workers, device=resolve_device(job.device), resume=True)
        made = apply_model(package, inputs.scan, str(args.out / FUSED), options, emit=progress.emit, say=progress.say)
        progress.say("Measuring")
        columns = [*images(inputs, case["measure"]), result(made, inputs, package, case["measure"], workers)]
        if case.get("transport"):
            columns[-1].results += transport(made, case["transport"], 1, workers)
            coarse = inputs.scan.read(inputs.scan.grid.region)
            scan = LabelArray(coarse, inputs.scan.grid, inputs.problem.low_phases)  # named as the result's
            columns.insert(-1, Measured("scan", scan.grid, transport(scan, case["transport"], 4, workers)))
    shown = inputs.images if len(inputs.fusion.groups) > 1 else inputs.image
    montage(args.out / PREVIEW, low_res=inputs.low_res, result=made, image=shown)
    print_table(ResultTable(columns, columns[0]))
    write(args.out / "results.csv", columns)
    print(f"Results: {args.out / 'results.csv'}\nFigure: {args.out / PREVIEW}")


def job_fields(fields: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """Return a case's job with its files in the data folder and the command line's budget."""

    def there(name: str) -> str:
        return str((args.data / name).absolute())

    high = fields["high_res"]
    fields = {**fields, "low_res": there(fields["low_res"]), "device": args.device}
    fields["high_res"] = there(high) if isinstance(high, str) else {axes: there(name) for axes, name in high.items()}
    if args.minutes or args.steps:
        fields |= {"minutes": args.minutes, "steps": args.steps}
    if args.preset:
        fields["method"] = {**fields["method"], "preset": args.preset}
    return fields


def images(inputs: JobInputs, metrics: list[str]) -> list[Measured]:
    """Return what the images show, a column each."""
    groups = inputs.fusion.groups
    names = {axes: "image" if len(groups) == 1 else f"image {axes}" for axes in groups}
    return [measure(image, metrics, stack=True, name=names[axes]) for axes, image in groups.items()]


def result(made: Labels, inputs: JobInputs, package: Any, metrics: list[str], workers: int) -> Measured:
    """Return the result's values; its agreement with the scan where all of it was made."""
    problem, scan = inputs.problem, inputs.scan
    if made.grid.shape != scan.grid.region.scaled(problem.scale).shape:
        return measure(made, metrics, name="fused", workers=workers)
    instrument = method_degradation(package, problem)
    return measure(
        made, [*metrics, "low-res-consistency"], name="fused", workers=workers,
        scan=ScanReference.of(problem, scan, instrument),
    )  # fmt: skip


def transport(volume: Labels, options: dict[str, Any], coarser: int, workers: int) -> list[Measurement]:
    """Return the mean transport efficiency of random subvolumes of the same physical size."""
    sampled = sample(
        volume, ["tortuosity"], size=options["size"] // coarser, count=options["count"], workers=workers
    )  # fmt: skip
    return [
        Measurement(metric, label, summary(sampled, (metric, label)).mean)
        for metric, label in sampled.values
        if metric == "transport-efficiency"
    ]


def write(path: Path, columns: list[Measured]) -> None:
    """Write all values as CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["volume", "metric", "of", "value", "unit"])
        for column in columns:
            for r in column.results:
                if isinstance(r, Measurement):
                    rows.writerow([column.volume, r.metric, r.label, r.value, r.unit])


if __name__ == "__main__":
    sys.exit(main())
