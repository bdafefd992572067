import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.annealing_energy import (
    HOME,
    OUTSIDE,
    layout,
    pairs_apply,
    pairs_cost,
    paths_apply,
    paths_cost,
    patterns_cost,
    patterns_of,
    patterns_undo,
    patterns_write,
)
from mesofuse_statistical.annealing_field import Weights, build, energy, labels_of
from mesofuse_statistical.annealing_targets import DIRECTIONS, Targets, stencil_of

RADIUS = 5


def made_up(seed, phases):
    """Targets of no volume, but in the right form."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(phases, 5.0))
    pairs = rng.random((1, len(DIRECTIONS), phases, phases, RADIUS))
    paths = rng.random((1, 3, phases, RADIUS))
    patterns = rng.random((1, 3, 2, stencil_of(phases).bins))
    return Targets(shares, pairs / phases**2, paths / phases, patterns / patterns.sum(-1, keepdims=True), (1, 2))


def places_of(field, at):
    return np.array([[to[0] + p @ to[1:] for to in field.places] for p in at], np.int64)


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[st.integers(1, 6)] * 3), st.integers(1, 7))
def test_voxels_that_follow_each_other_are_neighbours_in_memory(shape, radius):
    places, size = layout(shape, radius)
    labels = np.arange(np.prod(shape)).reshape(shape) % 200
    lines = np.full(size, OUTSIDE)
    at = np.indices(shape).reshape(3, -1).T
    where = np.array([to[0] + at @ to[1:] for to in places])
    assert len(np.unique(where)) == where.size
    lines[where] = labels.ravel()
    inside = np.pad(labels, radius, constant_values=OUTSIDE)
    for d, direction in enumerate(DIRECTIONS):
        for lag in (*range(-radius, 0), *range(1, radius + 1)):
            other = at + radius + lag * np.array(direction)
            assert np.array_equal(lines[where[d] + lag], inside[tuple(other.T)])
    for axis in range(3):
        for way in (-1, 1):
            other = at + radius + way * np.eye(3, dtype=int)[axis]
            assert np.array_equal(lines[where[HOME] + way * places[HOME, 1 + axis]], inside[tuple(other.T)])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4), st.booleans())
def test_costs_of_a_swap_are_the_differences_of_the_energy(seed, phases, near):
    """Of any two voxels of unlike phases, also within one line, pattern or segment."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(3, 9, 3))
    labels = rng.integers(0, phases, shape).astype(np.uint8)
    labels[rng.random(shape) < 0.05] = OUTSIDE
    labels[0, 0, :2] = (0, 1)
    at = np.zeros((2, 3), np.int64)
    while labels[tuple(at[0])] == labels[tuple(at[1])] or OUTSIDE in (labels[tuple(at[0])], labels[tuple(at[1])]):
        at[0] = rng.integers(0, shape)
        at[1] = np.clip(at[0] + rng.integers(-2, 3, 3), 0, np.array(shape) - 1) if near else rng.integers(0, shape)
    a, b = (int(labels[tuple(p)]) for p in at)
    field = build(labels, made_up(seed, phases), 0, Weights())
    before, places = energy(field), places_of(field, at)
    change = np.zeros(len(DIRECTIONS) * phases * RADIUS, np.int8)
    segments = np.zeros((3, 2, RADIUS), np.int64)
    costs = [
        field.weights[0] * pairs_cost(field.lines, field.reach, field.pairs, places, a, b, phases, RADIUS, change),
        field.weights[1] * paths_cost(field.lines, field.path_reach, field.paths, places, a, b, segments),
    ]
    assert np.array_equal(labels_of(field), labels)
    pairs_apply(field.reach, field.pairs, a, b, phases, RADIUS, change)
    paths_apply(field.path_reach, field.paths, a, b, segments)
    listed = np.zeros((2 * len(field.geometry), 4), np.int64)
    p, q = (int(np.ravel_multi_index(tuple(x), shape)) for x in at)
    half = patterns_of(field.codes, field.geometry, p, at, 0, listed, 0)
    patterns_write(field.codes, listed, 0, half, b - a)
    whole = patterns_of(field.codes, field.geometry, q, at, 1, listed, half)
    patterns_write(field.codes, listed, half, whole, a - b)
    kept = field.patterns.copy()
    costs.append(
        patterns_cost(field.patterns, field.pattern_weights, listed, 0, half, b - a)
        + patterns_cost(field.patterns, field.pattern_weights, listed, half, whole, a - b)
    )
    swapped = labels.copy()
    swapped[tuple(at[0])], swapped[tuple(at[1])] = b, a
    again = build(swapped, made_up(seed, phases), 0, Weights())
    for name in ("pairs", "paths", "patterns", "codes"):
        assert np.array_equal(getattr(field, name), getattr(again, name)), name
    after = energy(again)
    assert costs == pytest.approx([after[name] - before[name] for name in after], rel=1e-5, abs=1e-12)
    patterns_undo(field.patterns, listed, half, whole, a - b)
    patterns_undo(field.patterns, listed, 0, half, b - a)
    assert np.array_equal(field.patterns, kept)
