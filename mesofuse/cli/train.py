"""``mesofuse train``: fit a method from a configuration."""

from __future__ import annotations

from pathlib import Path

import click

from mesofuse.cli import options


@click.command("train")
@click.argument("config", metavar="CONFIG.yaml")
@click.option("--out", metavar="FOLDER", help="Folder of the run. [default: the configuration's folder with '-again']")
@click.option("--minutes", type=float, metavar="M", help="Budget instead of the configuration's.")
@click.option("--steps", type=int, metavar="N", help="Budget instead of the configuration's.")
@click.option("--device", metavar="NAME", help="Device instead of the configuration's.")
@click.option("--resume", is_flag=True, help="Go on from the folder's checkpoint.")
@options.overwrite
@options.quiet
def command(
    config: str, out: str | None, minutes: float | None, steps: int | None, device: str | None, resume: bool,
    overwrite: bool, quiet: bool,
) -> None:  # fmt: skip
    r"""Train the model that a configuration describes, into OUT/model.

    `mesofuse fuse` writes such a configuration into its folder; a short one needs low_res, high_res and scale.

    \b
    Example:
      mesofuse train runs/first/config.yaml --out runs/second
    """
    from mesofuse.config.job import load_job, make_job
    from mesofuse.pipeline.fit import MODEL, fit_job, prepare_folder
    from mesofuse.pipeline.inputs import open_inputs
    from mesofuse.report.progress import ProgressPrinter

    job = load_job(Path(config))
    changes = {k: v for k, v in (("minutes", minutes), ("steps", steps), ("device", device)) if v is not None}
    if minutes or steps:
        changes = {"minutes": None, "steps": None, **changes}
    job = make_job({**job.model_dump(), **changes}, "the command line").resolved()
    inputs = open_inputs(job)
    for note in inputs.notes:
        click.echo(f"Note: {note}", err=True)
    parent = Path(config).resolve().parent
    folder = Path(out) if out else parent.with_name(f"{parent.name}-again")
    prepare_folder(folder, overwrite=overwrite, resume=resume)
    with ProgressPrinter(quiet=quiet) as progress:
        package = fit_job(job, inputs, folder, resume=resume, emit=progress.emit)
    click.echo(f"Model: {folder / MODEL} ({package.digest[:12]})")
