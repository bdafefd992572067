"""``mesofuse model``: model packages from published weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mesofuse.cli import options


@click.group()
def command() -> None:
    """Make a model package from weights that a published program trained.

    \b
    Example:
      mesofuse model import slicegan NMC_Gen.pt --out model --phases pore,active,binder
    """


@command.command("import")
@click.argument("method", metavar="METHOD")
@click.argument("weights", metavar="WEIGHTS")
@click.option("--out", required=True, metavar="FOLDER", help="Folder of the model package; must not exist.")
@click.option("--phases", default="", metavar="NAME,...", help="Names of the phases that it makes, in order.")
@click.option("--content", type=click.Choice(["phases", "grey", "colour"]), default="phases", show_default=True,
              help="What it makes, where that is no phases.")  # fmt: skip
@click.option(
    "--low-phases",
    default="",
    metavar="NAME,...",
    help="Names of the scan's phases, in order; none for SliceGAN.",
)
@options.scale
@click.option(
    "--shows",
    multiple=True,
    metavar="LOW=NAME,...",
    help="Which phases a scan phase shows. [default: the same number]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the method that the weights do not tell.",
)
def import_(
    method: str, weights: str, out: str, phases: str, content: Any, low_phases: str, scale: Any,
    shows: tuple[str, ...], settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Turn a state dict (NAME_Gen.pt of SliceGAN, g_weights.pth of SuperRes, safetensors) into a model package.

    Only tensors are read. A file that holds more, such as a whole pickled module, is refused: load it with the program
    that wrote it, and save its state_dict(). Every tensor must find its place. What the file does not say, the phases
    and the scale factor, is asked for; parameters that a program pickled next to its weights are not read.

    \b
    Example:
      mesofuse model import slicegan NMC_Gen.pt --out model --phases pore,active,binder
      mesofuse model import superres g_weights.pth --out model --scale 4 --low-phases void,active \\
          --phases pore,active,binder --shows void=pore,binder --shows active=active
    """
    from mesofuse.cli.job_options import parse_setting
    from mesofuse.config.method import merged
    from mesofuse.pipeline.import_model import import_model, problem_for
    from mesofuse.volumes.phases import parse_rules

    chosen: dict[str, Any] = {}
    for setting in settings:
        chosen = merged(chosen, parse_setting(setting))
    problem = problem_for(_names(phases), _names(low_phases), scale, parse_rules(shows) or None, content)
    package = import_model(method, Path(weights), Path(out), problem, chosen)
    click.echo(f"Model: {out} ({package.digest[:12]})")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
