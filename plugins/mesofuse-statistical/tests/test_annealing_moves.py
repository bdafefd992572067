import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.annealing_energy import OUTSIDE
from mesofuse_statistical.annealing_field import Weights, build, energy, labels_of
from mesofuse_statistical.annealing_lattice import lattices
from mesofuse_statistical.annealing_moves import BEST, LEARNING, _learn, anneal, draw
from mesofuse_statistical.annealing_scan import Scan, settle, shown, unconstrained
from mesofuse_statistical.annealing_targets import measure

from mesofuse.interfaces.method import FusionInputs
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Region


def targets(phases, radius=6, spacings=(1, 2)):
    image = blobs((6, 48, 48), phases, seed=5)
    given = FusionInputs(blobs((4, 4, 4), 2), (image,) * 3, make_problem(2, phases, 4))
    return measure(given, radius, spacings, 1)


def noise(seed, shape, phases, gaps=0.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, phases, shape).astype(np.uint8)
    labels[rng.random(shape) < gaps] = OUTSIDE
    return labels


def annealed(labels, phases, moves, temperature, *, constraint=None, bounds=None, weights=None, seed=1):
    field = build(labels, targets(phases), 0, weights or Weights())
    state = np.array([seed], np.uint64)
    bounds = np.array([(0, 0, 0), labels.shape] if bounds is None else bounds)
    told = anneal(field, constraint or unconstrained(labels.shape, phases), bounds, state, moves, temperature)
    return field, told


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 99),
    st.integers(2, 4),
    st.tuples(*[st.integers(1, 30)] * 3).filter(lambda s: np.prod(s) > 20),
    st.sampled_from([0.0, 1e-5, 1e9]),
    st.sampled_from([0.0, 0.1]),
)
def test_counts_are_those_that_a_count_of_the_result_finds(seed, phases, shape, temperature, gaps):
    labels = noise(seed, shape, phases, gaps)
    field, told = annealed(labels, phases, 3 * LEARNING, temperature, seed=seed)
    again = build(labels_of(field), targets(phases), 0, Weights())
    for name in field._fields:
        assert np.array_equal(getattr(field, name), getattr(again, name)), name
    assert np.array_equal(np.bincount(labels.ravel()), np.bincount(labels_of(field).ravel()))
    assert np.array_equal(labels_of(field) == OUTSIDE, labels == OUTSIDE)
    assert told[1] > 0 or (labels != labels_of(field)).sum() == 0


def test_energy_falls_at_temperature_zero_with_every_swap():
    labels = noise(0, (20, 20, 20), 3)
    field = build(labels, targets(3), 0, Weights())
    state, free, bounds = np.array([1], np.uint64), unconstrained(labels.shape, 3), np.array([(0, 0, 0), labels.shape])
    last = sum(energy(field).values())
    for _ in range(30):
        _, accepted, *_ = anneal(field, free, bounds, state, 20, 0.0)
        now = sum(energy(field).values())
        assert now < last if accepted else now == last
        last = now


def test_most_of_the_energy_goes():
    labels = noise(0, (32, 32, 32), 2)
    labels[...] = (
        np.random.default_rng(0).permuted(np.repeat(np.arange(2, dtype=np.uint8), [16384, 16384])).reshape(labels.shape)
    )
    field, _ = annealed(labels, 2, 10 * labels.size, 0.0)
    assert max(energy(field).values()) < 2e-3


def test_parts_without_weight_are_left_out():
    for weights in (Weights(1, 0, 0), Weights(0, 1, 0), Weights(0, 0, 1)):
        labels = noise(0, (16, 16, 16), 2)
        before = energy(build(labels, targets(2), 0, weights))
        field, _ = annealed(labels, 2, 2 * labels.size, 0.0, weights=weights)
        again = energy(build(labels_of(field), targets(2), 0, weights))
        assert energy(field) == pytest.approx(again)
        assert sum(again.values()) < 0.2 * sum(before.values())


def test_moves_go_on_where_good_ones_are_rare():
    """Of pairs alone nothing is known before all is: that good swaps are fewer than one in a thousand stops nothing."""
    labels = noise(0, (24, 24, 24), 2)
    field = build(labels, targets(2), 0, Weights(1, 0, 0))
    state, free, bounds = np.array([1], np.uint64), unconstrained(labels.shape, 2), np.array([(0, 0, 0), labels.shape])
    anneal(field, free, bounds, state, 20 * labels.size, 0.0)
    while anneal(field, free, bounds, state, LEARNING, 0.0)[1] > 1:
        pass
    before = energy(field)["pairs"]
    assert anneal(field, free, bounds, state, 100 * LEARNING, 0.0)[1] > 5
    assert energy(field)["pairs"] < before


def test_the_best_moves_pass_every_test_and_useless_tests_are_left_out():
    rng = np.random.default_rng(0)
    costs = rng.normal(3, 1, LEARNING)
    known = np.stack([np.zeros(LEARNING), costs + rng.normal(0, 0.1, LEARNING), rng.normal(0, 1, LEARNING) - costs])
    limits = np.zeros(3)
    _learn(known, costs, limits)
    assert limits[0] == limits[2] == np.inf
    best = np.argsort(costs)[:BEST]
    assert (known[1, best] <= limits[1]).all()
    assert np.mean(known[1] <= limits[1]) < 0.1
    assert limits[1] >= np.max(known[1] - costs)


def test_nothing_changes_beyond_the_bounds_or_below_temperature_zero():
    labels = noise(0, (20, 21, 22), 3)
    inner = np.zeros(labels.shape, bool)
    inner[4:12, 0:9, 10:20] = True
    field, told = annealed(labels, 3, 5000, 1e9, bounds=[(4, 0, 10), (12, 9, 20)])
    assert told[1] > 1000
    assert np.array_equal(labels_of(field)[~inner], labels[~inner])
    field, told = annealed(labels, 3, 5000, -1.0)
    assert told[0] > 4000
    assert told[1] == 0
    assert np.array_equal(labels_of(field), labels)


def test_the_mean_cost_of_swaps_to_the_worse_is_told():
    """Of all of them: at random voxels about as many swaps lead up as down."""
    labels = noise(3, (16, 16, 16), 2)
    _, (weighed, _, uphill, climb) = annealed(labels, 2, 4000, -1.0)
    assert 0.2 * weighed < uphill < weighed
    assert 0 < climb < 0.1


@pytest.mark.parametrize("weights", [None, [np.array([1, 3, 3, 1])] * 3])
def test_what_the_scan_shows_is_kept(weights):
    problem = make_problem(2, 3, 4)
    scan = Scan(problem, Region.whole((6, 5, 4)), blobs((6, 5, 4), 2, seed=2).array, weights)
    lattice = lattices(scan.shape, 1)[0]
    labels = scan.start(lattice, np.array([0.4, 0.4, 0.2]), np.random.default_rng(0))
    constraint = scan.constraint(lattice, labels)
    settle(labels, constraint, np.array([0.4, 0.4, 0.2]), np.random.default_rng(0))
    field, told = annealed(labels, 3, 20_000, 1e9, constraint=constraint)
    assert told[1] > 5000
    found = labels_of(field)
    assert np.mean((found == 0) != (labels == 0)) > 0.02  # across what the scan tells apart
    assert np.array_equal(scan.constraint(lattice, found).counts, constraint.counts)
    assert all(shown(constraint, cell) for cell in range(len(constraint.scan)))


@pytest.mark.parametrize("labels", [np.zeros((9, 9, 9), np.uint8), np.full((9, 9, 9), OUTSIDE, np.uint8)])
def test_a_volume_of_one_phase_stays(labels):
    field, told = annealed(labels, 2, 10**6, 1.0)
    assert told[:2] == (0, 0)
    assert np.array_equal(labels_of(field), labels)


def test_the_same_seed_gives_the_same_volume():
    labels = noise(0, (16, 16, 16), 3)
    first, again, other = (labels_of(annealed(labels, 3, 5000, 1e-4, seed=seed)[0]) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_draws_are_even_and_below_their_bound():
    state = np.array([7], np.uint64)
    drawn = [draw(state, 5) for _ in range(20_000)]
    counts = np.bincount(drawn, minlength=5)
    assert len(counts) == 5
    assert np.abs(counts - 4000).max() < 4 * np.sqrt(4000 * 0.8)
