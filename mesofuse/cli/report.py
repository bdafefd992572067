"""``mesofuse report``: a run or a comparison as one HTML file, and its figures for papers."""

from __future__ import annotations

from pathlib import Path

import click

from mesofuse.cli import options
from mesofuse.errors import UserError


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN_OR_COMPARISON")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="[default: report.html in the folder]")
@click.option("--pdf", "as_pdf", is_flag=True, help="Also write the figures as one PDF beside it.")
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
    from mesofuse.cli.job_options import absolute, parse_images
    from mesofuse.pipeline.folder import REPORT
    from mesofuse.pipeline.report import Sampling, build, open_source
    from mesofuse.reporting.html import figure_bytes, page, pdf
    from mesofuse.reporting.progress import SampleBars
    from mesofuse.volumes.files import check_free, replacing

    target = out or folder / REPORT
    if target.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{target} must end in .html; --figures writes the figures as {kind}.")
    files = [target, *([target.with_suffix(".pdf")] if as_pdf else [])]
    for file in files:
        check_free(file, overwrite)
    if figures is not None and figures.exists() and not figures.is_dir():
        raise UserError(f"{figures} is a file; give the name of a folder with --figures.")
    names = tuple(name.strip() for name in metrics.split(",") if name.strip()) if metrics else None
    with SampleBars(quiet=quiet) as bars:
        scan, images = absolute(low_res) if low_res else None, parse_images(high_res) if high_res else None
        sampling = Sampling(names, subvolumes, size, reference, workers, scan, images)
        source = open_source(folder, sampling, say=bars.say, progress=bars.update)
        content = build(source, bars.say)
    outputs = {target: page(content).encode("utf-8")}
    if as_pdf:
        outputs[files[1]] = pdf(content)
    if figures is not None:
        outputs |= {figures / f"{plate.name}.{kind}": figure_bytes(plate.figure, kind) for plate in content.plates}
        for file in list(outputs)[len(files) :]:
            check_free(file, overwrite)
    for file, data in outputs.items():
        with replacing(file) as temporary:
            temporary.write_bytes(data)
    click.echo(f"Report: {target}")
    for file in list(outputs)[1:]:
        click.echo(f"Figure: {file}")
