import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesofuse_statistical.correlation_maps import correlation_map, lengths, pair_maps, phase_pairs
from mesofuse_statistical.pair_targets import (
    correlated,
    image_targets,
    missed_by_scan,
    products,
    scan_shares,
    scan_targets,
    voxel_counts,
)
from mesofuse_statistical.scan_rule import ScanRule
from scipy.ndimage import gaussian_filter

from mesofuse.testing.problems import make_problem

RADIUS = 5


def material(seed, edge, phases=3):
    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.standard_normal((edge,) * 3), s, mode="wrap") for s in (2.0, 1.2)]
    labels = np.where(fields[0] > np.quantile(fields[0], 0.6), 0, np.where(fields[1] > 0, 2, 1))
    return np.minimum(labels, phases - 1).astype(np.uint8)


def indicators(labels, phases):
    return np.stack([labels == p for p in range(phases)])


def planes_of(phases=3):
    volume = material(0, 96, phases)
    maps = [correlation_map(np.moveaxis(volume, axis, 0)[::4], phases, (2 * RADIUS,) * 2) for axis in range(3)]
    return np.stack(maps), volume


def shares_of(planes):
    phases, reach = planes.shape[1], planes.shape[-1] // 2
    return planes[:, range(phases), range(phases), reach, reach].mean(0)


def test_the_images_of_a_volume_give_its_own_maps():
    planes, volume = planes_of()
    target, change = image_targets(planes, shares_of(planes), RADIUS)
    near = lengths(2 * RADIUS) <= RADIUS
    own = pair_maps(indicators(volume, 3), phase_pairs(3), 2 * RADIUS)
    assert np.abs(target - own)[:, near].max() < 4e-3
    assert change.max() < 1e-3
    side = target[:, 0, 2 * RADIUS, 2 * RADIUS]
    assert side == pytest.approx(products(shares_of(planes)).ravel(), abs=2e-3)


def test_targets_follow_the_scan_where_it_tells():
    """Of parts of a large volume, which differ from the whole: nearer to their own maps than those of its images."""
    planes, volume = planes_of()
    shares = shares_of(planes)
    problem = make_problem(2, 3, 3)  # scan phase 0 shows 0, the other one 1 and 2; odd scan voxels have no ties
    target, _ = image_targets(planes, shares, RADIUS)
    missed = missed_by_scan(target, shares, RADIUS, problem, None, False, np.random.default_rng(0))
    near = lengths(2 * RADIUS) <= RADIUS
    cells, errors = (8, 8, 8), []
    for corner in ((0, 0, 0), (0, 48, 48), (48, 0, 48), (48, 48, 0)):
        truth = volume[tuple(slice(a, a + 24) for a in corner)]
        told = ScanRule(np.zeros(cells, np.uint8), problem).shares(truth).argmax(0).reshape(cells)
        expected = scan_shares(told.astype(np.uint8), problem, shares)
        found, fractions = scan_targets(expected, missed)
        own = pair_maps(indicators(truth, 3), phase_pairs(3), 2 * RADIUS)
        errors.append([np.sqrt(((t - own)[0, near] ** 2).mean()) for t in (found, target)])
        assert fractions == pytest.approx(expected.mean((1, 2, 3)))
        assert found[(slice(None), *(2 * RADIUS,) * 3)] == pytest.approx(fractions, abs=1e-6)
    with_scan, without = np.mean(errors, axis=0)
    assert with_scan < 0.5 * without


@pytest.mark.parametrize("phases", [3, 4])
def test_a_scan_that_tells_nothing_leaves_the_images_targets(phases):
    labels = np.random.default_rng(0).integers(0, phases, (1, 64, 64)).astype(np.uint8)
    planes = np.stack([correlation_map(labels, phases, (4, 4))] * 3)
    shares = shares_of(planes)
    target, _ = image_targets(planes, shares, 2)
    expected = np.broadcast_to(shares.astype(np.float32)[:, None, None, None], (phases, 20, 20, 20))
    found, fractions = scan_targets(expected, target - products(shares))
    assert found == pytest.approx(target, abs=1e-6)
    assert fractions == pytest.approx(shares, abs=1e-6)


def test_fields_have_the_covariance_asked_for():
    length = lengths(8)
    wanted = np.stack([np.exp(-((length / 2) ** 2)), 0.25 * np.exp(-((length / 3) ** 2))])
    fields = correlated(wanted, (64, 64, 64), np.random.default_rng(0))
    found = pair_maps(fields, [(0, 0), (1, 1)], 4)
    assert found == pytest.approx(wanted[:, 4:-4, 4:-4, 4:-4], abs=0.03)
    plane = correlated(wanted, (1, 64, 64), np.random.default_rng(0))
    assert plane.shape == (2, 1, 64, 64)
    assert plane[0].std() == pytest.approx(1, abs=0.1)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), st.integers(1, 10_000))
def test_counts_sum_to_all_voxels(parts, voxels):
    shares = np.array(parts) / sum(parts)
    counts = voxel_counts(shares, voxels)
    assert counts.sum() == voxels
    assert np.abs(counts - shares * voxels).max() <= 1
