"""The scale factor between a scan and what is sharper: what it relates, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mesofuse.errors import UserError
from mesofuse.volumes.grid import AXES, Grid, Region, Scale
from mesofuse.volumes.units import convert

TOLERANCE = 0.02
"""Relative difference of a voxel size or scale factor from what it should be that is not worth a word."""
WHOLE = 0.005
"""A factor that voxel sizes give is taken for the whole number that it is this near to, relatively."""


def seen_region(shape: Sequence[int], scan: Sequence[int], scale: Sequence[float]) -> Region | None:
    """Return the voxels of a fine volume that its scan shows, from the first on.

    Voxels at the end that fill no whole scan voxel are in no scan, so a volume may be larger than the scan times the
    scale by less than one scan voxel along each axis.

    Args:
        shape: Voxels of the fine volume along z, y, x.
        scan: Those of the scan.
        scale: Fine voxels along one of the scan, each at least 1.

    Returns:
        The region, or None where the volume lacks some of what the scan shows, or has as much as a scan voxel more.
    """
    seen = Region.whole(scan).scaled(scale)
    left = [n - m for n, m in zip(shape, seen.shape, strict=True)]
    return seen if all(0 <= n < s for n, s in zip(left, scale, strict=True)) else None


def seen_note(shape: Sequence[int], scan: Sequence[int], scale: Sequence[float]) -> str:
    """Say which voxels of a volume are compared with its scan; nothing where that is all, or none are."""
    seen = seen_region(shape, scan, scale)
    if seen is None or seen == Region.whole(shape):
        return ""
    return (
        f"of its {times(shape)} voxels {times(seen.shape)} ({seen}) are compared with the scan, which shows no more: "
        "the rest fills no whole scan voxel"
    )


def shapes_differ(shape: Sequence[int], scan: Sequence[int], scale: Sequence[float]) -> str:
    """Say that a volume does not have the voxels that its scan shows; see `seen_region`."""
    wanted = Region.whole(scan).scaled(scale).shape
    return (
        f"The volume has {times(shape)} voxels, but the scan's {times(scan)} times the scale factor "
        f"{scale_text(scale)} are {times(wanted)}: give the scan that it was made from, and its --scale."
    )


def fine_sizes(images: Mapping[str, Grid], unit: str, *, planar: bool = False) -> tuple[list[float], ...]:
    """Return what images say of the voxel size of a result along z, y and x.

    An image says nothing of the direction that it is normal to; one that stands for planes normal to several axes says
    the size of its rows and columns for each.

    Args:
        images: Grids of images (image, row, column) by the axes that they are normal to, such as ``zy`` and ``x``.
        unit: Unit of the result.
        planar: Whether the result is one voxel thick, so that only planes normal to z count.

    Returns:
        For each axis the sizes found, none where nothing is known.
    """
    found: tuple[list[float], ...] = ([], [], [])
    for axes, grid in images.items():
        if not grid.known or unit == "pixel":
            continue
        for normal in [axis for axis in axes if axis == "z" or not planar]:
            shown = [a for a in range(3) if a != AXES.index(normal)]
            for axis, size in zip(shown, grid.voxel_size[1:], strict=True):
                found[axis].append(convert(size, grid.unit, unit))
    return found


def contradicting(sizes: Sequence[Sequence[float]]) -> list[int]:
    """Return the axes of which images say sizes that differ by more than the tolerance."""
    return [axis for axis, found in enumerate(sizes) if found and max(found) > (1 + TOLERANCE) * min(found)]


def quotient(scan: Sequence[float], fine: Sequence[float], *, planar: bool = False) -> Scale:
    """Return how many fine voxels lie along one of the scan; 1 along z where both are one voxel thick."""
    z, y, x = (a / b for a, b in zip(scan, fine, strict=True))
    return (1.0 if planar else z, y, x)


def derived(exact: Scale, what: str) -> Scale:
    """Return the scale factor to use for a quotient of voxel sizes.

    Args:
        exact: The quotient; a factor near a whole number is that number.
        what: Both sizes, for messages.

    Raises:
        UserError: If a voxel of the scan is smaller than a fine one.
    """
    small = [AXES[a] for a, s in enumerate(exact) if s < 1 - TOLERANCE]
    if small:
        raise UserError(
            f"Along {_names([AXES.index(a) for a in small])} the scan's voxels are smaller than those that are to be "
            f"finer: {what}. Check which file is which, and the voxel sizes; --voxel-size and --image-pixel-size "
            "override the files'."
        )
    z, y, x = (_rounded(max(1.0, s)) for s in exact)
    return (z, y, x)


def disagreement(given: Scale, exact: Scale) -> str:
    """Say along which axes a given scale factor is not what voxel sizes give; nothing where it is on all."""
    wrong = [a for a in range(3) if abs(given[a] / exact[a] - 1) > TOLERANCE]
    if not wrong:
        return ""
    right = [_rounded(s) if a in wrong else given[a] for a, s in enumerate(exact)]
    parts = [f"along {AXES[a]} {right[a]:.6g}, not {given[a]:.6g}" for a in wrong]
    if len({(right[a], given[a]) for a in wrong}) == 1:
        a = wrong[0]
        parts = [f"along {_names(wrong)} {right[a]:.6g}, not {given[a]:.6g}"]
    return f"the scale is {scale_text(right)} ({'; '.join(parts)})"


def _rounded(factor: float) -> float:
    whole = float(round(factor))
    return whole if whole and abs(factor / whole - 1) <= WHOLE else float(f"{factor:.6g}")


def _names(axes: Sequence[int]) -> str:
    return " and ".join(filter(None, [", ".join(AXES[a] for a in axes[:-1]), AXES[axes[-1]]]))


def scale_text(scale: Sequence[float]) -> str:
    """Return a scale factor as the option takes it: ``4`` or ``8,4,4``."""
    texts = [f"{s:.6g}" for s in scale]
    return texts[0] if len(set(texts)) == 1 else ",".join(texts)


def times(values: Sequence[float]) -> str:
    """Return ``34 × 134 × 50``."""
    return " × ".join(f"{v:.6g}" for v in values)
