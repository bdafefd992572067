"""`mesofuse degrade`: what a low-resolution scanner would show of a known volume."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import options, part_options

if TYPE_CHECKING:
    from mesofuse.volumes.grid import Scale


@click.command("degrade")
@click.argument("volume", type=click.Path())
@click.argument("output", type=click.Path())
@options.scale
@click.option(
    "--degradation",
    default="blur-downsample",
    show_default=True,
    metavar="NAME",
    help="Model of the scanner; `mesofuse plugins list` names them, docs/degradations.md compares them.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="One option of the degradation, for example --set sigma=[1,1,3].",
)
@click.option("--phases", default="", metavar="NAME,...", help="Names of the volume's phases, in order of value.")
@click.option(
    "--shows",
    multiple=True,
    metavar="LOW=NAME,...",
    help="A phase of the scan and the volume's phases that it shows, in order. [default: each shows itself]",
)
@click.option(
    "--noise",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SD",
    help="Standard deviation of grey noise; 1 is the contrast of two phases.",
)
@click.option(
    "--threshold",
    metavar="otsu|VALUE,...",
    help="Segment grey values (0 first phase, 1 second …) at these, in place of taking the largest share.",
)
@options.seed
@options.voxel_size
@options.unit
@part_options.ignore
@part_options.crop
@click.option("--format", "format", metavar="NAME", help="Format of OUTPUT, where its ending does not tell.")
@options.overwrite
@options.quiet
@options.as_json
def command(
    volume: str, output: str, scale: Scale | None, degradation: str, settings: tuple[str, ...], phases: str,
    shows: tuple[str, ...], noise: float, threshold: str | None, seed: int, voxel_size: Any, unit: str | None,
    ignore: tuple[str, ...], crop: str | None,
    format: str | None, overwrite: bool, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Scan VOLUME, a sharp label volume of any size, with a simulated instrument, and write its labels to OUTPUT.

    OUTPUT's ending names the format (.zarr, .tif, .npy …). Memory stays bounded, and the noise belongs to coordinates.
    Voxels at the end of VOLUME that fill no scan voxel are left out. Use it to test a fusion against a known truth.

    \b
    Example:
      mesofuse degrade truth.zarr scan.tif --scale 4 --degradation point-spread --set sigma=2 --noise 0.1
    """  # fmt: skip
    from mesofuse.cli.job_options import parse_setting
    from mesofuse.config.method import merged
    from mesofuse.console.terminal import unguarded
    from mesofuse.errors import UserError
    from mesofuse.pipeline.inputs import open_labels
    from mesofuse.registry import get_registry
    from mesofuse.simulation.scan import Scan, Scanner, parse_thresholds, scan_problem
    from mesofuse.volumes.formats.catalogue import BUILTIN, write_labels
    from mesofuse.volumes.phases import parse_rules

    if scale is None:
        raise UserError("Missing option '--scale': say how many voxels of the volume lie along one scan voxel.")
    chosen: dict[str, Any] = {}
    for setting in settings:
        chosen = merged(chosen, parse_setting(setting))
    thresholds, rules = parse_thresholds(threshold), parse_rules(shows)
    names = [name.strip() for name in phases.split(",") if name.strip()]
    fine, mapping = open_labels(
        volume, voxel_size=voxel_size, unit=unit, phase_names=names, allow_single_phase=True,
        ignore=part_options.parse(ignore), crop=crop,
    )  # fmt: skip
    options.echo_remarks(mapping, volume)
    scan = Scan(fine, scan_problem(fine.phases, scale, rules), Scanner(degradation, chosen, noise, seed, thresholds))
    if any(scan.left_out):
        left = " × ".join(map(str, scan.left_out))
        click.echo(f"Note: the last {left} voxels (z, y, x) of {volume} fill no scan voxel and are left out.", err=True)
    shown = io.StringIO() if quiet else unguarded(sys.stderr)
    with click.progressbar(length=scan.grid.region.size, label="Scanning", file=shown) as bar:
        scan.progress = bar.update
        write_labels(scan, output, (*BUILTIN, *get_registry().formats), format, overwrite=overwrite)
        summary = scan.summary()
    if as_json:
        options.echo_json({"volume": volume, "output": output, **summary})
        return
    click.echo(f"{output}: {' × '.join(map(str, summary['shape']))} voxels")
    for phase in summary["phases"]:
        click.echo(f"  {phase['name']}: {100 * phase['before']:.2f} % before, {100 * phase['after']:.2f} % after")
    if scan.cuts is not None:
        click.echo(f"  threshold: {', '.join(f'{t:.4g}' for t in scan.cuts)}")
    if noise:
        click.echo(f"  {100 * summary['changed_by_noise']:.2f} % of the voxels changed by noise")
