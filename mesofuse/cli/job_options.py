"""Options that describe a fusion job, shared by the commands that start one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import options
from mesofuse.errors import UserError

if TYPE_CHECKING:
    from mesofuse.config.job import JobConfig
    from mesofuse.pipeline.inputs import JobInputs

_OPTIONS = [
    click.option("--method", default="superres", show_default=True, metavar="NAME", help="Registered method."),
    click.option("--preset", metavar="NAME", help="Starting point of the method's options, for example slim or paper."),
    click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
                 help="One option of the method, for example --set batch.volumes=4."),
    click.option("--phases", default="", metavar="NAME,...", help="Names of the image's phases, in order of value."),
    click.option("--shows", multiple=True, metavar="LOW=NAME,...",
                 help="Which phases of the image a phase of the volume shows. [default: the same number]"),
    options.voxel_size,
    options.unit,
    click.option("--minutes", type=float, metavar="M", help="Train for this long."),
    click.option("--steps", type=int, metavar="N", help="Train for this many generator steps."),
    options.seed,
    options.device,
]  # fmt: skip


def job(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a job to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def make(low_res: str, high_res: str, scale: Any, fields: dict[str, Any]) -> JobConfig:
    """Return the job that the command line describes.

    Raises:
        UserError: Something in it is not usable.
    """
    from mesofuse.config.job import make_job, merged
    from mesofuse.volumes.phases import parse_rules

    method: dict[str, Any] = {"name": fields["method"]}
    if fields["preset"]:
        method["preset"] = fields["preset"]
    for setting in fields["settings"]:
        method = merged(method, parse_setting(setting))
    data = {
        "low_res": absolute(low_res),
        "high_res": absolute(high_res),
        "scale": scale,
        "method": method,
        "shows": parse_rules(fields["shows"]) or None,
        "phases": [name.strip() for name in fields["phases"].split(",") if name.strip()],
        **{key: fields[key] for key in ("voxel_size", "unit", "minutes", "steps", "seed", "device")},
    }
    return make_job(data, "the command line")


def open_job(job: JobConfig) -> tuple[JobConfig, JobInputs]:
    """Return the job resolved, and its inputs, opened and checked; what is to be noted about them is said.

    Raises:
        UserError: An unknown method or option, or inputs that are unusable or don't fit each other.
    """
    from mesofuse.pipeline.inputs import open_inputs

    resolved, inputs = job.resolved(), open_inputs(job)
    for note in inputs.notes:
        click.echo(f"Note: {note}", err=True)
    return resolved, inputs


def absolute(path: str) -> str:
    """Return a path that means the same from any folder; URLs stay."""
    from pathlib import Path

    return path if "://" in path else str(Path(path).absolute())


def parse_setting(text: str) -> dict[str, Any]:
    """Return ``{"batch": {"volumes": 4}}`` for ``batch.volumes=4``; the value is read as YAML.

    Raises:
        UserError: It is not of that form.
    """
    import yaml

    key, equals, value = text.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not (equals and all(parts)):
        raise UserError(f"The setting {text!r} is not of the form KEY=VALUE, for example batch.volumes=4.")
    try:
        nested: Any = yaml.safe_load(value)
    except yaml.YAMLError:
        raise UserError(f"The value of the setting {text!r} can't be read; quote it as in YAML.") from None
    with suppress(ValueError):  # 1e-3 is a number, whatever YAML 1.1 says
        nested = float(nested) if isinstance(nested, str) else nested
    for part in reversed(parts):
        nested = {part: nested}
    return dict(nested)
