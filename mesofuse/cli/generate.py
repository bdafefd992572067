"""``mesofuse generate``: a volume of any size from a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from mesofuse.cli import generation, options, part_options
from mesofuse.errors import UserError


@click.command("generate")
@click.argument("model", metavar="MODEL")
@click.argument("files", nargs=-1, metavar="[LOW_RES] OUT")
@options.size
@options.periodic
@options.seed
@generation.region
@generation.chunks
@generation.shards
@generation.workers
@generation.project
@options.voxel_size
@options.unit
@part_options.ignore
@options.device
@click.option("--levels/--no-levels", default=True, show_default=True, help="Add coarser levels for viewers.")
@click.option("--resume", is_flag=True, help="Go on with an output that was begun.")
@options.overwrite
@options.quiet
def command(
    model: str, files: tuple[str, ...], size: Any, periodic: str, seed: int, region: str | None, chunks: int,
    shards: int | None,
    workers: int | None, project: bool, voxel_size: Any, unit: str | None, ignore: tuple[str, ...], device: str,
    levels: bool, resume: bool, overwrite: bool, quiet: bool,
) -> None:  # fmt: skip
    """Apply MODEL (a package folder) to the volume LOW_RES and write the fused volume OUT (zarr).

    A model that takes no scan (SliceGAN and its like) makes a volume of any --size [default: 256].

    The same model, input and seed give the same voxels for every chunking, region, number of workers and restart.

    \b
    Example:
      mesofuse generate runs/first/model scan.tif fused.zarr --seed 1
      mesofuse generate runs/first/model scan.zarr part.zarr --region 0:512,0:512,:
      mesofuse generate runs/from-image-alone/model cell.zarr --size 512 --periodic zyx
    """
    from mesofuse.console.progress import ProgressPrinter
    from mesofuse.pipeline.generate import apply_model
    from mesofuse.pipeline.target import open_all
    from mesofuse.streaming.output import check_output
    from mesofuse.streaming.run import GenerateOptions

    low_res, out = places(model, files)
    if low_res is not None:  # before a large file is read
        check_output(out, resume=resume, overwrite=overwrite)
    chunk, shard = generation.storage(chunks, shards)
    opened = open_all(
        model,
        low_res,
        device,
        region,
        voxel_size=voxel_size,
        unit=unit,
        ignore=ignore,
        size=size,
        periodic=periodic,
        note=options.echo_note,
    )
    settings = GenerateOptions(
        seed, opened.region, chunk, shard, workers, opened.device, resume=resume, overwrite=overwrite, levels=levels,
        periodic=periodic,
    )  # fmt: skip
    with ProgressPrinter(quiet=quiet) as progress:
        volume = apply_model(
            opened.package, opened.low_res, out, settings, size=size, voxel_size=voxel_size, unit=unit,
            project=project, emit=progress.emit, say=progress.say,
        )  # fmt: skip
    click.echo(f"Wrote {volume.path}: {' × '.join(map(str, volume.grid.shape))} voxels")


def places(model: str, files: Sequence[str]) -> tuple[str | None, str]:
    """Return the scan, if there is one, and the output.

    Raises:
        UserError: If there is none of them, or more than two.
    """
    if len(files) == 1:
        return None, files[0]
    if len(files) == 2:
        return files[0], files[1]
    found = f"but {len(files)} files are named after {model}" if files else f"but only {model} is given"
    raise UserError(f"Give MODEL, the scan if the model takes one, and OUT, {found}.")
