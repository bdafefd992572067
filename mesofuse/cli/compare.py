"""``mesofuse compare``: methods, models and volumes held against each other under one budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import job_options, options
from mesofuse.errors import UserError, nearest

if TYPE_CHECKING:
    from mesofuse.config.comparison import ComparisonConfig


@click.command("compare")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@job_options.low_res
@click.option(
    "--high-res",
    multiple=True,
    metavar="[AXES=]FILE",
    help="The sharp 2D image (or a stack of them), segmented. For anisotropic material one for each direction, by the "
    "axes it is normal to: --high-res zy=rods.tif --high-res x=speckles.tif.",
)
@options.scale
@click.option("--method", "methods", multiple=True, metavar="NAME[:PRESET]", help="A registered method to run.")
@click.option("--set", "settings", multiple=True, metavar="NAME.KEY=VALUE", help="An option of one of the methods.")
@click.option("--model", "models", multiple=True, metavar="FOLDER", help="A model package to apply.")
@click.option("--volume", "volumes", multiple=True, metavar="FILE", help="A volume that exists already.")
@click.option("--reference", metavar="FILE", help="The true volume. [default: errors are against the image]")
@click.option("--metrics", metavar="NAME,...", help="What to measure in every subvolume.")
@click.option("--subvolumes", type=click.IntRange(min=2), metavar="N", help="Random subvolumes. [default: 256]")
@click.option("--size", type=click.IntRange(min=4), metavar="N", help="Edge of a subvolume in voxels. [default: 64]")
@click.option(
    "--judge",
    is_flag=True,
    help="Train a classifier to tell each volume's planes from the image: right in 50 % is perfect.",
)
@click.option("--phases", default="", metavar="NAME,...", help="Names of the image's phases, in order of value.")
@click.option("--shows", multiple=True, metavar="LOW=NAME,...",
              help="Which phases of the image a phase of the volume shows. [default: the same number]")  # fmt: skip
@click.option("--degradation", metavar="NAME", help="What the scanner does. [default: blur-downsample]")
@options.scan_voxel_size
@options.image_pixel_size
@options.unit
@click.option("--minutes", type=float, metavar="M", help="Train each method for this long.")
@click.option("--steps", type=int, metavar="N", help="Train each method for this many generator steps.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Of training, generation and subvolumes.")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:N, or auto (CUDA if present).")
@click.option(
    "--out", required=True, metavar="FOLDER", type=click.Path(path_type=Path), help="Folder of the comparison."
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that measure.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@options.overwrite
@options.quiet
def command(
    config: Path | None, out: Path, workers: int, as_json: bool, overwrite: bool, quiet: bool, **fields: Any
) -> None:
    """Run methods under one budget, measure all in the same random subvolumes, and show one table.

    The comparison is a YAML file CONFIG (see `mesofuse schema comparison`) or given by options. What OUT already holds
    is not done again. Writes OUT/comparison.csv, OUT/comparison.json and the volumes; `mesofuse report OUT` draws them.

    \b
    Example:
      mesofuse compare --low-res scan.tif --high-res sem.tif --scale 4 --method interpolation \\
          --method superres --minutes 2 --reference truth.tif --out cmp/
      mesofuse compare comparison.yaml --out cmp/
    """
    from mesofuse.comparison.run import TABLE_CSV, TABLE_JSON, compare
    from mesofuse.comparison.table import ComparisonTable
    from mesofuse.config.comparison import load_comparison
    from mesofuse.console.progress import SampleBars
    from mesofuse.console.tables import print_table

    if config is not None:
        given = [key for key, value in fields.items() if value not in (None, "", (), False)]
        if given:
            raise UserError(
                f"A comparison is a file or options, not both: leave out --{given[0].replace('_', '-')}, or write it "
                f"into {config}."
            )
        comparison = load_comparison(config)
    else:
        comparison = _from_options(fields)
    quiet = quiet or as_json
    with SampleBars(quiet=quiet) as bars:

        def say(text: str) -> None:
            if quiet and text.startswith("Note: "):  # which --quiet does not silence: it is no progress
                click.echo(text, err=True)
            bars.say(text)

        compared = compare(
            comparison.resolved(),
            out,
            overwrite=overwrite,
            workers=workers,
            quiet=quiet,
            say=say,
            progress=bars.update,
        )
    if as_json:
        click.echo((out / TABLE_JSON).read_text("utf-8"), nl=False)
        return
    print_table(ComparisonTable(compared))
    click.echo(f"\nTable: {out / TABLE_CSV}, {out / TABLE_JSON}\nReport: mesofuse report {out}")


def _from_options(fields: dict[str, Any]) -> ComparisonConfig:
    """Return the comparison that the options describe."""
    from mesofuse.config.comparison import make_comparison
    from mesofuse.config.places import absolute
    from mesofuse.volumes.phases import parse_rules

    if not fields["high_res"]:
        raise UserError("Give --high-res, or a comparison's YAML file.")
    job_options.check_scale(fields["low_res"], fields["scale"])
    data: dict[str, Any] = {
        "low_res": None if fields["low_res"] is None else absolute(fields["low_res"]),
        "high_res": job_options.parse_images(fields["high_res"]),
        "scale": fields["scale"],
        "compare": [*_methods(fields["methods"], fields["settings"]), *_files(fields)],
        "reference": absolute(fields["reference"]) if fields["reference"] else None,
        "shows": parse_rules(fields["shows"]) or None,
        "phases": _names(fields["phases"]),
    }
    if not data["compare"]:
        raise UserError("There is nothing to compare: give --method, --model or --volume, each as often as you like.")
    if fields["metrics"]:
        data["metrics"] = _names(fields["metrics"])
    if fields["degradation"]:
        data["degradation"] = {"name": fields["degradation"]}
    keys = (*job_options.SIZES, "judge", "minutes", "steps", "seed", "device", "subvolumes", "size")
    data |= {key: fields[key] for key in keys if fields[key] is not None}
    return make_comparison(data, "the command line")


def _methods(texts: tuple[str, ...], settings: tuple[str, ...]) -> list[dict[str, Any]]:
    from mesofuse.cli.job_options import parse_setting
    from mesofuse.config.method import merged, parse_method

    entries: dict[str, dict[str, Any]] = {}
    for text in texts:
        key = text.replace(":", "-")
        if key in entries:
            raise UserError(f"--method {text} is given twice; a YAML file can name two entries of one method.")
        entries[key] = parse_method(text)
    for setting in settings:
        ((key, value),) = parse_setting(setting).items()
        if key not in entries or not isinstance(value, dict):
            raise UserError(f"--set {setting} must begin with a method's name and a dot.{nearest(key, entries)}")
        entries[key] = merged(entries[key], value)
    return [{"name": key, "method": method} for key, method in entries.items()]


def _files(fields: dict[str, Any]) -> list[dict[str, Any]]:
    from mesofuse.config.places import absolute

    models = [{"model": absolute(path)} for path in fields["models"]]
    return [*models, *({"volume": absolute(path)} for path in fields["volumes"])]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
