"""Options that describe a fusion job, shared by the commands that start one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import options, part_options
from mesofuse.errors import UserError
from mesofuse.volumes.grid import parse_axes

if TYPE_CHECKING:
    from mesofuse.config.job import JobConfig
    from mesofuse.pipeline.inputs import JobInputs

_AXES = re.compile(r"([zyxZYX][zyxZYX,]*)=(.+)$")
SIZES = ("voxel_size", "image_pixel_size", "unit")
_OPTIONS = [
    click.option("--method", default="superres", show_default=True, metavar="NAME", help="Registered method."),
    click.option("--preset", metavar="NAME",
                 help="Starting point of the method's options: of superres patterns (the default), slim or paper."),
    click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
                 help="One option of the method, for example --set batch.volumes=4."),
    click.option("--phases", default="", metavar="NAME,...", help="Names of the image's phases, in order of value."),
    click.option("--content", type=click.Choice(["phases", "grey", "colour"]), default="phases", show_default=True,
                 help="What the image's values are; grey values and colours are for --method slicegan."),
    click.option("--shows", multiple=True, metavar="LOW=NAME,...",
                 help="Which phases of the image a phase of the volume shows. [default: the same number]"),
    options.size,
    options.periodic,
    options.scan_voxel_size,
    options.image_pixel_size,
    options.unit,
    part_options.job_ignore,
    part_options.job_crop,
    click.option("--from", "start", metavar="MODEL",
                 help="Begin with the model of a similar material: same recipe, phases and scale factor."),
    click.option("--minutes", type=float, metavar="M", help="Train for this long, at most."),
    click.option("--steps", type=int, metavar="N", help="Train for this many generator steps."),
    options.seed,
    options.device,
]  # fmt: skip


def job(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a job to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


low_res = click.option(
    "--low-res", metavar="FILE", help="The blurry 3D volume, segmented; not for SliceGAN and its like."
)
high_res = click.option(
    "--high-res", required=True, multiple=True, metavar="[AXES=]FILE",
    help="The sharp 2D image (or a stack of them), segmented. For anisotropic material one for each direction, by the "
    "axes it is normal to: --high-res zy=rods.tif --high-res x=speckles.tif.",
)  # fmt: skip


def parse_images(texts: Sequence[str], option: str = "--high-res") -> str | dict[str, str]:
    """Return the image for all axes, or the images by axes, as absolute paths.

    Args:
        texts: What was given, ``FILE`` or ``AXES=FILE``.
        option: By which option, for messages.

    Raises:
        UserError: If there are several images of which one names no axes, or an axis has no image or several.
    """
    from mesofuse.config.inputs import check_axes
    from mesofuse.config.places import absolute

    if len(texts) == 1 and not _AXES.match(texts[0]):
        return absolute(texts[0])
    found: dict[str, str] = {}
    for text in texts:
        match = _AXES.match(text)
        if not match:
            raise UserError(
                f"{option} {text} does not say which axes it is normal to, but there are {len(texts)} images; write "
                f"for example {option} zy={text}."
            )
        axes = parse_axes(match.group(1))
        if axes in found:
            raise UserError(f"Two images are for the axes {axes}; stack them into one file.")
        found[axes] = absolute(match.group(2))
    return check_axes(found)


def check_scale(low_res: str | None, scale: Any) -> None:
    """Refuse a scale factor without a scan.

    Raises:
        UserError: If there is a scale factor and no scan.
    """
    if low_res is None and scale is not None:
        raise UserError(
            "Missing option '--low-res': --scale relates the image to a scan; give both, or neither "
            "for a method that makes a volume from the image alone."
        )


def make(low_res: str | None, high_res: Sequence[str], scale: Any, fields: dict[str, Any]) -> JobConfig:
    """Return the job that the command line describes.

    Raises:
        UserError: If something in it is not usable.
    """
    from mesofuse.config.job import make_job
    from mesofuse.config.method import merged
    from mesofuse.config.places import absolute
    from mesofuse.volumes.phases import parse_rules

    check_scale(low_res, scale)
    method: dict[str, Any] = {"name": fields["method"]}
    if fields["preset"]:
        method["preset"] = fields["preset"]
    for setting in fields["settings"]:
        method = merged(method, parse_setting(setting))
    data = {
        "low_res": None if low_res is None else absolute(low_res),
        "high_res": parse_images(high_res),
        "scale": scale,
        "start": None if fields["start"] is None else absolute(fields["start"]),
        "method": method,
        "shows": parse_rules(fields["shows"]) or None,
        "phases": [name.strip() for name in fields["phases"].split(",") if name.strip()],
        **{key: fields[key] for key in ("minutes", "steps", "seed", "device", "size", "periodic", "content", *SIZES)},
        **part_options.job_fields(fields["ignore"], fields["crop"], scan=low_res is not None),
    }
    return make_job(data, "the command line")


def open_job(job: JobConfig) -> tuple[JobConfig, JobInputs]:
    """Return the job resolved, and its inputs, opened and checked; what is to be noted about them is reported.

    A scale factor that follows from the files' voxel sizes stands in the job then.

    Raises:
        UserError: If a method or option is unknown, or inputs are unusable or don't fit each other.
    """
    from mesofuse.pipeline.inputs import open_inputs, scaled

    resolved, inputs = job.resolved(), open_inputs(job)
    for note in inputs.notes:
        options.echo_note(note)
    return scaled(resolved, inputs), inputs


def parse_setting(text: str) -> dict[str, Any]:
    """Return ``{"batch": {"volumes": 4}}`` for ``batch.volumes=4``; the value is read as YAML.

    Raises:
        UserError: If it is not of that form.
    """
    import yaml

    from mesofuse.config.yaml_text import load_yaml

    key, equals, value = text.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not (equals and all(parts)):
        raise UserError(f"The setting {text!r} is not of the form KEY=VALUE, for example batch.volumes=4.")
    try:
        nested: Any = load_yaml(value)
    except yaml.YAMLError:
        raise UserError(f"The value of the setting {text!r} can't be read; quote it as in YAML.") from None
    with suppress(ValueError):  # 1e-3 is a number, whatever YAML 1.1 says
        nested = float(nested) if isinstance(nested, str) else nested
    for part in reversed(parts):
        nested = {part: nested}
    return dict(nested)
