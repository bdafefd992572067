"""``mesofuse train``: fit a method from a configuration."""

from __future__ import annotations

from pathlib import Path

import click

from mesofuse.cli import job_options, options, step_times
from mesofuse.interfaces.events import Event, StepTimes


@click.command("train")
@click.argument("config", metavar="CONFIG.yaml")
@click.option("--out", metavar="FOLDER", help="Folder of the run. [default: the configuration's folder with '-again']")
@click.option("--low-res", metavar="FILE", help="The scan, where it is not where the configuration says.")
@click.option("--high-res", multiple=True, metavar="[AXES=]FILE", help="The image (or one by axes), likewise.")
@click.option("--from", "start", metavar="MODEL", help="Begin with this model instead of the configuration's.")
@click.option("--minutes", type=float, metavar="M", help="Budget instead of the configuration's.")
@click.option("--steps", type=int, metavar="N", help="Budget instead of the configuration's.")
@click.option("--device", metavar="NAME", help="Device instead of the configuration's.")
@click.option("--resume", is_flag=True, help="Go on from the folder's checkpoint.")
@click.option("--profile", is_flag=True, help="Print at the end where the time of a step went.")
@options.overwrite
@options.quiet
def command(
    config: str, out: str | None, low_res: str | None, high_res: tuple[str, ...],
    start: str | None, minutes: float | None, steps: int | None, device: str | None, resume: bool,
    profile: bool, overwrite: bool, quiet: bool,
) -> None:  # fmt: skip
    """Train the model that a configuration describes, into OUT/model.

    `mesofuse fuse` writes such a configuration into its folder; a short one needs low_res, high_res and,
    where the files don't give it, scale. Its relative paths count from its folder, so that the folder can be moved with
    its files; files that lie elsewhere now are given by --low-res and --high-res.

    \b
    Example:
      mesofuse train runs/first/config.yaml --out runs/second
      mesofuse train moved/config.yaml --low-res /data/scan.tif --high-res /data/sem.tif
    """
    from mesofuse.config.inputs import check_inputs_there, with_inputs
    from mesofuse.config.job import load_job, make_job
    from mesofuse.config.places import absolute, other_inputs
    from mesofuse.console.progress import ProgressPrinter
    from mesofuse.pipeline.fit import assist, fit_job, recorded_hashes
    from mesofuse.pipeline.folder import MODEL, check_folder
    from mesofuse.training.parallel import rank

    parent = Path(config).resolve().parent
    folder = Path(out) if out else parent.with_name(f"{parent.name}-again")
    if not rank():
        check_folder(folder, overwrite=overwrite, resume=resume)
    given = load_job(Path(config)).model_dump()
    if minutes is not None or steps is not None:
        given |= {"minutes": minutes, "steps": steps}
    if start is not None:
        given["start"] = absolute(start)
    if device is not None:
        given["device"] = device
    described = with_inputs(
        make_job(given, "the command line"),
        absolute(low_res) if low_res else None,
        job_options.parse_images(high_res) if high_res else None,
    )
    described.resolve_method()  # a wrong name before a missing file
    check_inputs_there(described, Path(config))
    if rank():
        return assist(described, folder, resume=resume)
    job, inputs = job_options.open_job(described)
    if (low_res or high_res) and (other := other_inputs(inputs.hashes, recorded_hashes(parent))):
        options.echo_note(f"{other} has other voxels than the run in {parent} was made from.")
    times: list[StepTimes] = []

    def emit(event: Event) -> None:
        progress.emit(event)
        if isinstance(event, StepTimes):
            times.append(event)

    try:
        with ProgressPrinter(quiet=quiet) as progress:
            package = fit_job(job, inputs, folder, overwrite=overwrite, resume=resume, profile=profile, emit=emit)
    finally:  # after Ctrl-C too
        for found in times:
            click.echo(step_times.table(found))
    if profile and not times:
        options.echo_note("No training ran, so there is nothing to profile.")
    click.echo(f"Model: {folder / MODEL} ({package.digest[:12]})")
