"""``mesofuse realisations``: several volumes of one model, what they agree on, and how their numbers spread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import generation, options, part_options

if TYPE_CHECKING:
    pass


@click.command("realisations")
@click.argument("model", metavar="MODEL")
@click.argument("files", nargs=-1, metavar="[LOW_RES] OUT")
@click.option("--count", type=click.IntRange(min=2), default=8, show_default=True, help="How many realisations.")
@options.seed
@click.option(
    "--metrics", metavar="NAME,...", help="What to measure: names, or 'all'. [default: volume-fraction,surface-area]"
)
@click.option("--set", "settings", multiple=True, metavar="METRIC.OPTION=VALUE", help="An option of a metric.")
@generation.project
@options.size
@options.periodic
@generation.region
@generation.chunks
@generation.shards
@generation.workers
@options.voxel_size
@options.unit
@part_options.ignore
@options.device
@click.option("--levels/--no-levels", default=True, show_default=True, help="Add coarser levels for viewers.")
@click.option("--resume", is_flag=True, help="Go on with a folder that was begun, also to a larger --count.")
@options.overwrite
@options.quiet
def command(
    model: str, files: tuple[str, ...], count: int, seed: int, metrics: str | None, settings: tuple[str, ...],
    project: bool, size: Any, periodic: str, region: str | None, chunks: int, shards: int | None, workers: int | None,
    voxel_size: Any, unit: str | None, ignore: tuple[str, ...], device: str, levels: bool, resume: bool,
    overwrite: bool, quiet: bool,
) -> None:  # fmt: skip
    """Apply MODEL to LOW_RES with several seeds, and show how much the results differ.

    Writes OUT/seed-0.zarr … (each as `mesofuse generate --seed` makes it), OUT/summary.zarr (the most probable phase,
    with the arrays `probability` and `entropy`), OUT/realisations.json and OUT/realisations.csv. The spread is that of
    the model given its scan: it says nothing of an error that all realisations share.

    \b
    Example:
      mesofuse realisations runs/first/model scan.tif runs/first/realisations --count 8
    """  # fmt: skip
    from mesofuse.cli.generate import places
    from mesofuse.cli.measure_inputs import metric_choices
    from mesofuse.console.progress import ProgressPrinter
    from mesofuse.console.tables import print_table
    from mesofuse.pipeline.realisations import check_out, realise
    from mesofuse.pipeline.target import open_all
    from mesofuse.streaming.run import GenerateOptions

    low_res, out = places(model, files)
    check_out(Path(out), resume=resume, overwrite=overwrite)
    chunk, shard = generation.storage(chunks, shards)
    metric_choices(metrics, settings, False)  # refused before a large file is read
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
    compared = opened.low_res is not None and opened.region is None
    chosen = metric_choices(metrics, settings, compared, opened.package.model.problem.content)
    settled = GenerateOptions(
        seed, opened.region, chunk, shard, workers, opened.device, resume=resume, overwrite=overwrite, levels=levels,
        periodic=periodic,
    )  # fmt: skip
    with ProgressPrinter(quiet=quiet) as progress:
        made = realise(
            opened.package, opened.low_res, Path(out), settled, count=count, metrics=chosen, size=size,
            voxel_size=voxel_size, unit=unit, project=project, emit=progress.emit, say=progress.say,
            watch=progress.step,
        )  # fmt: skip
    print_table(made.table)
    click.echo(f"Wrote {count} realisations, {made.summary.path} and tables to {out}")
