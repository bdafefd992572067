"""``mesofuse fuse``: the whole job in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mesofuse.cli import generation, job_options, options


@click.command("fuse")
@job_options.low_res
@job_options.high_res
@options.scale
@click.option("--out", required=True, metavar="FOLDER", help="Folder of the run.")
@job_options.job
@generation.chunks
@generation.shards
@generation.workers
@generation.project
@click.option("--resume", is_flag=True, help="Go on with what the folder holds.")
@options.overwrite
@options.quiet
def command(
    low_res: str | None, high_res: tuple[str, ...], scale: Any, out: str, chunks: int,
    shards: int | None, workers: int | None, project: bool, resume: bool, overwrite: bool, quiet: bool,
    **fields: Any,
) -> None:  # fmt: skip
    """Train on a sharp image and a blurry volume, make the fused volume, measure and draw it.

    Writes OUT/config.yaml (repeat with `mesofuse train`), OUT/model, OUT/fused.zarr, OUT/metrics.json, OUT/preview.png.

    \b
    Example:
      mesofuse fuse --low-res scan.tif --high-res sem.tif --scale 4 --voxel-size 0.4 \\
          --phases pore,active,binder --shows 0=pore,binder --shows 1=active --minutes 10 --out runs/first
      mesofuse fuse --method slicegan --high-res sem.tif --size 512 --minutes 15 --out runs/from-image-alone
    """
    from mesofuse.cli.results import print_against_image
    from mesofuse.console.progress import ProgressPrinter
    from mesofuse.pipeline.fit import assist
    from mesofuse.pipeline.folder import PREVIEW, check_folder
    from mesofuse.pipeline.fuse import fuse
    from mesofuse.training.parallel import rank

    generation.storage(chunks, shards)
    folder = Path(out)
    described = job_options.make(low_res, high_res, scale, fields)
    if rank():
        return assist(described, folder, resume=resume)
    check_folder(folder, overwrite=overwrite, resume=resume)
    job, inputs = job_options.open_job(described)
    with ProgressPrinter(quiet=quiet) as progress:
        result = fuse(
            job, inputs, folder, chunks=chunks, shards=shards, workers=workers, project=project, overwrite=overwrite,
            resume=resume,
            emit=progress.emit, say=progress.say, warn=warn if quiet else progress.say,
        )  # fmt: skip
    print_against_image(result.measured, result.image)
    click.echo(f"Fused volume: {result.volume.path}\nFigure: {folder / PREVIEW}")


def warn(text: str) -> None:
    """Write a warning, which --quiet does not silence: it is no progress."""
    click.echo(text, err=True)
