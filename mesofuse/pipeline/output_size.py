"""How large a result is where no scan says it, and whether a job's method, scan, size and periodic axes go together."""

from __future__ import annotations

import math

from mesofuse.config.job import JobConfig
from mesofuse.errors import UserError
from mesofuse.interfaces.method import Model, SupportsGridScale
from mesofuse.interfaces.traits import MethodTraits
from mesofuse.models.package import Package
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.streaming.periodic import check_periodic, check_size
from mesofuse.volumes.grid import Grid, Scale, Triple, parse_unit
from mesofuse.volumes.units import convert, parse_voxel_size

DEFAULT_SIZE: Triple = (256, 256, 256)
"""Voxels of a result that neither a scan nor --size says."""


def takes_scan(model: Model) -> bool:
    """Return whether a model is applied to a scan."""
    return bool(model.problem.low_phases)


def check_job(job: JobConfig, inputs: JobInputs) -> None:
    """Refuse a job whose parts don't go together, before anything is written.

    Raises:
        UserError: If the method needs a scan and there is none, or the other way round; a size is given next to a scan;
            an axis can't be periodic.
    """
    component, options = job.resolve_method()
    name, conditional = component.spec.name, MethodTraits.of(component.load()).conditional
    if inputs.low_res is not None:
        if not conditional:
            raise UserError(
                f"The method {name!r} makes a volume from the image alone and takes no scan: leave "
                "out --low-res, --scale and --shows."
            )
        if job.size is not None:
            raise UserError(
                "The size of the result is the scan's times the scale factor: leave out --size, which "
                "is for methods that take no such volume."
            )
        check_periodic(inputs.low_res.grid.shape, inputs.problem.scale, job.periodic)
        return
    if conditional:
        raise UserError(
            f"The method {name!r} needs a scan: give --low-res and --scale, or choose a --method that "
            "makes a volume from the image alone."
        )
    if not job.periodic:
        return
    method = component.build(options)
    if isinstance(method, SupportsGridScale):
        check_size(job.size or DEFAULT_SIZE, method.grid_scale(inputs.problem), job.periodic)


def image_voxel(inputs: JobInputs) -> tuple[Scale, str]:
    """Return the voxel size of a result that is made from the images alone, and its unit: those of their pixels."""
    across, along = inputs.images[0].grid, inputs.images[1].grid
    # Planes normal to z show y and x; those normal to y show z.
    told = along if along.known == across.known else across
    depth = convert(told.voxel_size[1], told.unit, across.unit)
    return (depth, across.voxel_size[1], across.voxel_size[2]), across.unit


def noise_grid(
    package: Package, size: Triple, periodic: str = "", voxel_size: Scale | None = None, unit: str | None = None
) -> Grid:
    """Return the grid that a model without a scan counts its noise on, large enough for a result of ``size``.

    Args:
        package: The model.
        size: Voxels of the result.
        periodic: Axes whose end continues into their start.
        voxel_size: Edge of a voxel of the result; None: that of the image it was trained on.
        unit: Its unit; None: micrometer, or the image's.

    Raises:
        UserError: If a periodic axis is no multiple of the model's scale, or a unit stands without a voxel size.
    """
    scale = package.model.scale
    check_size(size, scale, periodic)
    shape: Triple = tuple(math.ceil(n / s - 1e-9) for n, s in zip(size, scale, strict=True))  # type: ignore[assignment]
    if voxel_size is not None:
        fine, name = parse_voxel_size(",".join(map(str, voxel_size)), unit)
    else:
        z, y, x = (float(v) for v in package.provenance.get("voxel_size", (1.0, 1.0, 1.0)))
        fine, name = (z, y, x), str(package.provenance.get("unit", "pixel"))
        if unit is not None and name == "pixel":
            raise UserError(f"The model's image says no voxel size, so --unit {unit} needs --voxel-size next to it.")
        name = name if unit is None else parse_unit(unit)
    coarse: Scale = tuple(v * s for v, s in zip(fine, scale, strict=True))  # type: ignore[assignment]
    origin: Scale = tuple((c - f) / 2 for c, f in zip(coarse, fine, strict=True))  # type: ignore[assignment]
    return Grid(shape, coarse, name, origin)
