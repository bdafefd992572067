"""``mesofuse report``: a run or a comparison as one HTML file, and its figures for papers."""

from __future__ import annotations

from pathlib import Path

import click

from mesofuse.cli import options


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN_OR_COMPARISON")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="[default: report.html in the folder]")
@click.option("--pdf", "as_pdf", is_flag=True, help="Also write the figures as one PDF next to it.")
@click.option(
    "--figures", type=click.Path(path_type=Path), metavar="DIR", help="Also write each figure as a file here."
)
@click.option("--format", "kind", type=click.Choice(["pdf", "svg"]), default="pdf", show_default=True,
              help="Of the figures' files.")  # fmt: skip
@click.option("--reference", metavar="FILE", help="The true volume, for a run whose truth is known.")
@click.option("--metrics", metavar="NAME,...", help="What to measure of a run, for example volume-fraction,tortuosity.")
@click.option("--subvolumes", type=click.IntRange(min=2), metavar="N", help="Subvolumes of a run. [default: 128]")
@click.option("--size", type=click.IntRange(min=4), metavar="N", help="Edge of a run's subvolumes. [default: 64]")
@click.option("--low-res", metavar="FILE", help="The scan, where it is not where the folder says.")
@click.option("--high-res", multiple=True, metavar="[AXES=]FILE", help="The image (or one by axes), likewise.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that measure.")
@options.overwrite
@options.quiet
def command(
    folder: Path, out: Path | None, as_pdf: bool, figures: Path | None, kind: str, reference: str | None,
    metrics: str | None, subvolumes: int | None, size: int | None, low_res: str | None, high_res: tuple[str, ...],
    workers: int, overwrite: bool, quiet: bool,
) -> None:  # fmt: skip
    """Write a run of `mesofuse fuse`, or a comparison, as one HTML file that needs nothing else.

    Slices to move through, distributions, correlation functions, agreement with the scan, training, provenance, and
    what to cite. What has to be measured for it is kept in the folder, so a second call is quick.

    \b
    Example:
      mesofuse report runs/first --figures figures --format svg
      mesofuse report cmp/ --out comparison.html --pdf
    """
    from mesofuse.cli.job_options import parse_images
    from mesofuse.config.places import absolute
    from mesofuse.reporting.source import Sampling
    from mesofuse.reporting.write import Wanted, write_report

    names = tuple(name.strip() for name in metrics.split(",") if name.strip()) if metrics else None
    scan, images = absolute(low_res) if low_res else None, parse_images(high_res) if high_res else None
    sampling = Sampling(names, subvolumes, size, reference, workers, scan, images)
    target, *others = write_report(folder, sampling, Wanted(out, as_pdf, figures, kind, overwrite), quiet=quiet)
    click.echo(f"Report: {target}")
    for file in others:
        click.echo(f"Figure: {file}")
