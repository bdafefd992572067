"""``mesofuse train``: fit a method from a configuration."""

from __future__ import annotations

from pathlib import Path

import click

from mesofuse.cli import job_options, options


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
    """Train the model that a configuration describes, into OUT/model.

    `mesofuse fuse` writes such a configuration into its folder; a short one needs low_res, high_res and scale.

    \b
    Example:
      mesofuse train runs/first/config.yaml --out runs/second
    """
    from mesofuse.config.job import load_job, make_job
    from mesofuse.pipeline.fit import assist, fit_job
    from mesofuse.pipeline.folder import MODEL, check_folder
    from mesofuse.report.progress import ProgressPrinter
    from mesofuse.training.parallel import rank

    parent = Path(config).resolve().parent
    folder = Path(out) if out else parent.with_name(f"{parent.name}-again")
    if not rank():
        check_folder(folder, overwrite=overwrite, resume=resume)
    given = load_job(Path(config)).model_dump()
    if minutes is not None or steps is not None:
        given |= {"minutes": minutes, "steps": steps}
    if device is not None:
        given["device"] = device
    described = make_job(given, "the command line")
    if rank():
        return assist(described, folder, resume=resume)
    job, inputs = job_options.open_job(described)
    with ProgressPrinter(quiet=quiet) as progress:
        package = fit_job(job, inputs, folder, overwrite=overwrite, resume=resume, emit=progress.emit)
    click.echo(f"Model: {folder / MODEL} ({package.digest[:12]})")
