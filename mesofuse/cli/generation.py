"""What `mesofuse generate` and `mesofuse plan` have in common: opening a model and what it is applied to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mesofuse.cli import options, part_options
from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid

if TYPE_CHECKING:
    from mesofuse.models.package import Package
    from mesofuse.volumes.grid import Region, Scale, Triple
    from mesofuse.volumes.labelling import LabelMapping
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.phases import Phase

chunks = click.option(
    "--chunks", type=click.IntRange(8, 1024), default=64, show_default=True, help="Edge of the output's chunks."
)
shards = click.option("--shards", type=click.IntRange(8), help="Edge of a file that bundles chunks. [default: none]")
region = click.option("--region", metavar="z0:z1,y0:y1,x0:x1", help="Make only this part, in output voxels.")
project = click.option(
    "--project", is_flag=True,
    help="Change the fewest, least certain voxels so that the result, degraded, shows what the scan shows.",
)  # fmt: skip
workers = click.option("--workers", type=click.IntRange(min=1), help="Tiles in flight. [default: one a core]")


@dataclass(frozen=True)
class Opened:
    """A model and what it is applied to.

    Attributes:
        package: The model, on the CPU.
        low_res: The low-resolution volume, or None for a model that takes none.
        grid: The low-resolution grid, or the one that noise is counted on.
        device: Where to compute.
        region: Output voxels wanted, or None for all that the grid holds.
    """

    package: Package
    low_res: Labels | None
    grid: Grid
    device: str
    region: Region | None


def open_all(
    model: str,
    low_res: str | None,
    device: str,
    region_text: str | None,
    *,
    voxel_size: Scale | None = None,
    unit: str | None = None,
    ignore: Sequence[str] = (),
    size: Triple | None = None,
    periodic: str = "",
) -> Opened:
    """Open and check a model and the volume that it is applied to, if it takes one.

    Raises:
        UserError: One of them is missing or damaged, or they don't fit each other.
    """
    from mesofuse.models.device import resolve_device
    from mesofuse.models.package import load_package
    from mesofuse.pipeline.generate import check_scan
    from mesofuse.pipeline.size import DEFAULT_SIZE, noise_grid
    from mesofuse.volumes.grid import Region

    place = resolve_device(device)
    package = load_package(Path(model))
    if package.warning:
        click.echo(f"Note: {package.warning}", err=True)
    check_scan(package, low_res is not None, size)
    if low_res is None:
        shape = size or DEFAULT_SIZE
        grid = noise_grid(package, shape, periodic, voxel_size, unit)
        part = Region.whole(shape) if region_text is None else Region.parse(region_text, shape)
        return Opened(package, None, grid, place, part)
    low = open_scan(package, low_res, voxel_size, unit, ignore)
    output = Region.whole(low.grid.shape).scaled(package.model.scale).shape
    wanted = None if region_text is None else Region.parse(region_text, output)
    return Opened(package, low, low.grid, place, wanted)


def open_scan(
    package: Package, low_res: str, voxel_size: Scale | None, unit: str | None, ignore: Sequence[str] = ()
) -> Labels:
    """Open the low-resolution volume that a model is applied to, without what ``ignore`` says is no material.

    Raises:
        UserError: It is missing, or its phases are not the model's.
    """
    from mesofuse.pipeline.inputs import open_labels

    expected = package.model.problem.low_phases
    given = part_options.parse(ignore)
    low, mapping = open_labels(
        low_res, voxel_size=voxel_size, unit=unit, allow_single_phase=True, ignore=given
    )  # fmt: skip
    if mapping.changed and set(mapping.originals) <= set(range(len(expected))):  # a part that lacks a phase
        names = [p.name for p in expected]
        low, mapping = open_labels(
            low_res, voxel_size=voxel_size, unit=unit, phase_names=names, allow_single_phase=True, ignore=given
        )
    options.echo_remarks(mapping, low_res)
    check_phases(low_res, low.phases, mapping, expected)
    return _sized(low_res, low, package)


def _sized(name: str, low: Labels, package: Package) -> Labels:
    """Return a scan with the voxel size of the one that the model was trained on, where it states none, and say so.

    A scan of other voxels is noted: what the model has learnt is as large as it was in its own scan's voxels.
    """
    from mesofuse.pipeline.sizes import on_grid
    from mesofuse.volumes.scale import TOLERANCE, times
    from mesofuse.volumes.units import convert

    unit = str(package.provenance.get("unit", "pixel"))
    z, y, x = (float(v) for v in package.provenance.get("voxel_size", (1.0, 1.0, 1.0)))
    own = Grid(low.grid.shape, (z, y, x), unit)
    if not low.grid.known:
        if own.known:
            options.echo_note(
                f"{name} states no voxel size: its voxels are taken to be as large as those of the scan that the model "
                f"was trained on, {times(own.voxel_size)} {own.symbol}; --voxel-size says otherwise."
            )
        return on_grid(low, replace(low.grid, voxel_size=own.voxel_size, unit=unit))
    if not own.known:
        return low
    found = [convert(v, low.grid.unit, unit) for v in low.grid.voxel_size]
    if any(abs(a / b - 1) > TOLERANCE for a, b in zip(found, own.voxel_size, strict=True)):
        options.echo_note(
            f"the voxels of {name} are {times(found)} {own.symbol}, but the model was trained on a scan of "
            f"{times(own.voxel_size)} {own.symbol}: what it adds is as large as it was there in voxels, and so of "
            "another size here; train a model on this scan, or correct its --voxel-size."
        )
    return low


def check_phases(name: str, found: Sequence[Phase], mapping: LabelMapping, expected: Sequence[Phase]) -> None:
    """Refuse a volume whose phases are not, or not surely, those that a model was trained on.

    Raises:
        UserError: More phases than the model's, fewer that were mapped, or the model's names in another order.
    """
    names = [p.name for p in expected]
    if len(found) > len(expected):
        raise UserError(
            f"{name} has {len(found)} phases, but the model was trained on volumes of {len(expected)} "
            f"({', '.join(names)}): merge phases, or train a model on this volume."
        )
    if len(found) < len(expected) and mapping.changed:
        raise UserError(
            f"{name} has {len(found)} phases with the values {', '.join(map(str, mapping.originals))}, so it is not "
            f"clear which of the model's {len(expected)} phases they are: label them 0 … {len(expected) - 1}."
        )
    own = [p.name for p in found]
    if own != names and sorted(own) == sorted(names):
        raise UserError(
            f"{name} has the phases {', '.join(own)} in this order, but the model was trained with {', '.join(names)}: "
            "label them in the model's order."
        )


def storage(chunk: int, shard: int | None) -> tuple[Triple, Triple | None]:
    """Return chunk and shard shape.

    Raises:
        UserError: The shard is not a multiple of the chunk.
    """
    if shard is not None and shard % chunk:
        raise UserError(f"--shards {shard} is not a multiple of --chunks {chunk}; give for example {4 * chunk}.")
    return (chunk,) * 3, None if shard is None else (shard,) * 3
