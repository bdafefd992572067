"""What `mesofuse generate` and `mesofuse plan` have in common: opening a model and what it is applied to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mesofuse.errors import UserError

if TYPE_CHECKING:
    from mesofuse.volumes.grid import Triple

chunks = click.option(
    "--chunks", type=click.IntRange(8, 1024), default=64, show_default=True, help="Edge of the output's chunks."
)
shards = click.option("--shards", type=click.IntRange(8), help="Edge of a file that bundles chunks. [default: none]")
region = click.option("--region", metavar="z0:z1,y0:y1,x0:x1", help="Make only this part, in output voxels.")
project = click.option(
    "--project", is_flag=True,
    help="Change the fewest, least certain voxels so that the result, degraded, shows what the scan shows.",
)  # fmt: skip
workers = click.option("--workers", type=click.IntRange(min=1), help="Tiles in flight. [default: one per core]")


def storage(chunk: int, shard: int | None) -> tuple[Triple, Triple | None]:
    """Return chunk and shard shape.

    Raises:
        UserError: If the shard is not a multiple of the chunk.
    """
    if shard is not None and shard % chunk:
        raise UserError(f"--shards {shard} is not a multiple of --chunks {chunk}; give for example {4 * chunk}.")
    return (chunk,) * 3, None if shard is None else (shard,) * 3
