"""What the methods ask of their inputs, and the sentences in which they refuse others."""

from __future__ import annotations

from collections.abc import Iterable

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.volumes.labels import LabelArray, Labels, is_masked


def need_scan(method: str, inputs: FusionInputs) -> Labels:
    """Return the scan.

    Raises:
        UserError: If there is none.
    """
    if inputs.low_res is None or not inputs.problem.low_phases:
        raise UserError(f"The method {method!r} needs a scan, but there is none: give --low-res and --scale.")
    return inputs.low_res


def need_whole(method: str, images: Iterable[LabelArray], what: str) -> None:
    """Refuse images of which some pixels are no material.

    Args:
        method: Name of the method.
        images: The images.
        what: What the method measures of them, such as ``whole images``.

    Raises:
        UserError: If an image has ignored pixels.
    """
    if any(map(is_masked, images)):
        raise UserError(
            f"The method {method!r} measures {what}, but an image has ignored pixels: crop it to what is material."
        )
