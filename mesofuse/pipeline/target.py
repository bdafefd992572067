"""A model and what it is applied to, opened and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mesofuse.errors import UserError
from mesofuse.models.device import resolve_device
from mesofuse.models.package import Package, load_package
from mesofuse.pipeline.generate import check_scan
from mesofuse.pipeline.inputs import open_labels
from mesofuse.pipeline.output_size import DEFAULT_SIZE, noise_grid
from mesofuse.pipeline.voxel_sizes import on_grid
from mesofuse.volumes.grid import Grid, Region, Scale, Triple
from mesofuse.volumes.labelling import LabelMapping
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.mask import Ignore
from mesofuse.volumes.phases import Phase
from mesofuse.volumes.scale import TOLERANCE, times
from mesofuse.volumes.units import convert


@dataclass(frozen=True)
class Opened:
    """A model and what it is applied to.

    Attributes:
        package: The model, on the CPU.
        low_res: The scan, or None for a model that takes none.
        grid: The scan's grid, or the one that noise is counted on.
        device: Where to compute.
        region: Output voxels wanted, or None for all that the grid holds.
    """

    package: Package
    low_res: Labels | None
    grid: Grid
    device: str
    region: Region | None


def open_all(
    model: str | Package,
    low_res: str | None,
    device: str,
    region_text: str | None,
    *,
    voxel_size: Scale | None = None,
    unit: str | None = None,
    ignore: Sequence[str] = (),
    crop: str | None = None,
    size: Triple | None = None,
    periodic: str = "",
    note: Callable[[str], None] = lambda text: None,
) -> Opened:
    """Open and check a model and the volume that it is applied to, if it takes one.

    Args:
        model: The package, or its folder.
        low_res: The scan's file, or None for a model that takes none.
        device: Name of a device, or ``auto``.
        region_text: Part of the result to make, as `Region.parse` reads it, or None for all of it.
        voxel_size: Edge of the scan's voxel, or of the result's where there is no scan; None: what the files say.
        unit: Its unit.
        ignore: Values of the scan that are no material.
        crop: Part of the scan to take, or None for all of it.
        size: Voxels of the result where there is no scan; None is 256³.
        periodic: Axes along which the result's end continues into its start.
        note: Takes what the user should know, as a sentence.

    Raises:
        UserError: If one of them is missing or damaged, or they don't fit each other.
    """
    place = resolve_device(device)
    package = model if isinstance(model, Package) else load_package(Path(model))
    if package.warning and package is not model:
        note(package.warning)
    check_scan(package, low_res is not None, size)
    if low_res is None:
        shape = size or DEFAULT_SIZE
        grid = noise_grid(package, shape, periodic, voxel_size, unit)
        part = Region.whole(shape) if region_text is None else Region.parse(region_text, shape)
        return Opened(package, None, grid, place, part)
    low = open_scan(package, low_res, voxel_size, unit, ignore, note, crop)
    output = Region.whole(low.grid.shape).scaled(package.model.scale).shape
    wanted = None if region_text is None else Region.parse(region_text, output)
    return Opened(package, low, low.grid, place, wanted)


def open_scan(
    package: Package, low_res: str, voxel_size: Scale | None, unit: str | None, ignore: Sequence[str] = (),
    note: Callable[[str], None] = lambda text: None,
    crop: str | None = None,
) -> Labels:  # fmt: skip
    """Open the scan that a model is applied to, without what ``ignore`` says is no material.

    Raises:
        UserError: If it is missing, or its phases are not the model's.
    """
    expected = package.model.problem.low_phases
    given = [Ignore.parse(text) for text in ignore]
    low, mapping = open_labels(
        low_res, voxel_size=voxel_size, unit=unit, allow_single_phase=True, ignore=given, crop=crop
    )  # fmt: skip
    if mapping.changed and set(mapping.originals) <= set(range(len(expected))):  # a part that lacks a phase
        names = [p.name for p in expected]
        low, mapping = open_labels(
            low_res, voxel_size=voxel_size, unit=unit, phase_names=names, allow_single_phase=True, ignore=given,
            crop=crop,
        )  # fmt: skip
    for remark in mapping.remarks(low_res):
        note(remark)
    check_phases(low_res, low.phases, mapping, expected)
    return _sized(low_res, low, package, note)


def _sized(name: str, low: Labels, package: Package, note: Callable[[str], None]) -> Labels:
    """Return a scan with the voxel size of the one that the model was trained on, where it states none, and say so.

    A scan of other voxels is noted: what the model has learnt is as large as it was in its own scan's voxels.
    """
    unit = str(package.provenance.get("unit", "pixel"))
    z, y, x = (float(v) for v in package.provenance.get("voxel_size", (1.0, 1.0, 1.0)))
    own = Grid(low.grid.shape, (z, y, x), unit)
    if not low.grid.known:
        if own.known:
            note(
                f"{name} states no voxel size: its voxels are taken to be as large as those of the scan that the model "
                f"was trained on, {times(own.voxel_size)} {own.symbol}; --voxel-size says otherwise."
            )
        return on_grid(low, replace(low.grid, voxel_size=own.voxel_size, unit=unit))
    if not own.known:
        return low
    found = [convert(v, low.grid.unit, unit) for v in low.grid.voxel_size]
    if any(abs(a / b - 1) > TOLERANCE for a, b in zip(found, own.voxel_size, strict=True)):
        note(
            f"the voxels of {name} are {times(found)} {own.symbol}, but the model was trained on a scan of "
            f"{times(own.voxel_size)} {own.symbol}: what it adds is as large as it was there in voxels, and so of "
            "another size here; train a model on this scan, or correct its --voxel-size."
        )
    return low


def check_phases(name: str, found: Sequence[Phase], mapping: LabelMapping, expected: Sequence[Phase]) -> None:
    """Refuse a volume whose phases are not, or not surely, those that a model was trained on.

    Raises:
        UserError: If there are more phases than the model's, fewer that were mapped, or the model's names in another
            order.
    """
    names = [p.name for p in expected]
    if len(found) > len(expected):
        raise UserError(
            f"{name} has {len(found)} phases, but the model was trained on volumes of {len(expected)} "
            f"({', '.join(names)}): merge phases, or train a model on this volume."
        )
    if len(found) < len(expected) and mapping.changed:
        raise UserError(
            f"{name} has {len(found)} phases with the values {', '.join(map(str, mapping.originals))}, so it is not "
            f"clear which of the model's {len(expected)} phases they are: label them 0 … {len(expected) - 1}."
        )
    own = [p.name for p in found]
    if own != names and sorted(own) == sorted(names):
        raise UserError(
            f"{name} has the phases {', '.join(own)} in this order, but the model was trained with {', '.join(names)}: "
            "label them in the model's order."
        )
