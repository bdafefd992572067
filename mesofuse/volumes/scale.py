"""The scale factor between a scan and what is sharper: what it relates, and how it is written."""

from __future__ import annotations

from collections.abc import Sequence

from mesofuse.volumes.grid import Region


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


def scale_text(scale: Sequence[float]) -> str:
    """Return a scale factor as the option takes it: ``4`` or ``8,4,4``."""
    texts = [f"{s:.6g}" for s in scale]
    return texts[0] if len(set(texts)) == 1 else ",".join(texts)


def times(values: Sequence[float]) -> str:
    """Return ``34 × 134 × 50``."""
    return " × ".join(f"{v:.6g}" for v in values)
