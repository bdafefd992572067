"""The sizes of a job's files: the scale factor that they give, whether it is the one given, and where all lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mesofuse.errors import UserError
from mesofuse.volumes.described import Described
from mesofuse.volumes.grid import AXES, Grid, Scale
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.scale import (
    TOLERANCE,
    contradicting,
    derived,
    disagreement,
    fine_sizes,
    quotient,
    scale_text,
    times,
)
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.units import convert

OVERRIDES = "--voxel-size (of the scan) and --image-pixel-size"


@dataclass(frozen=True)
class Sizes:
    """What is known of a job's sizes once all its files are open.

    Attributes:
        scale: The scale factor: the one given, else what the voxel sizes give.
        scan: The scan's grid.
        images: The images' grids by the axes that they are normal to; along these they have the result's size.
        notes: What the user should know.
    """

    scale: Scale
    scan: Grid
    images: dict[str, Grid]
    notes: tuple[str, ...] = ()


def settle(given: Scale | None, scan_name: str, scan: Grid, images: Mapping[str, tuple[str, Grid]]) -> Sizes:
    """Find the scale factor and the sizes that some file does not state, and compare what is known.

    The result's voxels are to be as large as the images' pixels. A scan without a voxel size has that of the pixels
    times the scale factor; an image without one has that of the scan over the scale factor.

    Args:
        given: The scale factor that the user gives, or None.
        scan_name: The scan's file, for messages.
        scan: Its grid.
        images: The images' files and grids by the axes that they are normal to.

    Raises:
        UserError: If there is no scale factor and the files don't give one, or the scan is sharper than an image.
    """
    planar = scan.shape[0] == 1
    grids = {axes: grid for axes, (_, grid) in images.items()}
    unit = scan.unit if scan.known else next((g.unit for g in grids.values() if g.known), "pixel")
    sizes = fine_sizes(grids, unit, planar=planar)
    complete = all(sizes[1:] if planar else sizes)
    torn = contradicting(sizes)
    notes = [_torn(sizes, torn, unit)] if torn else []
    if given is None and (torn or not (scan.known and complete)):
        raise UserError(_missing(scan_name, scan, images, notes))
    symbol = Grid((1, 1, 1), unit=unit).symbol
    fine = [found[0] if found else 1.0 for found in sizes]
    scale = given or (1.0, 1.0, 1.0)
    if scan.known and complete and not torn:
        exact = quotient(scan.voxel_size, fine, planar=planar)
        pixels = times(sorted({float(f"{v:.6g}") for v in (fine[1:] if planar else fine)}))
        what = f"the scan's voxels are {times(scan.voxel_size)} {symbol}, the image's pixels {pixels} {symbol}"
        if given is None:
            scale = derived(exact, what)
            notes.append(f"the scale factor is {scale_text(scale)}: {what}")
        elif text := disagreement(given, exact):
            voxels = times(scan.refined(given).voxel_size)
            notes.append(
                f"{what}, so {text}: with --scale {scale_text(given)} the result's voxels are {voxels} {symbol}; leave "
                f"out --scale to have the right one, or correct the sizes with {OVERRIDES}"
            )
    elif scan.known and not complete:
        notes += _stretched(scale, scan, images, planar)
    elif not scan.known:
        voxel, name = _scan_voxel(scale, fine, unit if complete and not torn else "pixel", planar)
        if name != "pixel":
            notes.append(
                f"{scan_name} states no voxel size: its voxels are taken to be {times(voxel)} {symbol}, the image's "
                "pixels times the scale factor"
            )
        elif len(set(voxel)) > 1:
            notes.append(
                "no file states a voxel size: the result's voxels are taken for cubes, so the scan's for "
                f"{times(voxel)} in proportion"
            )
        scan = replace(scan, voxel_size=voxel, unit=name)
    placed = {axes: image_grid(grid, scan, scale, AXES.index(axes[0]), sizes, unit) for axes, grid in grids.items()}
    return Sizes(scale, scan, placed, tuple(notes))


def image_grid(
    image: Grid, scan: Grid, scale: Scale, normal: int, sizes: tuple[list[float], ...] = ([], [], []), unit: str = ""
) -> Grid:
    """Return the grid of an image (stack, row, column) of planes normal to an axis.

    Where its file says no pixel size, it has that of the scan and the scale factor. Along the axis it has the size that
    other images say, else that of its own pixels: its file can't know it.
    """
    if image.known:
        across = convert(sizes[normal][0], unit, image.unit) if sizes[normal] else image.voxel_size[1]
        return replace(image, voxel_size=(across, *image.voxel_size[1:]))
    fine = scan.refined(scale).voxel_size
    rows, columns = (a for a in range(3) if a != normal)
    return replace(image, voxel_size=(fine[normal], fine[rows], fine[columns]), unit=scan.unit)


def on_grid(labels: Labels, grid: Grid) -> Labels:
    """Return labels on another grid of the same shape."""
    if isinstance(labels, LabelArray):
        return replace(labels, grid=grid)
    if isinstance(labels, LabelVolume):
        labels.grid = grid
        return labels
    return Described.of(labels, grid)


def pixels_note(images: Mapping[str, Grid]) -> list[str]:
    """Return a note where images of a job without a scan say sizes that contradict each other."""
    unit = next((g.unit for g in images.values() if g.known), "pixel")
    sizes = fine_sizes(images, unit)
    torn = contradicting(sizes)
    return [_torn(sizes, torn, unit)] if torn else []


def _torn(sizes: tuple[list[float], ...], torn: list[int], unit: str) -> str:
    symbol = Grid((1, 1, 1), unit=unit).symbol
    said = "; ".join(
        f"along {AXES[a]} {' and '.join(f'{v:.6g}' for v in sorted(set(sizes[a])))} {symbol}" for a in torn
    )
    return (
        f"the images' pixels contradict each other ({said}): an image that stands for planes of several directions "
        "needs square pixels, and images of different directions need the same size along the axes that they share; "
        "resample them, or correct the size with --image-pixel-size"
    )


def _missing(scan_name: str, scan: Grid, images: Mapping[str, tuple[str, Grid]], torn: list[str]) -> str:
    needed = "Missing option '--scale': say how many high-resolution voxels lie along one scan voxel"
    if torn:
        return f"{needed}; the sizes in the files don't say it, because {torn[0]}."
    silent = [] if scan.known else [scan_name]
    silent += [name for name, grid in images.values() if not grid.known]
    names, state = " and ".join(dict.fromkeys(silent)), "states" if len(set(silent)) == 1 else "state"
    return (
        f"{needed}. It would follow from the voxel sizes, but {names} {state} none: they can be given with {OVERRIDES}."
    )


def _stretched(scale: Scale, scan: Grid, images: Mapping[str, tuple[str, Grid]], planar: bool) -> list[str]:
    """Say where images of unknown size would have pixels of several sizes, because the result's voxels are no cubes."""
    fine = scan.refined(scale)
    for axes, (name, grid) in images.items():
        normals = [AXES.index(a) for a in axes if a == "z" or not planar]
        planes = [[a for a in range(3) if a != normal] for normal in normals]
        unlike = any(
            max(found) > (1 + TOLERANCE) * min(found)
            for found in ([fine.voxel_size[p[i]] for p in planes] for i in (0, 1) if planes)
        )
        if unlike and not grid.known:
            finest = min(fine.voxel_size)
            right = scale_text([round(v / finest, 6) for v in scan.voxel_size])
            return [
                f"the scan's voxels are {times(scan.voxel_size)} {scan.symbol}, so with --scale {scale_text(scale)} "
                f"the result's are {times(fine.voxel_size)} {scan.symbol}, but {name} stands for planes normal to "
                f"{', '.join(axes)} with pixels of one size: if these are {finest:.6g} {scan.symbol}, the scale is "
                f"{right}"
            ]
    return []


def _scan_voxel(scale: Scale, fine: list[float], unit: str, planar: bool) -> tuple[Scale, str]:
    """Return the voxel size of a scan that states none: the pixels' times the scale; else in its own shortest edge."""
    if unit != "pixel":
        sizes = [fine[1], *fine[1:]] if planar else fine
        z, y, x = (s * v for s, v in zip(scale, sizes, strict=True))
        return (z, y, x), unit
    if planar:
        return (1.0, 1.0, 1.0), "pixel"
    z, y, x = (s / min(scale) for s in scale)
    return (z, y, x), "pixel"
