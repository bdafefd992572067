"""Options and output that several commands share."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

from mesofuse.volumes.grid import Scale, Triple, parse_axes, parse_scale, parse_size, parse_unit
from mesofuse.volumes.units import parse_pixel_size, parse_voxel_size

if TYPE_CHECKING:
    from mesofuse.volumes.labelling import LabelMapping


def _scale(ctx: click.Context, param: click.Parameter, value: str | None) -> Scale | None:
    return None if value is None else parse_scale(value)


def _unit(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return None if value is None else parse_unit(value)


def _voxel_size(ctx: click.Context, param: click.Parameter, value: str | None) -> Scale | None:
    return None if value is None else parse_voxel_size(value)[0]


def _pixel_size(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, float] | None:
    return None if value is None else parse_pixel_size(value)


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> Triple | None:
    return None if value is None else parse_size(value)


def _periodic(ctx: click.Context, param: click.Parameter, value: str) -> str:
    return parse_axes(value)


scale = click.option(
    "--scale",
    callback=_scale,
    metavar="N[,N,N]",
    help="Voxels of the result along one voxel of the scan, for example 4 or 8,4,4. [default: what the files' "
    "voxel sizes give]",
)
size = click.option(
    "--size", callback=_size, metavar="N[,N,N]",
    help="Voxels of the result, for a method that takes no scan.",
)  # fmt: skip
periodic = click.option(
    "--periodic", callback=_periodic, default="", metavar="AXES",
    help="Axes along which the result's end continues into its start, for example zyx.",
)  # fmt: skip
voxel_size = click.option(
    "--voxel-size", callback=_voxel_size, metavar="L[,L,L]", help="Edge length of a voxel; overrides the file's."
)
scan_voxel_size = click.option(
    "--voxel-size", callback=_voxel_size, metavar="L[,L,L]",
    help="Edge length of the scan's voxel (without a scan, the image's pixel); overrides the file's.",
)  # fmt: skip
image_pixel_size = click.option(
    "--image-pixel-size", callback=_pixel_size, metavar="L[,L]",
    help="Edge length of the sharp image's pixel; overrides the file's.",
)  # fmt: skip
unit = click.option("--unit", callback=_unit, metavar="UNIT", help="Unit of the sizes given: nm, um, mm …")
seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="The same seed gives the same result.",
)
device = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="cpu, cuda, cuda:N, or auto (CUDA if present)."
)
overwrite = click.option("--overwrite", is_flag=True, help="Replace what exists.")
quiet = click.option("--quiet", "-q", is_flag=True, help="No progress.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def echo_remarks(mapping: LabelMapping, path: str) -> None:
    """Say on stderr what there is to say of a file that was read."""
    for remark in mapping.remarks(path):
        click.echo(f"Note: {remark}", err=True)


def echo_note(text: str) -> None:
    """Say what the user should know, apart from what the command prints."""
    click.echo(f"Note: {text}", err=True)


def echo_json(data: Any) -> None:
    """Print plain values as JSON; a number that is not finite becomes null, as JSON has none."""
    click.echo(json.dumps(_plain(data), indent=2, ensure_ascii=False, allow_nan=False))


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(k): _plain(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(v) for v in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data
