import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.annealing_energy import OUTSIDE
from mesofuse_statistical.annealing_lattice import lattices
from mesofuse_statistical.annealing_scan import Scan, settle, shown, unconstrained, whole_shares

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import IGNORED, PhaseMatch, default_phases

SHOWS = ((0, 2), (1,))


def problem(scale=(4.0, 4.0, 4.0), shows=SHOWS, phases=3):
    return Problem(scale, default_phases(len(shows)), default_phases(phases), PhaseMatch(shows))


def field(seed, shape, phases=2):
    return np.random.default_rng(seed).integers(0, phases, shape).astype(np.uint8)


def disagreeing(constraint):
    return [cell for cell in range(len(constraint.scan)) if not shown(constraint, cell)]


def recounted(scan, lattice, labels, constraint):
    return np.array_equal(scan.constraint(lattice, labels).counts, constraint.counts)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 99),
    st.tuples(*[st.sampled_from([1.0, 2.0, 2.5, 3.3, 4.0])] * 3),
    st.tuples(*[st.integers(1, 5)] * 3),
)
def test_counts_are_those_of_each_scan_voxels_own_voxels(seed, scale, shape):
    region = Region((3, 1, 2), tuple(a + n for a, n in zip((3, 1, 2), shape, strict=True)))
    scan = Scan(problem(scale), region, field(seed, shape))
    labels = np.random.default_rng(seed).integers(0, 3, scan.shape).astype(np.uint8)
    constraint = scan.constraint(lattices(scan.shape, 1)[0], labels)
    whole = region.scaled(scale)
    for cell, at in enumerate(np.ndindex(shape)):
        start = tuple(a + i for a, i in zip(region.start, at, strict=True))
        own = Region(start, tuple(a + 1 for a in start)).scaled(scale)
        inside = labels[own.within(whole)]
        assert constraint.counts[cell].tolist() == [np.isin(inside, values).sum() for values in SHOWS]


def test_weights_count_on_the_finest_lattice_alone():
    weights = [np.array([1, 3, 3, 1]), np.array([1, 2, 2, 1]), np.array([0, 1, 1, 0])]
    scan = Scan(problem(), Region.whole((8, 8, 8)), field(0, (8, 8, 8)), weights)
    fine, coarse = lattices(scan.shape, 2)[::-1]
    labels = np.random.default_rng(0).integers(0, 3, scan.shape).astype(np.uint8)
    block = labels[4:8, 8:12, 0:4]
    weight = np.einsum("i,j,k->ijk", *weights)
    found = scan.constraint(fine, labels).counts.reshape(8, 8, 8, 2)[1, 2, 0]
    assert found.tolist() == [weight[block != 1].sum(), weight[block == 1].sum()]
    assert scan.constraint(coarse, coarse.of(labels)).counts.sum(1).tolist() == [8] * 512


def test_it_starts_with_the_images_shares_of_what_the_scan_shows():
    scan = Scan(problem(), Region.whole((6, 6, 6)), field(0, (6, 6, 6)))
    lattice = lattices(scan.shape, 1)[0]
    labels = scan.start(lattice, np.array([0.3, 0.5, 0.2]), np.random.default_rng(0))
    seen = scan.seen(lattice)
    assert (labels[seen == 1] == 1).all()
    assert np.mean(labels[seen == 0] == 0) == pytest.approx(0.6, abs=1e-3)
    assert np.mean(labels[seen == 0] == 2) == pytest.approx(0.4, abs=1e-3)


def test_phases_that_no_scan_phase_shows_are_everywhere():
    scan = Scan(problem(shows=((0,), (1,))), Region.whole((6, 6, 6)), field(0, (6, 6, 6)))
    lattice = lattices(scan.shape, 1)[0]
    labels = scan.start(lattice, np.array([0.3, 0.5, 0.2]), np.random.default_rng(0))
    for low in (0, 1):
        inside = labels[scan.seen(lattice) == low]
        assert np.mean(inside == 2) == pytest.approx(0.2, abs=1e-3)
        assert np.mean(inside == low) == pytest.approx(0.8, abs=1e-3)


def test_ignored_voxels_hold_nothing_and_ask_for_nothing():
    scanned = field(0, (4, 4, 4))
    scanned[1, 2, 3] = IGNORED
    scan = Scan(problem(), Region.whole((4, 4, 4)), scanned)
    lattice = lattices(scan.shape, 1)[0]
    labels = scan.start(lattice, np.array([0.3, 0.5, 0.2]), np.random.default_rng(0))
    assert (labels[4:8, 8:12, 12:] == OUTSIDE).all()
    assert (labels == OUTSIDE).sum() == 64
    constraint = scan.constraint(lattice, labels)
    assert constraint.scan.reshape(4, 4, 4)[1, 2, 3] == -1
    settle(labels, constraint, np.array([0.3, 0.5, 0.2]), np.random.default_rng(0))
    assert (labels == OUTSIDE).sum() == 64


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99), st.sampled_from([(4.0, 4.0, 4.0), (2.5, 3.0, 1.6)]))
def test_settled_labels_show_the_scan(seed, scale):
    scan = Scan(problem(scale), Region.whole((5, 4, 6)), field(seed, (5, 4, 6)))
    lattice = lattices(scan.shape, 1)[0]
    labels = np.random.default_rng(seed).integers(0, 3, scan.shape).astype(np.uint8)
    constraint = scan.constraint(lattice, labels)
    assert disagreeing(constraint)
    settle(labels, constraint, np.array([0.3, 0.5, 0.2]), np.random.default_rng(0))
    assert not disagreeing(constraint)
    assert recounted(scan, lattice, labels, constraint)


def test_settled_labels_have_the_shares_as_far_as_the_scan_lets_them():
    scan = Scan(problem(), Region.whole((6, 6, 6)), (np.indices((6, 6, 6)).sum(0) % 6 < 2).astype(np.uint8))
    lattice = lattices(scan.shape, 1)[0]
    for share, met in ((0.4, True), (0.25, True), (0.99, False)):
        shares = np.array([0.7 * (1 - share), share, 0.3 * (1 - share)])
        labels = scan.start(lattice, shares, np.random.default_rng(0))
        assert np.mean(labels == 1) == pytest.approx(1 / 3, abs=0.01)
        constraint = scan.constraint(lattice, labels)
        settle(labels, constraint, shares, np.random.default_rng(0))
        found = np.bincount(labels.ravel(), minlength=3) / labels.size
        assert not disagreeing(constraint)
        assert recounted(scan, lattice, labels, constraint)
        if met:
            assert found == pytest.approx(shares, abs=1e-4)
        else:
            assert found[1] == pytest.approx(1 - 1 / 3, abs=0.01)  # half of each voxel that shows the others


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5).filter(lambda s: sum(s) > 0.01), st.integers(0, 999))
@settings(max_examples=100, deadline=None)
def test_whole_shares_sum_to_the_total_and_are_off_by_less_than_one(shares, total):
    shares = np.array(shares)
    found = whole_shares(shares, total)
    assert found.sum() == total
    assert np.abs(found - shares / shares.sum() * total).max() < 1 + 1e-9


def test_without_a_scan_everything_passes():
    constraint = unconstrained((3, 4, 5), 3)
    assert shown(constraint, 0)
    assert len(constraint.cells) == 12
