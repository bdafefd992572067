"""``--ignore`` and ``--crop``: which of a file's voxels are no material, and which part of it to take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mesofuse.errors import UserError

if TYPE_CHECKING:
    from mesofuse.volumes.mask import Ignore

INPUTS = {"low-res": "low_res", "high-res": "high_res"}
_VALUES = "a number as the file has it, a colour such as '#ff0000', nan, or surround:0 for what of a value lies around "

ignore = click.option(
    "--ignore", multiple=True, metavar="VALUE",
    help=f"Voxels of this value are no material (padding, a scale bar): {_VALUES}all else. May be repeated.",
)  # fmt: skip
crop = click.option("--crop", metavar="z0:z1,y0:y1,x0:x1", help="Take this part only, in voxels; ends may be open.")
job_ignore = click.option(
    "--ignore", multiple=True, metavar="[INPUT=]VALUE",
    help=f"Voxels of this value are no material: {_VALUES}all else; of both inputs, or of low-res=VALUE or "
    "high-res=VALUE alone. May be repeated.",
)  # fmt: skip
job_crop = click.option(
    "--crop", multiple=True, metavar="INPUT=z0:z1,y0:y1,x0:x1",
    help="Take this part of low-res or high-res only, for example low-res=0:100,:,:.",
)  # fmt: skip


def parse(ignore: Sequence[str], *, optional: bool = False) -> list[Ignore]:
    """Return the values of ``--ignore``.

    Args:
        ignore: The values as given.
        optional: They may be absent from a file.

    Raises:
        UserError: If one can't be understood.
    """
    from mesofuse.volumes.mask import Ignore

    return [Ignore.parse(text, optional=optional) for text in ignore]


def job_fields(ignore: Sequence[str], crop: Sequence[str], *, scan: bool) -> dict[str, Any]:
    """Return the fields of a job's configuration that ``--ignore`` and ``--crop`` set.

    Args:
        ignore: ``VALUE``, ``low-res=VALUE`` or ``high-res=VALUE`` each.
        crop: ``low-res=PART`` or ``high-res=PART`` each; without a scan ``PART`` alone is the image's.
        scan: Whether the job has a scan.

    Raises:
        UserError: If a part names no input, or an input has two parts.
    """
    fields: dict[str, Any] = {}
    for text in ignore:
        field, value = _split(text)
        fields.setdefault(f"{field}_ignore" if field else "ignore", []).append(value)
    for text in crop:
        field, value = _split(text)
        field = field or ("" if scan else "high_res")
        if not field:
            raise UserError(f"--crop {text} does not say of which input: write --crop low-res={text} or high-res=….")
        if f"{field}_crop" in fields:
            raise UserError(f"--crop is given twice for {field.replace('_', '-')}; give one part.")
        fields[f"{field}_crop"] = value
    return fields


def _split(text: str) -> tuple[str, str]:
    """Return the input that a value is for, or nothing, and the value."""
    name, equals, value = text.partition("=")
    field = INPUTS.get(name.strip().lower().replace("_", "-"), "") if equals else ""
    if equals and not field:
        raise UserError(f"{text!r} names the input {name!r}; there are low-res and high-res.")
    return (field, value.strip()) if field else ("", text.strip())
