"""``mesofuse preflight``: do the inputs of a job fit each other, and do they say enough?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import job_options, options, part_options
from mesofuse.volumes.grid import Scale

if TYPE_CHECKING:
    from mesofuse.preflight.run import Preflight

MARKS = {"ok": "ok", "warning": "Warning", "unknown": "can't tell"}


@click.command("preflight")
@job_options.low_res
@job_options.high_res
@options.scale
@click.option("--phases", default="", metavar="NAME,...", help="Names of the image's phases, in order of value.")
@click.option("--shows", multiple=True, metavar="LOW=NAME,...",
              help="Which phases of the image a phase of the volume shows. [default: the same number]")  # fmt: skip
@options.scan_voxel_size
@options.image_pixel_size
@options.unit
@part_options.job_ignore
@part_options.job_crop
@click.option("--strict", is_flag=True, help="Exit with 1 where a check warns.")
@options.as_json
def command(
    low_res: str | None, high_res: tuple[str, ...], scale: Scale | None, phases: str, shows: tuple[str, ...],
    ignore: tuple[str, ...], crop: tuple[str, ...], strict: bool, as_json: bool, **sizes: Any,
) -> int:  # fmt: skip
    """Check inputs before training: phase fractions, scale factor, size of the image, isotropy, texture.

    `mesofuse fuse` does the same at its start.

    \b
    Example:
      mesofuse preflight --low-res scan.tif --high-res sem.tif --scale 4 \\
          --phases pore,active,binder --shows 0=pore,binder --shows 1=active
    """
    from mesofuse.config.job import make_job
    from mesofuse.config.places import absolute
    from mesofuse.pipeline.inputs import open_inputs
    from mesofuse.preflight.run import preflight
    from mesofuse.volumes.phases import parse_rules

    data: dict[str, Any] = {
        "low_res": None if low_res is None else absolute(low_res),
        "high_res": job_options.parse_images(high_res),
        "scale": scale,
        "shows": parse_rules(shows) or None,
        "phases": [name.strip() for name in phases.split(",") if name.strip()],
        **part_options.job_fields(ignore, crop, scan=low_res is not None),
        **sizes,
    }
    job_options.check_scale(low_res, scale)
    inputs = open_inputs(make_job(data, "the command line"))
    for note in inputs.notes:
        options.echo_note(note)
    checked = preflight(inputs.fusion)
    if as_json:
        options.echo_json(checked.to_json())
    else:
        show(checked)
    return 1 if strict and checked.warnings else 0


def show(checked: Preflight) -> None:
    """Print a paragraph a check."""
    from rich.table import Table
    from rich.text import Text

    from mesofuse.console import terminal

    table = Table.grid(padding=(0, 2))
    styles = {"ok": "green", "warning": "bold yellow", "unknown": "dim"}
    for check in checked.checks:
        table.add_row(Text(MARKS[check.status], style=styles[check.status]), Text(check.name), Text(check.sentence))
    terminal.console().print(table)
