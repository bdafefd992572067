"""``mesofuse fuse``: the whole job in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mesofuse.cli import job_options, options


@click.command("fuse")
@click.option("--low-res", required=True, metavar="FILE", help="The blurry 3D volume, segmented.")
@click.option("--high-res", required=True, metavar="FILE", help="The sharp 2D image (or a stack of them), segmented.")
@options.scale
@click.option("--out", required=True, metavar="FOLDER", help="Folder of the run.")
@job_options.job
@click.option("--chunks", type=click.IntRange(8, 1024), default=64, show_default=True, help="Edge of the output's chunks.")
@click.option("--workers", type=click.IntRange(min=1), help="Tiles in flight. [default: one a core]")
@click.option("--resume", is_flag=True, help="Go on with what the folder holds.")
@options.overwrite
@options.quiet
def command(
    low_res: str, high_res: str, scale: Any, out: str, chunks: int, workers: int | None, resume: bool, overwrite: bool,
    quiet: bool, **fields: Any,
) -> None:  # fmt: skip
    r"""Train on a sharp image and a blurry volume, make the fused volume, measure and draw it.

    Writes OUT/config.yaml (repeat with `mesofuse train`), OUT/model, OUT/fused.zarr, OUT/metrics.json, OUT/preview.png.

    \b
    Example:
      mesofuse fuse --low-res scan.tif --high-res sem.tif --scale 4 --voxel-size 0.4 \
          --phases pore,active,binder --shows 0=pore,binder --shows 1=active --minutes 10 --out runs/first
    """
    from mesofuse.cli.results import print_against_image
    from mesofuse.pipeline.fit import prepare_folder
    from mesofuse.pipeline.fuse import PREVIEW, fuse
    from mesofuse.pipeline.inputs import open_inputs
    from mesofuse.report.progress import ProgressPrinter

    folder = Path(out)
    job = job_options.make(low_res, high_res, scale, fields)
    inputs = open_inputs(job)
    for note in inputs.notes:
        click.echo(f"Note: {note}", err=True)
    prepare_folder(folder, overwrite=overwrite, resume=resume)
    with ProgressPrinter(quiet=quiet) as progress:
        result = fuse(
            job, inputs, folder, chunks=chunks, workers=workers, resume=resume, emit=progress.emit, say=progress.say
        )
    print_against_image(result.measured, result.image)
    click.echo(f"Fused volume: {result.volume.path}\nFigure: {folder / PREVIEW}")
