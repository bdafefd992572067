"""Whether a phase's structures are longer along one axis of the sample than along another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.preflight.autocovariance import halved, indicator, line_covariance

MIN_EDGE = 16
LEVEL = math.exp(-1)


@dataclass(frozen=True)
class AxisLengths:
    """Correlation lengths of a phase.

    Attributes:
        lengths: Along each axis: the lag at which the normalised autocovariance has fallen to 1/e.
        ratio: The greatest over the least.
        sigmas: By how many standard errors the logarithm of the ratio differs from 0.
    """

    lengths: tuple[float, ...]
    ratio: float
    sigmas: float


def axis_lengths(pieces: Sequence[np.ndarray], values: Sequence[int], spacing: Sequence[float]) -> AxisLengths | None:
    """Measure a phase's correlation length along each axis, and how much of their ratio chance explains.

    The standard errors come from the lengths in the pieces' halves (quarters of images, eighths of blocks). A length
    beyond half the sample counts as that.

    Args:
        pieces: uint8 labels, images (y, x) or blocks (z, y, x).
        values: The labels of the phase.
        spacing: Length of a voxel along each axis.

    Returns:
        The lengths, or None where there is not enough data to tell.
    """
    if min(min(p.shape) for p in pieces) < MIN_EDGE:
        return None
    fields = [indicator(piece, values) for piece in pieces]
    found = _lengths(fields)
    if found is None:
        return None
    lengths, clipped = found
    if all(clipped):
        return None
    parts = [known[0] for part in halved(fields) if (known := _lengths([part])) is not None]
    if len(parts) < 2:
        return None
    errors = np.std(np.log(parts), axis=0, ddof=1) / math.sqrt(len(parts))
    physical = np.array(lengths) * np.array(spacing)
    longest, shortest = int(np.argmax(physical)), int(np.argmin(physical))
    ratio = float(physical[longest] / physical[shortest])
    spread = math.hypot(float(errors[longest]), float(errors[shortest]))
    sigmas = math.log(ratio) / spread if spread > 0 else math.inf if ratio > 1 else 0.0
    return AxisLengths(tuple(physical.tolist()), ratio, sigmas)


def _lengths(fields: Sequence[np.ndarray]) -> tuple[list[float], list[bool]] | None:
    """Return the length along each axis in voxels, and whether it is longer than can be seen; None for one phase."""
    mean = float(sum(float(f.sum(dtype=np.float64)) for f in fields) / sum(f.size for f in fields))
    if not 0 < mean < 1:
        return None
    lengths, clipped = [], []
    for axis in range(fields[0].ndim):
        curve = line_covariance(fields, mean, axis, max(f.shape[axis] for f in fields) // 2)
        below = np.flatnonzero(curve <= LEVEL * curve[0])
        clipped.append(not len(below))
        if not len(below):
            lengths.append(float(len(curve) - 1))
            continue
        i = int(below[0])
        lengths.append(i - 1 + (curve[i - 1] - LEVEL * curve[0]) / (curve[i - 1] - curve[i]))
    return lengths, clipped
