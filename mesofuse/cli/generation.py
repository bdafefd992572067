"""What `mesofuse generate` and `mesofuse plan` have in common: opening a model and the volume it is applied to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import options
from mesofuse.errors import UserError

if TYPE_CHECKING:
    from mesofuse.models.package import Package
    from mesofuse.volumes.grid import Region, Triple
    from mesofuse.volumes.labels import Labels

chunks = click.option("--chunks", type=click.IntRange(8, 1024), default=64, show_default=True, help="Edge of a chunk.")
shards = click.option("--shards", type=click.IntRange(8), help="Edge of a file that bundles chunks. [default: none]")
region = click.option("--region", metavar="z0:z1,y0:y1,x0:x1", help="Make only this part, in output voxels.")
workers = click.option("--workers", type=click.IntRange(min=1), help="Tiles in flight. [default: one a core]")


@dataclass(frozen=True)
class Opened:
    """A model and what it is applied to.

    Attributes:
        package: The model, moved to ``device``.
        low_res: The low-resolution volume.
        device: Where the model is.
        region: Output voxels wanted, or None for all.
    """

    package: Package
    low_res: Labels
    device: str
    region: Region | None


def open_all(model: str, low_res: str, device: str, region_text: str | None, voxel_size: Any, unit: str | None) -> Opened:
    """Open and check a model and a volume.

    Raises:
        UserError: One of them is missing or damaged, or they don't fit each other.
    """
    from mesofuse.models.device import resolve_device
    from mesofuse.models.package import load_package
    from mesofuse.pipeline.inputs import open_labels
    from mesofuse.volumes.grid import Region

    place = resolve_device(device)
    package = load_package(Path(model))
    if package.warning:
        click.echo(f"Note: {package.warning}", err=True)
    expected = package.model.problem.low_phases
    low, mapping = open_labels(low_res, voxel_size=voxel_size, unit=unit, allow_single_phase=True)
    if len(low.phases) > len(expected):
        raise UserError(
            f"{low_res} has {len(low.phases)} phases, but the model was trained on volumes of {len(expected)} "
            f"({', '.join(p.name for p in expected)}): merge phases, or train a model on this volume."
        )
    if len(low.phases) < len(expected) and mapping.changed:
        raise UserError(
            f"{low_res} has {len(low.phases)} phases with the values {', '.join(map(str, mapping.originals))}, so it is not "
            f"clear which of the model's {len(expected)} phases they are: label them 0 … {len(expected) - 1}."
        )
    if mapping.changed:
        click.echo(f"Note: {low_res}: values mapped to labels: {mapping}", err=True)
    package.model.to(place)
    output = Region.whole(low.grid.shape).scaled(package.model.scale).shape
    wanted = Region.parse(region_text, output) if region_text else None
    return Opened(package, low, place, wanted)


def storage(chunk: int, shard: int | None) -> tuple[Triple, Triple | None]:
    """Return chunk and shard shape.

    Raises:
        UserError: The shard is not a multiple of the chunk.
    """
    if shard is not None and shard % chunk:
        raise UserError(f"--shards {shard} is not a multiple of --chunks {chunk}; give for example {4 * chunk}.")
    return (chunk,) * 3, None if shard is None else (shard,) * 3


__all__ = ["Opened", "chunks", "open_all", "options", "region", "shards", "storage", "workers"]
