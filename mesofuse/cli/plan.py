"""``mesofuse plan``: what a generation will take."""

from __future__ import annotations

from typing import Any

import click

from mesofuse.cli import generation, options


@click.command("plan")
@click.argument("model", metavar="MODEL")
@click.argument("low_res", metavar="LOW_RES")
@generation.region
@generation.chunks
@generation.shards
@generation.workers
@options.device
@options.as_json
def command(
    model: str, low_res: str, region: str | None, chunks: int, shards: int | None, workers: int | None, device: str,
    as_json: bool,
) -> None:  # fmt: skip
    r"""Say how many tiles, how much memory, disk and time `mesofuse generate` will take; one tile is computed to know.

    \b
    Example:
      mesofuse plan runs/first/model scan.tif --workers 2
    """
    from mesofuse.streaming.plan import human_bytes, make_plan

    chunk, shard = generation.storage(chunks, shards)
    opened = generation.open_all(model, low_res, device, region, None, None)
    low = opened.low_res
    plan = make_plan(
        opened.package.model, low, low.grid.shape, region=opened.region, unit=shard or chunk, workers=workers,
        device=opened.device,
    )  # fmt: skip
    if as_json:
        options.echo_json(plan.to_json())
        return
    minutes, seconds = divmod(round(plan.seconds), 60)
    click.echo(
        f"output    {' × '.join(map(str, plan.shape))} voxels, written in pieces of {' × '.join(map(str, plan.chunk))}\n"
        f"tiles     {plan.tiles} of {' × '.join(map(str, plan.tile))} voxels, {plan.workers} at a time\n"
        f"memory    {human_bytes(plan.peak_bytes)} at the peak, {human_bytes(plan.tile_bytes)} a tile in flight\n"
        f"disk      {human_bytes(plan.disk_bytes)}"
        + ("" if plan.aligned else f", and {human_bytes(plan.scratch_bytes)} while running (chunks and tiles don't align)")
        + f"\ntime      about {minutes} min {seconds} s"
    )
