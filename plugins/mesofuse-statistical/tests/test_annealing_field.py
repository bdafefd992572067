import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.annealing_energy import NO_PATTERN, OUTSIDE
from mesofuse_statistical.annealing_field import Weights, build, energy, labels_of, pattern_codes
from mesofuse_statistical.annealing_targets import (
    DIRECTIONS,
    Targets,
    pair_counts,
    pair_totals,
    path_counts,
    path_totals,
    stencil_of,
)

from mesofuse.volumes.patterns import pattern_counts, shares

SPACINGS = (1, 2)


def random(seed, shape, phases):
    return np.random.default_rng(seed).integers(0, phases, shape).astype(np.uint8)


def own_targets(labels, phases, radius):
    """What a volume itself has; NaN where it is too small."""
    pairs = np.full((1, len(DIRECTIONS), phases, phases, radius), np.nan)
    lags = range(1, radius + 1)
    with np.errstate(invalid="ignore"):
        for d, direction in enumerate(DIRECTIONS):
            pairs[0, d] = pair_counts(labels, direction, lags, phases) / pair_totals(labels.shape, direction, lags)
        paths = [path_counts(labels, a, 1, radius, phases) / path_totals(labels.shape, a, 1, radius) for a in range(3)]
    planes = [np.moveaxis(labels, axis, 0) for axis in range(3)]
    patterns = [[shares(pattern_counts(p, stencil_of(phases), s)) for s in SPACINGS] for p in planes]
    content = np.bincount(labels.ravel(), minlength=phases) / labels.size
    return Targets(content, pairs, np.array([paths]), np.array([patterns]), SPACINGS)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.integers(2, 4), st.tuples(*[st.integers(5, 12)] * 3))
def test_a_volume_that_has_what_is_wanted_has_no_energy(seed, phases, shape):
    labels = random(seed, shape, phases)
    field = build(labels, own_targets(labels, phases, 6), 0, Weights())
    assert energy(field) == pytest.approx({"pairs": 0, "paths": 0, "patterns": 0}, abs=1e-12)
    assert np.array_equal(labels_of(field), labels)


def test_independent_voxels_have_an_energy_of_the_weights():
    smooth = np.repeat(np.repeat(random(0, (12, 12, 12), 2), 3, 1), 3, 2)
    targets = own_targets(smooth, 2, 8)
    order = np.random.default_rng(0).permutation(smooth.size)
    parts = energy(build(smooth.ravel()[order].reshape(smooth.shape), targets, 0, Weights(2, 1, 0.5)))
    assert list(parts.values()) == pytest.approx([2, 1, 0.5], rel=0.1)


def test_a_part_without_weight_is_not_counted():
    labels = random(0, (9, 9, 9), 2)
    field = build(labels, own_targets(random(1, (9, 9, 9), 2), 2, 4), 0, Weights(0, 1, 0))
    assert energy(field)["pairs"] == 0
    assert len(field.geometry) == 0
    assert energy(field)["paths"] > 0


def test_what_is_no_material_is_in_no_count():
    labels = random(0, (10, 10, 10), 2)
    labels[3:5, 2:7, 4:6] = OUTSIDE
    field = build(labels, own_targets(random(1, (10, 10, 10), 2), 2, 5), 0, Weights())
    assert np.array_equal(labels_of(field), labels)
    pairs = field.pairs.reshape(len(DIRECTIONS), 2, 2, 5)
    material = np.where(labels == OUTSIDE, 255, 0).astype(np.uint8)
    for d, direction in enumerate(DIRECTIONS):
        counted = pair_counts(labels, direction, range(1, 6), 2)
        wanted = counted - pairs[d]
        totals = pair_counts(material, direction, range(1, 6), 1)[0, 0]
        assert wanted.sum((0, 1)) == pytest.approx(totals, abs=2)  # of each kind rounded
    codes = field.codes[0].reshape(labels.shape)
    assert (codes == NO_PATTERN).sum() == labels.size - field_patterns(labels)


def field_patterns(labels):
    return int(pattern_counts(labels, stencil_of(2), 1).sum())


@pytest.mark.parametrize("normal", [0, 1, 2])
@pytest.mark.parametrize("phases", [2, 3, 4])
def test_codes_are_the_numbers_of_the_histogram(normal, phases):
    labels = random(0, (9, 10, 11), phases)
    labels[4, 4, 4] = OUTSIDE
    codes = pattern_codes(labels, normal, stencil_of(phases), 2)
    found = np.bincount(codes[codes != NO_PATTERN], minlength=stencil_of(phases).bins)
    assert np.array_equal(found, pattern_counts(np.moveaxis(labels, normal, 0), stencil_of(phases), 2))


def test_lags_beyond_the_volume_do_not_count():
    labels = random(0, (4, 9, 9), 2)
    field = build(labels, own_targets(random(1, (9, 9, 9), 2), 2, 6), 0, Weights())
    assert field.reach.tolist() == [3, 6, 6, 6, 6, 3, 3, 3, 3]
    assert field.path_reach.tolist() == [4, 6, 6]
