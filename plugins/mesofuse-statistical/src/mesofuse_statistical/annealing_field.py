"""From labels and targets to the counts that annealing updates, and the energy that they have."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Triple
from mesofuse.volumes.patterns import Stencil
from mesofuse_statistical.annealing_energy import NO_PATTERN, OUTSIDE, UNIT, Field, layout
from mesofuse_statistical.annealing_targets import (
    DIRECTIONS,
    PLANES,
    Targets,
    pair_counts,
    pair_totals,
    path_counts,
    path_totals,
    stencil_of,
)

PARTS = ("pairs", "paths", "patterns")
"""The parts of the energy."""
RARE = 1e-6
"""Share of all positions below which all patterns are as rare as that."""


@dataclass(frozen=True)
class Weights:
    """How much each part of the energy counts; 0 leaves it out."""

    pairs: float = 1.0
    paths: float = 1.0
    patterns: float = 1.0


def build(labels: np.ndarray, targets: Targets, level: int, weights: Weights) -> Field:
    """Count a volume's pairs, paths and patterns, and compare them with the targets.

    Each part of the energy is 1 × its weight for voxels drawn independently with the targets' shares, 0 where all
    counts are as wanted. Pairs and paths are squares of differences of counts; those of patterns are divided by the
    count wanted, as in χ².

    Args:
        labels: uint8 labels (z, y, x), `annealing_energy.OUTSIDE` where there is no material.
        targets: What is wanted.
        level: Of which lattice.
        weights: Of the parts.
    """
    shape: Triple = labels.shape
    places, size = layout(shape, targets.radius)
    lines = np.full(size, OUTSIDE, np.uint8)
    z, y, x = (np.arange(n).reshape(-1, *(1,) * (2 - axis)) for axis, n in enumerate(shape))
    for at in places:
        lines[at[0] + z * at[1] + y * at[2] + x * at[3]] = labels
    pairs, reach, pair_noise = _pairs(labels, targets, level)
    paths, path_reach, path_noise = _paths(labels, targets, level)
    codes, patterns, pattern_weights, geometry = _patterns(labels, targets, level, weights.patterns)
    return Field(
        np.array(shape, np.int64), lines, places, reach, pairs.ravel(), path_reach, paths,
        codes, geometry, patterns, pattern_weights,
        np.array([weights.pairs / pair_noise, weights.paths / path_noise]),
    )  # fmt: skip


def energy(field: Field) -> dict[str, float]:
    """Return the energy by its parts."""
    patterns = (field.pattern_weights.astype(np.float64) * field.patterns.astype(np.float64) ** 2).sum()
    return {
        "pairs": float(field.weights[0] * (field.pairs**2).sum()),
        "paths": float(field.weights[1] * (field.paths.astype(np.float64) ** 2).sum()),
        "patterns": float(patterns),
    }


def labels_of(field: Field) -> np.ndarray:
    """Return the labels, uint8 (z, y, x)."""
    z, y, x = (np.arange(n).reshape(-1, *(1,) * (2 - axis)) for axis, n in enumerate(field.shape))
    at = field.places[2]
    found: np.ndarray = field.lines[at[0] + z * at[1] + y * at[2] + x * at[3]]
    return found


def _gaps(labels: np.ndarray) -> np.ndarray | None:
    """Return labels that are 0 wherever there is material, or None where it is everywhere."""
    outside = labels == OUTSIDE
    return np.where(outside, np.uint8(OUTSIDE), np.uint8(0)) if outside.any() else None


def _known(wanted: np.ndarray, totals: np.ndarray) -> int:
    """Return up to which lag there are targets and something to count."""
    bad = np.flatnonzero(np.isnan(wanted).any(axis=tuple(range(wanted.ndim - 1))) | (totals <= 0))
    return int(bad[0]) if bad.size else len(totals)


def _noise(squares: float, counts: float) -> float:
    """Return the energy of independent voxels, or that of sampling where images are such voxels themselves."""
    return max(squares, counts, 1.0)


def _pairs(labels: np.ndarray, targets: Targets, level: int) -> tuple[np.ndarray, np.ndarray, float]:
    phases, radius = targets.phases, targets.radius
    shares = targets.shares
    independent = np.triu(2 * np.outer(shares, shares) - np.diag(shares**2))
    found = np.zeros((len(DIRECTIONS), phases, phases, radius))
    reach = np.zeros(len(DIRECTIONS), np.int64)
    squares = counts = 0.0
    gaps = _gaps(labels)
    for d, direction in enumerate(DIRECTIONS):
        lags = range(1, radius + 1)
        totals = pair_totals(labels.shape, direction, lags)
        if gaps is not None:
            totals = pair_counts(gaps, direction, lags, 1)[0, 0]
        wanted = targets.pairs[level, d]
        reach[d] = known = _known(wanted, totals)
        expected = np.rint(wanted[..., :known] * totals[:known])
        found[d, ..., :known] = pair_counts(labels, direction, lags[:known], phases) - expected
        squares += float(((independent[..., None] * totals[:known] - expected) ** 2).sum())
        counts += float(totals[:known].sum())
    return found, reach, _noise(squares, counts)


def _paths(labels: np.ndarray, targets: Targets, level: int) -> tuple[np.ndarray, np.ndarray, float]:
    phases, radius = targets.phases, targets.radius
    independent = targets.shares[:, None] ** np.arange(1, radius + 1)
    found = np.zeros((3, phases, radius), np.int64)
    reach = np.zeros(3, np.int64)
    squares = counts = 0.0
    gaps = _gaps(labels)
    for axis in range(3):
        totals = path_totals(labels.shape, axis, 1, radius)
        if gaps is not None:
            totals = path_counts(gaps, axis, 1, radius, 1)[0]
        wanted = targets.paths[level, axis]
        reach[axis] = known = _known(wanted, totals)
        expected = np.rint(wanted[:, :known] * totals[:known])
        found[axis, :, :known] = path_counts(labels, axis, 1, known, phases) - expected
        squares += float(((independent[:, :known] * totals[:known] - expected) ** 2).sum())
        counts += float(totals[:known].sum())
    return found, reach, _noise(squares, counts)


def _powers(stencil: Stencil) -> np.ndarray:
    found: np.ndarray = stencil.phases ** np.arange(len(stencil.offsets) - 1, -1, -1, dtype=np.int64)
    return found


def _patterns(
    labels: np.ndarray, targets: Targets, level: int, weight: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, differences, weights and geometry of the tables that are known."""
    stencil = stencil_of(targets.phases)
    independent = np.ones(1)
    for _ in stencil.offsets:
        independent = np.outer(independent, targets.shares).ravel()
    strides = (labels.shape[1] * labels.shape[2], labels.shape[2], 1)
    codes = np.empty((3 * len(targets.spacings), labels.size), np.uint16)
    differences: list[np.ndarray] = []
    scales: list[np.ndarray] = []
    geometry: list[tuple[int, ...]] = []
    powers = _powers(stencil)
    squares = counted = 0.0
    for (k, spacing), normal in itertools.product(enumerate(targets.spacings), range(3)):
        wanted = targets.patterns[level, normal, k].astype(np.float64)
        code = pattern_codes(labels, normal, stencil, spacing)
        present = code[code != NO_PATTERN]
        if weight <= 0 or np.isnan(wanted).any():
            continue
        expected = wanted * present.size
        scale = 1 / np.maximum(expected, max(1.0, RARE * present.size))
        codes[len(scales)] = code.ravel()
        differences.append(UNIT * np.bincount(present, minlength=stencil.bins) - np.rint(UNIT * expected))
        u, v = PLANES[normal]
        geometry += [
            (len(scales), normal, power, spacing * r, spacing * c, spacing * (r * strides[u] + c * strides[v]))
            for power, (r, c) in zip(powers, stencil.offsets, strict=True)
        ]
        scales.append(scale)
        squares += float((scale * (independent * present.size - expected) ** 2).sum())
        counted += float(stencil.bins)
    tables = len(scales)
    return (
        codes[:tables],
        np.array(differences, np.int32).reshape(tables, stencil.bins),
        np.array([weight * s / UNIT**2 / _noise(squares, counted) for s in scales], np.float32).reshape(
            tables, stencil.bins
        ),
        np.array(geometry, np.int64).reshape(-1, 6),
    )


def pattern_codes(labels: np.ndarray, normal: int, stencil: Stencil, spacing: int) -> np.ndarray:
    """Return the number of the pattern whose first row and column each voxel is in: uint16 (z, y, x).

    Where a pattern is not whole, or holds what is no material, it is `annealing_energy.NO_PATTERN`.
    """
    u, v = PLANES[normal]
    found = np.full(labels.shape, NO_PATTERN, np.uint16)
    counts = [n - spacing * e for n, e in zip((labels.shape[u], labels.shape[v]), stencil.extent, strict=True)]
    if min(counts) <= 0:
        return found
    code = np.zeros(_sliced(labels, u, v, 0, 0, counts).shape, np.int32)
    known = np.ones(code.shape, bool)
    for r, c in stencil.offsets:
        pixel = _sliced(labels, u, v, r * spacing, c * spacing, counts)
        code = code * stencil.phases + pixel
        known &= pixel < stencil.phases
    _sliced(found, u, v, 0, 0, counts)[...] = np.where(known, code, NO_PATTERN)
    return found


def _sliced(array: np.ndarray, u: int, v: int, row: int, column: int, counts: list[int]) -> np.ndarray:
    where = [slice(None)] * 3
    where[u], where[v] = slice(row, row + counts[0]), slice(column, column + counts[1])
    view: np.ndarray = array[tuple(where)]
    return view
