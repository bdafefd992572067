"""Volumes whose end continues into their start: which may, and how a window beyond the ends is read."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import Model
from mesofuse.volumes.grid import AXES, Region, Scale, Triple

Period = tuple[int | None, int | None, int | None]
NEAR = 1e-6  # as in `scaled_edge`: what is this near to a whole number is one


def is_whole(value: float) -> bool:
    """Return whether a number is whole, up to rounding."""
    return abs(value - round(value)) < NEAR


def check_periodic(shape: Triple, scale: Scale, periodic: str, what: str = "the scale factor") -> None:
    """Refuse a periodic axis whose end falls within a voxel of the finer grid.

    Args:
        shape: Voxels of the scan, or of the grid that noise is counted on.
        scale: How much finer the other grid is.
        periodic: Letters of the periodic axes.
        what: What ``scale`` is, for the sentence.

    Raises:
        UserError: If there is such an axis.
    """
    for axis in (AXES.index(letter) for letter in periodic):
        n, s = shape[axis], scale[axis]
        if not is_whole(n * s):
            fit = next((m for m in range(n - 1, 0, -1) if is_whole(m * s)), None)
            hint = f"cut the volume to {fit} voxels along {AXES[axis]}, or leave" if fit else "leave"
            raise UserError(
                f"The result can't be periodic along {AXES[axis]}: {n} voxels times {what} {s:g} are {n * s:g}, no "
                f"whole number; {hint} {AXES[axis]} out of --periodic."
            )


def check_model(model: Model, shape: Triple, periodic: str) -> None:
    """Refuse periodic axes that a model can't give a volume of ``shape``.

    Raises:
        UserError: If the model can't tile, or an axis' end falls within a voxel of the result or of a noise field.
    """
    if periodic and not model.can_tile:
        raise UserError(
            "This model works on whole volumes only, so its result can't be periodic: leave out --periodic."
        )
    check_periodic(shape, model.scale, periodic)
    for spec in model.noise:
        check_periodic(shape, spec.factor, periodic, f"the resolution of the noise {spec.name!r},")


def periods(shape: Triple, scale: Scale, periodic: str) -> Period:
    """Return after how many voxels of the grid ``scale`` times finer each axis repeats; None where it does not."""
    z, y, x = (round(n * s) if a in periodic else None for n, s, a in zip(shape, scale, AXES, strict=True))
    return z, y, x


def read_wrapped(read: Callable[[Region], np.ndarray], region: Region, period: Period) -> np.ndarray:
    """Return a region that may go beyond the ends of periodic axes, even several times around.

    Args:
        read: Gives an array (…, z, y, x) of a region inside the periods; along other axes it may get any coordinates.
        region: What is wanted.
        period: Voxels after which each axis repeats, or None.
    """
    once = tuple(n if p is None else min(n, p) for n, p in zip(region.shape, period, strict=True))
    first = Region(region.start, tuple(a + n for a, n in zip(region.start, once, strict=True)))  # type: ignore[arg-type]
    # Once around, so at most two pieces an axis.
    lattice = [p or n for n, p in zip(region.shape, period, strict=True)]
    origin = [0 if p else a for a, p in zip(region.start, period, strict=True)]
    pieces = list(first.blocks(lattice, origin))
    made: np.ndarray | None = None
    for piece in pieces:
        turn = [-(a // p) * p if p else 0 for a, p in zip(piece.start, period, strict=True)]
        values = read(piece.shifted(turn))
        if len(pieces) == 1:
            made = values
            break
        if made is None:
            made = np.empty((*values.shape[:-3], *once), values.dtype)
        made[(..., *piece.within(first))] = values
    assert made is not None
    for axis, (n, wanted) in enumerate(zip(once, region.shape, strict=True)):
        if n < wanted:
            made = np.take(made, np.arange(wanted) % n, axis - 3)
    return made


def check_size(size: Triple, scale: Scale, periodic: str) -> None:
    """Refuse a size, in voxels of the result, that a periodic axis can't have: the grid of the noise must fit into it.

    Raises:
        UserError: If an axis is periodic and not a multiple of the scale; the nearest that are, are named.
    """
    for axis in (AXES.index(letter) for letter in periodic):
        n, s = size[axis], scale[axis]
        if is_whole(n / s):
            continue
        below = next((k for k in range(math.floor(n / s), 0, -1) if is_whole(k * s)), None)
        above = next((k for k in range(math.ceil(n / s), math.ceil(n / s) + 1000) if is_whole(k * s)), None)
        sizes = " or ".join(str(round(k * s)) for k in (below, above) if k)
        raise UserError(
            f"A result that is periodic along {AXES[axis]} has a multiple of {s:g} voxels there, and {n} is none: give "
            f"--size {sizes} for {AXES[axis]}, or leave {AXES[axis]} out of --periodic."
        )
