"""``mesofuse plan``: what a generation will take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import generation, options, part_options

if TYPE_CHECKING:
    from mesofuse.interfaces.method import Model
    from mesofuse.volumes.grid import Triple


@click.command("plan")
@click.argument("model", metavar="MODEL")
@click.argument("low_res", metavar="[LOW_RES]", required=False)
@options.size
@options.periodic
@generation.region
@generation.chunks
@generation.shards
@generation.workers
@generation.project
@part_options.ignore
@options.device
@options.as_json
def command(
    model: str, low_res: str | None, size: Any, periodic: str, region: str | None, chunks: int, shards: int | None,
    workers: int | None, project: bool, ignore: tuple[str, ...], device: str, as_json: bool,
) -> None:  # fmt: skip
    """Say how many tiles, how much memory, disk and time `mesofuse generate` will take; one tile is computed to know.

    \b
    Example:
      mesofuse plan runs/first/model scan.tif --workers 2
      mesofuse plan runs/from-image-alone/model --size 1024
    """
    from mesofuse.console.progress import duration
    from mesofuse.pipeline.projection import projected
    from mesofuse.pipeline.target import open_all
    from mesofuse.streaming.plan import human_bytes, make_plan

    chunk, shard = generation.storage(chunks, shards)
    opened = open_all(
        model, low_res, device, region, ignore=ignore, size=size, periodic=periodic, note=options.echo_note
    )
    applied: Model = opened.package.model.to(opened.device)
    if project:
        applied, _ = projected(opened.package, applied)
    plan = make_plan(
        applied, opened.low_res, opened.grid.shape, region=opened.region,
        unit=shard or chunk, workers=workers, device=opened.device, periodic=periodic,
    )  # fmt: skip
    if as_json:
        options.echo_json(plan.to_json())
        return
    scratch = "" if plan.aligned else f", and {human_bytes(plan.scratch_bytes)} while running (chunks cross tiles)"
    whole = "not known: the method works on the volume as a whole"
    time = whole if plan.seconds is None else f"about {duration(plan.seconds)}"
    for name, text in (
        ("output", f"{_times(plan.shape)} voxels, written in pieces of {_times(plan.chunk)}"),
        ("tiles", f"{plan.tiles} of {_times(plan.tile)} voxels, {plan.workers} at a time"),
        ("memory", f"{human_bytes(plan.peak_bytes)} at the peak, {human_bytes(plan.tile_bytes)} a tile in flight"),
        ("disk", f"{human_bytes(plan.disk_bytes)}{scratch}"),
        ("time", time),
    ):
        click.echo(f"{name:<8}{text}")


def _times(shape: Triple) -> str:
    return " × ".join(map(str, shape))
