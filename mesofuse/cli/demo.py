"""``mesofuse demo``: the whole job on data that it makes itself."""

from __future__ import annotations

from pathlib import Path

import click

from mesofuse.cli import options


@click.command("demo")
@click.option("--out", default="demo-run", show_default=True, metavar="FOLDER", help="Folder of the run.")
@click.option("--minutes", type=float, default=4.0, show_default=True, metavar="M", help="Training budget.")
@click.option("--steps", type=int, metavar="N", help="Training budget in steps, if reached first.")
@click.option("--size", type=click.IntRange(64, 1024), default=256, show_default=True, help="Edge of it in voxels.")
@click.option("--check", is_flag=True, help="Exit with 1 unless every value is within its limit.")
@options.seed
@options.device
@options.overwrite
@options.quiet
def command(
    out: str, minutes: float, steps: int | None, size: int, check: bool, seed: int, device: str, overwrite: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Make an electrode, scan it, cut sections of a second one, fuse scan and sections, and compare with the truth.

    \b
    Example:
      mesofuse demo --out demo-run --minutes 4
    """
    from rich.console import Console
    from rich.table import Table

    from mesofuse.demo.demo import RIVAL, run_demo
    from mesofuse.report.progress import ProgressPrinter

    with ProgressPrinter(quiet=quiet) as progress:
        result = run_demo(
            Path(out), size=size, minutes=minutes, steps=steps, seed=seed, device=device, overwrite=overwrite,
            emit=progress.emit, say=progress.say,
        )  # fmt: skip
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for title in ("metric", "of", "truth", "fused", RIVAL, "error of fused", f"of {RIVAL}", "wanted", ""):
        table.add_column(title, justify="left" if title in ("metric", "of", "wanted", "") else "right")
    previous = ""
    for line in result.lines:
        metric = "" if line.metric == previous else line.metric
        values = (f"{value:.4f}" for value in (line.truth, line.fused, line.rival))
        errors = (_error(line.metric, value, line.truth) for value in (line.fused, line.rival))
        table.add_row(metric, line.label, *values, *errors, line.limit, line.verdict)
        previous = line.metric
    Console().print(table)
    click.echo(f"Figure: {result.figure}")
    missed = [f"{line.metric} of {line.label}" for line in result.lines if line.verdict != "met"]
    click.echo("All values are as wanted." if not missed else f"Not as wanted: {', '.join(missed)}.")
    if check and missed:
        raise SystemExit(1)


def _error(metric: str, value: float, truth: float) -> str:
    if metric == "volume-fraction":
        return f"{100 * (value - truth):+.1f} points"
    if metric == "surface-area":
        return f"{100 * (value / truth - 1):+.0f} %"
    return ""
