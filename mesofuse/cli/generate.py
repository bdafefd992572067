"""``mesofuse generate``: a volume of any size from a model."""

from __future__ import annotations

from typing import Any

import click

from mesofuse.cli import generation, options


@click.command("generate")
@click.argument("model", metavar="MODEL")
@click.argument("low_res", metavar="LOW_RES")
@click.argument("out", metavar="OUT")
@options.seed
@generation.region
@generation.chunks
@generation.shards
@generation.workers
@options.voxel_size
@options.unit
@options.device
@click.option("--levels/--no-levels", default=True, show_default=True, help="Add coarser levels for viewers.")
@click.option("--resume", is_flag=True, help="Go on with an output that was begun.")
@options.overwrite
@options.quiet
def command(
    model: str, low_res: str, out: str, seed: int, region: str | None, chunks: int, shards: int | None,
    workers: int | None, voxel_size: Any, unit: str | None, device: str, levels: bool, resume: bool, overwrite: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Apply MODEL (a package folder) to the volume LOW_RES and write the fused volume OUT (zarr).

    The same model, input and seed give the same voxels for every chunking, region, number of workers and restart.

    \b
    Example:
      mesofuse generate runs/first/model scan.tif fused.zarr --seed 1
      mesofuse generate runs/first/model scan.zarr part.zarr --region 0:512,0:512,:
    """
    from mesofuse.pipeline.generate import apply_model
    from mesofuse.report.progress import ProgressPrinter
    from mesofuse.streaming.output import check_output
    from mesofuse.streaming.run import GenerateOptions

    check_output(out, resume=resume, overwrite=overwrite)
    chunk, shard = generation.storage(chunks, shards)
    opened = generation.open_all(model, low_res, device, region, voxel_size, unit)
    settings = GenerateOptions(
        seed, opened.region, chunk, shard, workers, opened.device, resume=resume, overwrite=overwrite, levels=levels
    )
    with ProgressPrinter(quiet=quiet) as progress:
        volume = apply_model(opened.package, opened.low_res, out, settings, emit=progress.emit, say=progress.say)
    click.echo(f"Wrote {volume.path}: {' × '.join(map(str, volume.grid.shape))} voxels")
