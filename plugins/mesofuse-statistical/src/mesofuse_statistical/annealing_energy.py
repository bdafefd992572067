"""The energy of a volume, and how much a swap of two voxels changes it: integer counts, updated as voxels change.

Labels are kept once for each direction, so that voxels which follow each other along it are neighbours in memory: the
counts at all lags are then a few vector instructions. Differences from the targets are whole numbers held in floating
point, whose sums are exact in any order: every processor takes the same decisions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mesofuse_statistical.annealing_targets import DIRECTIONS
from mesofuse_statistical.compiled import compiled

OUTSIDE = 255
"""Label of what is no material: beyond the sides, or ignored."""
HOME = 2
"""The direction whose lines hold all six neighbours of a voxel at fixed distances."""
NO_PATTERN = 65_535
UNIT = 8
"""What one pattern counts, so that fewer than one may be wanted of the rare ones, which are many."""
EXACT = ("reassoc", "nsz", "contract")
"""Sums may be reordered, as those of whole numbers below 2⁵³ are exact."""


class Field(NamedTuple):
    """A volume with its counts. Pair and path differences are counts less targets.

    Attributes:
        shape: Voxels along z, y, x, int64 (3,).
        lines: uint8 labels, once a direction, each line followed by ``OUTSIDE``.
        places: int64 (directions, 4): a voxel's place in ``lines`` is [0] + z [1] + y [2] + x [3].
        reach: int64 (directions,), the largest lag that counts.
        pairs: float64 (directions, phases, phases, radius) flat, of `annealing_targets.pair_counts`.
        path_reach: int64 (axes,), voxels of the longest segment that counts.
        paths: int64 (axes, phases, radius), of `annealing_targets.path_counts`.
        codes: uint16 (tables, voxels), number of the pattern whose first row and column a voxel is in.
        geometry: int64 (tables · pixels, 6) of each pixel of each table's patterns: the table, its normal, the digit's
            value in a pattern's number, and how far it is from the pattern's first row, column, and place in ``codes``.
        patterns: int32 (tables, bins), counts less targets in parts of ``UNIT``.
        pattern_weights: float32 (tables, bins), of the squared differences.
        weights: float64 (2,), of the squared differences of pairs and paths.
    """

    shape: np.ndarray
    lines: np.ndarray
    places: np.ndarray
    reach: np.ndarray
    pairs: np.ndarray
    path_reach: np.ndarray
    paths: np.ndarray
    codes: np.ndarray
    geometry: np.ndarray
    patterns: np.ndarray
    pattern_weights: np.ndarray
    weights: np.ndarray


def layout(shape: tuple[int, int, int], radius: int) -> tuple[np.ndarray, int]:
    """Return the places of `Field` for lines along each direction, and how many bytes they take in all.

    A line of n voxels takes n + radius bytes. Lines along a diagonal of two axes u < v begin on the sides u = 0 and
    v = 0 (or its end), and a voxel's place on one is its u.
    """
    places = np.zeros((len(DIRECTIONS), 4), np.int64)
    start = radius
    for index, direction in enumerate(DIRECTIONS):
        along = next(axis for axis in range(3) if direction[axis])
        wide = shape[along] + radius
        across = [axis for axis in range(3) if not direction[axis]]
        second = [axis for axis in range(3) if direction[axis] and axis != along]
        place = [0, 0, 0]
        place[along] = 1
        lines = 1
        for axis in second:
            lines = shape[along] + shape[axis] - 1
            falls = direction[axis] < 0
            place[axis] = wide
            place[along] = 1 + wide if falls else 1 - wide
            places[index, 0] = 0 if falls else (shape[along] - 1) * wide
        for axis in reversed(across):
            place[axis] = wide * lines
            lines *= shape[axis] + (index == HOME)
        if index == HOME:  # lines of what is outside lie around, so that every voxel has six neighbours
            start += place[0]
            lines += shape[1] + 1
        places[index, 0] += start
        places[index, 1:] = place
        start += lines * wide
    return places, start + radius


@compiled()
def _matches(lines: Any, p: Any, q: Any, phase: Any, found: Any, at: Any, reach: Any) -> None:
    """Write how many more neighbours of a phase p has than q, at each lag."""
    for k in range(reach):
        j = np.uint64(k)
        one = np.uint64(1)
        found[at + j] = np.int8(
            np.int8(lines[p + one + j] == phase)
            + np.int8(lines[p - one - j] == phase)
            - np.int8(lines[q + one + j] == phase)
            - np.int8(lines[q - one - j] == phase)
        )


@compiled(EXACT)
def _one(pairs: Any, at: Any, change: Any, own: Any, sign: Any, reach: Any) -> Any:
    """Return by how much a sum of squares grows, if its terms change by ``sign`` times a change."""
    linear = 0.0
    square = 0.0
    for k in range(reach):
        j = np.uint64(k)
        d = np.float64(change[own + j])
        linear += d * pairs[at + j]
        square += d * d
    return 2.0 * sign * linear + square


@compiled(EXACT)
def _two(pairs: Any, at: Any, change: Any, own: Any, other: Any, reach: Any) -> Any:
    """Return by how much a sum of squares grows, if its terms change by the difference of two changes."""
    linear = 0.0
    square = 0.0
    for k in range(reach):
        j = np.uint64(k)
        d = np.float64(change[own + j]) - np.float64(change[other + j])
        linear += d * pairs[at + j]
        square += d * d
    return 2.0 * linear + square


@compiled()
def pairs_cost(
    lines: Any, reaches: Any, pairs: Any, places: Any, a: Any, b: Any, phases: Any, radius: Any, change: Any
) -> Any:
    """Return by how much the pairs' sum of squares grows, if a voxel of phase a swaps with one of phase b.

    Args:
        lines: Of `Field`.
        reaches: Its ``reach``.
        pairs: Of `Field`.
        places: int64 (2, directions), of the two voxels in the lines.
        a: Phase of the first.
        b: Phase of the second.
        phases: Number of phases.
        radius: Lags in the tables.
        change: int8 (directions · phases · radius); gets the neighbours of the first less those of the second.
    """
    total = 0.0
    for d in range(len(reaches)):
        p, q, reach = places[0, d], places[1, d], reaches[d]
        start = d * phases * radius
        seen = abs(p - q) <= reach
        if seen:  # the pair that the two make stays what it is
            lines[p] = lines[q] = OUTSIDE
        for c in range(phases):
            _matches(lines, np.uint64(p), np.uint64(q), np.uint8(c), change, np.uint64(start + c * radius), reach)
        if seen:
            lines[p], lines[q] = a, b
        own, other = np.uint64(start + a * radius), np.uint64(start + b * radius)
        row = d * phases * phases
        total += _one(pairs, np.uint64((row + a * phases + a) * radius), change, own, -1.0, reach)
        total += _one(pairs, np.uint64((row + b * phases + b) * radius), change, other, 1.0, reach)
        low, high = min(a, b), max(a, b)
        total += _two(pairs, np.uint64((row + low * phases + high) * radius), change, own, other, reach)
        for c in range(phases):
            if c != a and c != b:
                third = np.uint64(start + c * radius)
                at = np.uint64((row + min(a, c) * phases + max(a, c)) * radius)
                total += _one(pairs, at, change, third, -1.0, reach)
                at = np.uint64((row + min(b, c) * phases + max(b, c)) * radius)
                total += _one(pairs, at, change, third, 1.0, reach)
    return total


@compiled()
def pairs_apply(reaches: Any, pairs: Any, a: Any, b: Any, phases: Any, radius: Any, change: Any) -> None:
    """Update the pairs by what `pairs_cost` found."""
    for d in range(len(reaches)):
        row = d * phases * phases
        for c in range(phases):
            lost = (row + min(a, c) * phases + max(a, c)) * radius
            won = (row + min(b, c) * phases + max(b, c)) * radius
            at = (d * phases + c) * radius
            for k in range(reaches[d]):
                pairs[lost + k] -= change[at + k]
                pairs[won + k] += change[at + k]


@compiled()
def _run(lines: Any, at: Any, way: Any, phase: Any, most: Any) -> Any:
    """Return how many voxels of a phase follow each other next to a place, at most so many."""
    count = 0
    while count < most and lines[at + way * (count + 1)] == phase:
        count += 1
    return count


@compiled()
def _segments(lines: Any, at: Any, phase: Any, sign: Any, longest: Any, change: Any, d: Any, of: Any) -> None:
    """Add the segments of a phase through a voxel to their number, by length."""
    before, after = _run(lines, at, -1, phase, longest - 1), _run(lines, at, 1, phase, longest - 1)
    for more in range(min(longest, before + after + 1)):
        change[d, of, more] += sign * (min(before, more) + min(0, after - more) + 1)


@compiled()
def paths_cost(lines: Any, reaches: Any, paths: Any, places: Any, a: Any, b: Any, change: Any) -> Any:
    """Return by how much the paths' sum of squares grows; ``change``, int64 (axes, 2, radius), gets a's and b's."""
    total = 0
    for d in range(3):
        p, q, longest = places[0, d], places[1, d], reaches[d]
        for k in range(longest):
            change[d, 0, k] = change[d, 1, k] = 0
        _segments(lines, p, a, -1, longest, change, d, 0)
        _segments(lines, p, b, 1, longest, change, d, 1)
        lines[p] = b
        _segments(lines, q, b, -1, longest, change, d, 1)
        _segments(lines, q, a, 1, longest, change, d, 0)
        lines[p] = a
        for k in range(longest):
            lost, won = change[d, 0, k], change[d, 1, k]
            total += lost * (2 * paths[d, a, k] + lost) + won * (2 * paths[d, b, k] + won)
    return np.float64(total)


@compiled()
def paths_apply(reaches: Any, paths: Any, a: Any, b: Any, change: Any) -> None:
    """Update the paths by what `paths_cost` found."""
    for d in range(3):
        for k in range(reaches[d]):
            paths[d, a, k] += change[d, 0, k]
            paths[d, b, k] += change[d, 1, k]


@compiled()
def patterns_screen(
    codes: Any, geometry: Any, patterns: Any, weights: Any, voxel: Any, at: Any, i: Any, up: Any, few: Any
) -> Any:
    """Return about by how much the patterns' part grows if a label rises by ``up``, as if no two were alike.

    Args:
        codes: Of `Field`.
        geometry: Of `Field`.
        patterns: Of `Field`.
        weights: Its ``pattern_weights``.
        voxel: The voxel's place in ``codes``.
        at: Coordinates, int64 (2, 3).
        i: Which of them are its own.
        up: By how much.
        few: Of how many rows of ``geometry``.
    """
    total = 0.0
    for k in range(few):
        normal = geometry[k, 1]
        row = at[i, 1] if normal == 0 else at[i, 0]
        column = at[i, 1] if normal == 2 else at[i, 2]
        if geometry[k, 3] > row or geometry[k, 4] > column:
            continue
        table = geometry[k, 0]
        old = np.int64(codes[table, voxel - geometry[k, 5]])
        if old != NO_PATTERN:
            new = old + up * geometry[k, 2]
            total += weights[table, old] * np.float64(UNIT - 2 * patterns[table, old])
            total += weights[table, new] * np.float64(UNIT + 2 * patterns[table, new])
    return total * UNIT


@compiled()
def patterns_of(codes: Any, geometry: Any, voxel: Any, at: Any, i: Any, found: Any, count: Any) -> Any:
    """List the patterns that hold a voxel, and return how many are listed.

    Args:
        codes: Of `Field`.
        geometry: Of `Field`.
        voxel: The voxel's place in ``codes``.
        at: Coordinates, int64 (2, 3).
        i: Which of them are its own.
        found: int64 (n, 4), gets table, digit, first voxel and number of each pattern.
        count: How many are listed already.
    """
    for k in range(len(geometry)):
        normal = geometry[k, 1]
        row = at[i, 1] if normal == 0 else at[i, 0]
        column = at[i, 1] if normal == 2 else at[i, 2]
        if geometry[k, 3] > row or geometry[k, 4] > column:
            continue
        table = geometry[k, 0]
        first = voxel - geometry[k, 5]
        code = codes[table, first]
        if code != NO_PATTERN:
            found[count, 0], found[count, 1], found[count, 2], found[count, 3] = table, geometry[k, 2], first, code
            count += 1
    return count


@compiled()
def patterns_cost(patterns: Any, weights: Any, listed: Any, start: Any, stop: Any, up: Any) -> Any:
    """Move listed patterns to what they become if a label rises by ``up``, and return how their part grows."""
    total = 0.0
    for k in range(start, stop):
        table, old = listed[k, 0], listed[k, 3]
        new = old + up * listed[k, 1]
        total += weights[table, old] * np.float64(UNIT - 2 * patterns[table, old])
        patterns[table, old] -= UNIT
        total += weights[table, new] * np.float64(UNIT + 2 * patterns[table, new])
        patterns[table, new] += UNIT
    return total * UNIT


@compiled()
def patterns_undo(patterns: Any, listed: Any, start: Any, stop: Any, up: Any) -> None:
    """Take back what `patterns_cost` did."""
    for k in range(start, stop):
        table, old = listed[k, 0], listed[k, 3]
        patterns[table, old + up * listed[k, 1]] -= UNIT
        patterns[table, old] += UNIT


@compiled()
def patterns_write(codes: Any, listed: Any, start: Any, stop: Any, up: Any) -> None:
    """Write the numbers of listed patterns after a label has risen by ``up``; 0 takes it back."""
    for k in range(start, stop):
        codes[listed[k, 0], listed[k, 2]] = listed[k, 3] + up * listed[k, 1]
