"""``mesofuse demo``: the whole job on data that it makes itself."""

from __future__ import annotations

from pathlib import Path

import click

from mesofuse.cli import options


@click.command("demo")
@click.option("--out", default="demo-run", show_default=True, metavar="FOLDER", help="Folder of the run.")
@click.option("--minutes", type=float, default=1.5, show_default=True, metavar="M", help="Training budget.")
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
    from mesofuse.console.progress import ProgressPrinter
    from mesofuse.demo.demo import RIVAL, run_demo

    with ProgressPrinter(quiet=quiet) as progress:
        result = run_demo(
            Path(out), size=size, minutes=minutes, steps=steps, seed=seed, device=device, overwrite=overwrite,
            emit=progress.emit, say=progress.say,
        )  # fmt: skip
    click.echo(f"{'':17}{'truth':>8}{'fused':>9}{'error':>9}{RIVAL:>15}{'error':>9}")
    metric = ""
    for line in result.lines:
        if line.metric != metric:
            metric = line.metric
            click.echo(f"{metric}, wanted {line.limit}")
        fused, rival = (_error(metric, value, line.truth) for value in (line.fused, line.rival))
        numbers = f"{line.truth:8.4f}{line.fused:9.4f}{fused:>9}{line.rival:15.4f}{rival:>9}"
        click.echo(f"  {line.label:<15}{numbers}  {line.verdict}")
    click.echo(f"Figure: {result.figure}")
    missed = [f"{line.metric} of {line.label}" for line in result.lines if line.verdict != "met"]
    click.echo("All values are as wanted." if not missed else f"Not as wanted: {', '.join(missed)}.")
    if check and missed:
        click.get_current_context().exit(1)


def _error(metric: str, value: float, truth: float) -> str:
    if metric == "volume-fraction":
        return f"{100 * (value - truth):+.1f} pt"
    if metric == "surface-area":
        return f"{100 * (value / truth - 1):+.0f} %"
    if metric == "pattern-distance":
        return f"× {value / truth:.1f}" if truth else ""
    return ""
