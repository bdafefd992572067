"""Labels that resizing or JPEG has spoilt, recognised by their values and where these lie.

Interpolation puts values between the phases' own along the boundaries, where every such pixel has smaller and greater
neighbours; JPEG puts values right next to the phases' own. A phase, however rare, has an inside, or no neighbours on
both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

WAYS = (
    "Save the labels as the segmentation made them, as PNG or TIFF (resize with nearest neighbour), or give every "
    "voxel the nearest of these values"
)
_INSIDE = 0.05
"""A phase has at least this share of its pixels inside: among like pixels alone."""
_LEVELS = 10
_SOME = 0.005
"""Interpolation and JPEG alter at least this share of an image's pixels; fewer are strays."""
_EXPLAINED = 0.8
"""Of the pixels that are no phase's so many lie between smaller and greater ones, or close to a phase's value."""
_BESIDE = 0.5
"""The values that JPEG puts next to a level are on average rarer than this, compared with the level."""
_RARER = 0.6
"""Interpolation leaves most values that it makes rarer than this, compared with the most common phase."""
_COMMON = 0.01
"""Values of a greater share than this that have an inside are the image's levels."""
_CLOSE = 1 / 12
"""Of the span of values: what JPEG moves a value by."""
_SPAN = 48
"""Values that span less than this are numbers of phases, which are close to each other anyway."""
_PLANES, _EDGE = 8, 1024
_JPEG_GAP = 32
"""Values of a JPEG further apart than this were left as they are: its errors would have put others between."""


def blurred(array: np.ndarray, values: Sequence[int], counts: Sequence[int]) -> str:
    """Return a clause on why an image looks like labels that were resized or compressed, or "".

    Args:
        array: (z, y, x), numbers.
        values: Its different values in order.
        counts: How often each occurs.
    """
    if len(values) < 4:
        return ""
    found, total = np.asarray(values, np.float64), np.asarray(counts, np.int64)
    between, inside = _where(array, found)
    groups = _clusters(found, total)
    if _is_crowd(groups, total, inside):
        return (
            f"holds {len(found)} different values, which crowd around {_listing(groups, found, total)}, as JPEG leaves "
            "labels, whatever the file is now"
        )
    odd = np.flatnonzero(inside < _INSIDE)
    levels = np.flatnonzero((inside >= _INSIDE) & (total >= _COMMON * total.sum()))
    if total[odd].sum() < _SOME * total.sum() or not 2 <= len(levels) <= _LEVELS:
        return ""
    span = found[-1] - found[0]
    close = (np.abs(found[:, np.newaxis] - found[levels]).min(axis=1) <= span * _CLOSE) & (span >= _SPAN)
    if len(odd) < 3 or np.median(total[odd]) > _RARER * total[levels].max():
        return ""
    if np.average(np.where(close, 1, between)[odd], weights=total[odd]) < _EXPLAINED:
        return ""
    listing = ", ".join(f"{found[i]:g}: {100 * total[i] / total.sum():.2f} %" for i in levels)
    return (
        f"holds {len(found)} different values, of which {len(levels)} make up "
        f"{100 * total[levels].sum() / total.sum():.1f} % ({listing}); the other {len(odd)} lie along the boundaries "
        "between these, as interpolation leaves them"
    )


def lossy(kind: str, values: Sequence[int], counts: Sequence[int]) -> str:
    """Return a clause on why labels did not survive a compression that alters values, or "" where they did.

    Args:
        kind: The compression, for example "JPEG".
        values: The different values in order.
        counts: How often each occurs.
    """
    gaps = np.diff(values)
    if len(gaps) == 0 or gaps.min() >= _JPEG_GAP:
        return ""
    found, total = np.asarray(values, np.float64), np.asarray(counts, np.int64)
    levels = _clusters(found, total)
    said = f"is a {kind} with {len(values)} different grey values"
    if len(levels) > 1 and len(levels) <= _LEVELS:
        return f"{said}, which crowd around {_listing(levels, found, total)}: {kind} has blurred its labels"
    return f"{said}: it is a grey-level image, or {kind} has blurred its labels (it alters values by a few units)"


def bar(array: np.ndarray, value: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return first and last row and column of a value's box, if it fills one long box in every plane that shows it.

    Args:
        array: (z, y, x), numbers.
        value: The value of what may be a scale bar.
    """
    rows, columns = (np.flatnonzero((array == value).any(axis=axes)) for axes in ((0, 2), (0, 1)))
    if not len(rows):
        return None
    box = array[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] == value
    planes = box.any(axis=(1, 2))
    tall, wide = box.shape[1:]
    if not box[planes].all() or max(tall, wide) < 3 * min(tall, wide) or max(tall, wide) < 12:
        return None
    return (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1]))


def _where(array: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each value which share of its pixels has smaller and greater neighbours, and which like ones alone.

    Some planes are looked at; a value that occurs in none of them counts as between others.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    seen, between, inside = (np.zeros(len(values), np.int64) for _ in range(3))
    for z in np.unique(np.linspace(0, len(array) - 1, _PLANES).astype(int)):
        plane = _middle(array[z])
        low, high = minimum_filter(plane, 3, mode="nearest"), maximum_filter(plane, 3, mode="nearest")
        index = np.searchsorted(values, plane)
        for counted, where in ((seen, None), (between, (low < plane) & (plane < high)), (inside, low == high)):
            counted += np.bincount(index.ravel() if where is None else index[where], minlength=len(values))
    return np.where(seen, between, 1) / np.maximum(seen, 1), inside / np.maximum(seen, 1)


def _middle(plane: np.ndarray) -> np.ndarray:
    top, left = (max(0, (n - _EDGE) // 2) for n in plane.shape)
    return np.ascontiguousarray(plane[top : top + _EDGE, left : left + _EDGE])


def _is_crowd(groups: list[np.ndarray], counts: np.ndarray, inside: np.ndarray) -> bool:
    """Return whether values lie next to a few levels, the rarer the further, and nowhere among like ones alone."""
    wide = [group for group in groups if len(group) > 1]
    if not 2 <= len(groups) <= _LEVELS or len(wide) < 2 or sum(map(len, groups)) < 2 * len(groups):
        return False
    beside = []
    for group in wide:
        peak = int(np.argmax(counts[group]))
        rise = np.concatenate([-np.diff(counts[group])[:peak], np.diff(counts[group])[peak:]])
        rest = np.delete(group, peak)
        if rise.max() > 0.1 * counts[group][peak] or counts[rest].mean() > _BESIDE * counts[group][peak]:
            return False
        beside.append(rest)
    others = np.concatenate(beside)
    enough = counts[others].sum() >= _SOME * counts.sum()
    return bool(enough and np.average(inside[others], weights=counts[others]) < _INSIDE)


def _clusters(values: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    """Return groups of indices of values; the gaps between groups are wider than any group."""
    span = values[-1] - values[0]
    groups = np.split(np.arange(len(values)), np.flatnonzero(np.diff(values) > max(4, span / 16)) + 1)
    gaps = [values[b[0]] - values[a[-1]] for a, b in pairwise(groups)]
    widest = max(values[g[-1]] - values[g[0]] for g in groups)
    return groups if gaps and widest < min(gaps) else []


def _listing(levels: list[np.ndarray], values: np.ndarray, counts: np.ndarray) -> str:
    def one(level: np.ndarray) -> str:
        peak = values[level[np.argmax(counts[level])]]
        ends = f"{values[level[0]]:g} to {values[level[-1]]:g}, " if len(level) > 1 else ""
        return f"{peak:g} ({ends}{100 * counts[level].sum() / counts.sum():.2f} %)"

    return f"{len(levels)} levels: " + ", ".join(one(level) for level in levels)
