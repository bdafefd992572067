"""Which volumes a step generates: one shape whose slices along every axis are judged, or thin ones for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mesofuse.errors import UserError
from mesofuse.interfaces.generator import Generator
from mesofuse.interfaces.method import FusionInputs
from mesofuse.training.recipe import BatchOptions
from mesofuse.training.sampling import FieldSampler, central, plane_axes, training_window
from mesofuse.volumes.grid import Region, Scale, Triple


@dataclass(frozen=True)
class View:
    """Volumes of one shape, and what of them is judged.

    Attributes:
        axes: The axes whose slices critics see.
        region: What the generator reads, in scan voxels.
        core: What it fills.
        margin: Generated voxels cut from the sides along each axis before critics see them.
        fields: Draws what it reads; None for a generator that takes no scan.
    """

    axes: tuple[int, ...]
    region: Region
    core: Region
    margin: Triple
    fields: FieldSampler | None


def patch_of(batch: BatchOptions, inputs: FusionInputs, scale: Scale) -> int:
    """Return the edge of generated volumes where no critic sets it: ``batch.patch``, or what scan and images hold."""
    limits: list[int] = [n for axis in inputs.axes for n in inputs.images[axis].array.shape[-2:]]
    if inputs.low_res is not None:
        shape = inputs.low_res.grid.shape
        limits += [int(shape[axis] * scale[axis] + 1e-9) for axis in plane_axes(inputs.axes)]
    return min(batch.patch, *limits)


def views_of(batch: BatchOptions, inputs: FusionInputs, generator: Generator, crop: int) -> list[View]:
    """Return the views of a step: one of all axes, or with ``batch.slab`` one of each axis.

    Raises:
        UserError: If the scan, or the window asked for, is too small, or slabs of an image are asked for.
    """
    if batch.slab is None:
        return [_view(batch, inputs, generator, crop, inputs.axes)]
    if len(inputs.axes) == 1:
        raise UserError(
            "The option batch.slab cuts volumes into slabs, but this scan is one voxel thick; leave it out."
        )
    return [_view(batch, inputs, generator, crop, (axis,)) for axis in inputs.axes]


def _view(batch: BatchOptions, inputs: FusionInputs, generator: Generator, crop: int, axes: Sequence[int]) -> View:
    low_res, planes = inputs.low_res, plane_axes(axes)
    margin: Triple = tuple(batch.margin if axis in planes else 0 for axis in range(3))  # type: ignore[assignment]
    filled = training_window(low_res, generator.scale, batch.window, crop, margin, axes, batch.slab or 1)
    if low_res is None:
        core = Region.whole(filled)
        return View(tuple(axes), core.grown(generator.halo), core, margin, None)
    window: Triple = tuple(n + 2 * batch.context for n in filled)  # type: ignore[assignment]
    fields = FieldSampler(low_res, window, filled)
    region = Region.whole(fields.shape)
    return View(tuple(axes), region, central(region, filled), margin, fields)
