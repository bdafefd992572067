import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.annealing_targets import (
    DIRECTIONS,
    Targets,
    measure,
    pair_counts,
    pair_totals,
    path_counts,
    path_totals,
    stencil_of,
)

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.patterns import pattern_counts
from mesofuse.volumes.phases import PhaseMatch, default_phases


def stack(array, phases=2, masked=False):
    return LabelArray(array, Grid(array.shape), default_phases(phases), masked)


def inputs(*images, phases=2, scan=(4, 4, 4)):
    low = default_phases(1)
    problem = Problem((4.0, 4.0, 4.0), low, default_phases(phases), PhaseMatch((tuple(range(phases)),)))
    given = images if len(images) == 3 else images * 3
    return FusionInputs(LabelArray(np.zeros(scan, np.uint8), Grid(scan), low), given, problem)


def random(seed, shape, phases):
    return np.random.default_rng(seed).integers(0, phases, shape).astype(np.uint8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.sampled_from(DIRECTIONS), st.integers(1, 6), st.integers(2, 3))
def test_pairs_are_those_that_a_loop_finds(seed, direction, lag, phases):
    array = random(seed, (3, 5, 4), phases)
    array[1, 2, 3] = 255
    expected = np.zeros((phases, phases), int)
    for at in np.ndindex(array.shape):
        end = tuple(a + lag * d for a, d in zip(at, direction, strict=True))
        if all(0 <= e < n for e, n in zip(end, array.shape, strict=True)) and 255 not in (array[at], array[end]):
            i, j = sorted((int(array[at]), int(array[end])))
            expected[i, j] += 1
    assert np.array_equal(pair_counts(array, direction, [lag], phases)[..., 0], expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.integers(0, 2), st.integers(1, 2))
def test_paths_are_those_that_a_loop_finds(seed, axis, step):
    array = random(seed, (4, 5, 6), 2)
    lines = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1).T
    for length in range(1, 5):
        expected = [0, 0]
        for line in lines:
            for start in range(len(line) - step * (length - 1)):
                segment = set(line[start : start + step * (length - 1) + 1 : step].tolist())
                if len(segment) == 1:
                    expected[segment.pop()] += 1
        assert path_counts(array, axis, step, 4, 2)[:, length - 1].tolist() == expected


def test_totals_are_the_counts_of_a_single_phase():
    array = np.zeros((3, 5, 4), np.uint8)
    for direction in DIRECTIONS:
        lags = range(1, 7)
        assert np.array_equal(pair_totals(array.shape, direction, lags), pair_counts(array, direction, lags, 1)[0, 0])
    for axis, step in itertools.product(range(3), (1, 2)):
        assert np.array_equal(path_totals(array.shape, axis, step, 6), path_counts(array, axis, step, 6, 1)[0])


def test_each_axis_has_the_statistics_of_the_images_that_show_it():
    """Of planes normal to z rows run along y, of the others along z; columns of planes normal to x along y."""
    images = [stack(random(seed, (2, 20 + seed, 22), 3), 3) for seed in range(3)]
    found = measure(inputs(*images, phases=3), 6, (1, 2), 2)
    ways = {
        0: [(1, (0, 1, 0)), (2, (0, 1, 0))],
        1: [(0, (0, 1, 0)), (2, (0, 0, 1))],
        2: [(0, (0, 0, 1)), (1, (0, 0, 1))],
    }
    for axis, shown in ways.items():
        for level, lag in ((0, 3), (1, 2)):
            step = 2**level
            counts = sum(pair_counts(images[n].array, d, [lag * step], 3)[..., 0] for n, d in shown)
            assert found.pairs[level, axis, ..., lag - 1] == pytest.approx(counts / counts.sum())
        counts = sum(path_counts(images[n].array, d.index(1), 1, 3, 3)[:, 2] for n, d in shown)
        totals = sum(path_totals(images[n].array.shape, d.index(1), 1, 3)[2] for n, d in shown)
        assert found.paths[0, axis, :, 2] == pytest.approx(counts / totals)
        counts = pattern_counts(images[axis].array, stencil_of(3), 2)
        assert found.patterns[0, axis, 1] == pytest.approx(counts / counts.sum(), abs=1e-6)
        assert np.array_equal(found.patterns[0, axis, 1], found.patterns[1, axis, 0])
    falling = pair_counts(images[1].array, (0, 1, -1), [2], 3)[..., 0]
    assert found.pairs[0, 6, ..., 1] == pytest.approx(falling / falling.sum())


def test_one_image_for_all_directions_makes_them_alike():
    found = measure(inputs(stack(np.tile(np.array([0, 0, 1], np.uint8), (1, 24, 8)))), 6, (1,), 1)
    assert np.array_equal(found.pairs[0, 0], found.pairs[0, 2])
    assert np.array_equal(found.pairs[0, 3], found.pairs[0, 8])
    assert found.shares == pytest.approx([2 / 3, 1 / 3])
    assert found.pairs[0, 0, 1, 1, 2] == pytest.approx(1 / 3)  # at a period along the columns, and along the rows
    assert found.pairs[0, 0, 1, 1, 0] == pytest.approx((0 + 1 / 3) / 2, abs=0.02)
    assert found.patterns[0, 0, 0].sum() == pytest.approx(1)


def test_what_images_are_too_small_for_is_left_out():
    found = measure(inputs(stack(random(0, (1, 24, 24), 2))), 16, (1, 8), 2)
    assert not np.isnan(found.pairs[0]).any()
    assert not np.isnan(found.pairs[1, ..., :6]).any()
    assert np.isnan(found.pairs[1, ..., 6:]).all()
    assert np.isnan(found.patterns[0, :, 1]).all()


def test_a_planar_scan_knows_its_own_planes_alone():
    found = measure(inputs(stack(random(0, (1, 24, 24), 2)), scan=(1, 6, 6)), 8, (1,), 1)
    assert np.isnan(found.pairs[0, [0, 5, 6, 7, 8]]).all()
    assert not np.isnan(found.pairs[0, [1, 2, 3, 4]]).any()
    assert np.isnan(found.paths[0, 0]).all()
    assert np.isnan(found.patterns[0, 1:]).all()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (stack(random(0, (1, 64, 8), 2)), "64 × 8 pixels is too small .* radius of 8, which needs 9"),
        (stack(np.zeros((1, 32, 32), np.uint8)), "each with some pixels .* 100 %, 0 %"),
        (stack(random(0, (1, 32, 32), 2), masked=True), "ignored pixels: crop"),
    ],
)
def test_images_that_cannot_be_measured_are_refused(image, words):
    with pytest.raises(UserError, match=words):
        measure(inputs(image), 8, (1,), 1)


def test_targets_come_back_from_their_arrays():
    found = measure(inputs(stack(random(0, (2, 32, 32), 3), 3), phases=3), 8, (1, 2), 2)
    again = Targets.from_state(found.state(), 3)
    assert all(np.array_equal(a, again.state()[k], equal_nan=True) for k, a in found.state().items())
    assert again.spacings == (1, 2)
    wrong = [
        {},
        found.state() | {"shares": found.shares[:2]},
        found.state() | {"spacings": np.array([1])},
        found.state() | {"pairs": found.pairs[..., 0]},
        found.state() | {"shares": np.array([1.0, 0.0, 0.0])},
        found.state() | {"paths": np.full(found.paths.shape, np.inf)},
    ]
    for state in wrong:
        with pytest.raises(UserError, match="not those of the method 'annealing'"):
            Targets.from_state(state, 3)
    with pytest.raises(UserError, match="not those"):
        Targets.from_state(found.state(), 2)


def test_arrays_hold_no_nan_and_give_back_what_no_image_shows():
    """Of a small image the widest pairs are not trusted; a package refuses NaN."""
    image = blobs((1, 40, 40), 2)
    inputs = FusionInputs(blobs((8, 8, 8), 2), (image,) * 3, make_problem(2, 2, 4))
    targets = measure(inputs, 32, (1, 2, 4), 3)
    assert np.isnan(targets.pairs).any()
    state = targets.state()
    assert not any(np.isnan(array).any() for array in state.values() if array.dtype.kind == "f")
    again = Targets.from_state(state, 2)
    for name in ("shares", "pairs", "paths", "patterns"):
        assert np.array_equal(getattr(again, name), getattr(targets, name), equal_nan=True)
