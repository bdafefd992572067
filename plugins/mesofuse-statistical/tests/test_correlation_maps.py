import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.correlation_maps import (
    assembled,
    correlation_map,
    faded,
    lengths,
    pair_counts,
    pair_maps,
    phase_pairs,
    possible,
    ranges,
    with_shares,
)


def by_hand(stack, phases, reach):
    """The map by looking at every pair."""
    found = np.zeros((phases, phases, *(2 * k + 1 for k in reach)))
    for at in np.ndindex(found.shape[2:]):
        h = [a - k for a, k in zip(at, reach, strict=True)]
        first = (slice(None), *(slice(max(0, -d), n - max(0, d)) for d, n in zip(h, stack.shape[1:], strict=True)))
        second = (slice(None), *(slice(max(0, d), n - max(0, -d)) for d, n in zip(h, stack.shape[1:], strict=True)))
        for p in range(phases):
            for q in range(phases):
                found[(p, q, *at)] = np.mean((stack[first] == p) & (stack[second] == q))
    return found


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.integers(2, 3), st.sampled_from([(2, 5, 7), (1, 6, 4), (1, 4, 3, 5)]))
def test_a_map_counts_every_pair_once(seed, phases, shape):
    stack = np.random.default_rng(seed).integers(0, phases, shape).astype(np.uint8)
    reach = [min(3, n - 1) for n in shape[1:]]
    assert correlation_map(stack, phases, reach) == pytest.approx(by_hand(stack, phases, reach), abs=1e-12)


def test_pair_maps_of_indicators_are_the_even_part_of_the_map():
    labels = np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.uint8)
    whole = correlation_map(labels[None], 4, (3, 3, 3))
    whole = (whole + whole.swapaxes(0, 1)) / 2
    pairs = phase_pairs(4)
    assert len(pairs) == 10
    own = pair_maps(np.stack([labels == p for p in range(4)]), pairs, 3)
    assert own == pytest.approx(np.stack([whole[p, q] for p, q in pairs]), abs=1e-12)


def test_of_three_phases_the_cross_correlations_follow():
    labels = np.random.default_rng(0).integers(0, 3, (1, 40, 40)).astype(np.uint8)
    whole = correlation_map(np.concatenate([labels, np.zeros_like(labels)]), 3, (2, 2))
    joint = with_shares(whole, np.array([0.2, 0.3, 0.5]))
    follows = (joint[2, 2] - joint[0, 0] - joint[1, 1] + 0.2 + 0.3 - 0.5) / 2
    assert phase_pairs(3) == [(0, 0), (1, 1), (2, 2)]
    assert joint[0, 1] == pytest.approx(follows, abs=1e-6)


def test_displacements_that_a_box_does_not_have_are_zero():
    own = pair_maps(np.ones((1, 1, 3, 8)), [(0, 0)], 4)
    assert own[0, 4, 4].tolist() == pytest.approx([1] * 9)
    assert own[0, 4, :, 4].tolist() == pytest.approx([0, 0, 1, 1, 1, 1, 1, 0, 0])
    assert not own[0, [0, 1, 2, 3, 5, 6, 7, 8]].any()
    assert pair_counts((3, 8), (1, 2)).tolist() == [[12, 14, 16, 14, 12], [18, 21, 24, 21, 18], [12, 14, 16, 14, 12]]


def exponential(share, scales, reach):
    """The map of two phases whose covariance falls with the distance, in units of each axis' own."""
    at = np.arange(-reach, reach + 1.0)
    axes = np.meshgrid(*[at] * len(scales), indexing="ij")
    distance = np.sqrt(sum((a / s) ** 2 for a, s in zip(axes, scales, strict=True)))
    one = share**2 + share * (1 - share) * np.exp(-distance)
    return np.array([[1 - 2 * share + one, share - one], [share - one, one]])


def test_an_isotropic_map_is_found_again_from_its_planes():
    plane = exponential(0.3, (4.0, 4.0), 10)
    volume = exponential(0.3, (4.0, 4.0, 4.0), 10)
    near = lengths(10) <= 10
    found = assembled(np.stack([plane] * 3))
    assert np.abs(found - volume)[:, :, near].max() < 5e-4


def test_so_is_an_ellipsoidal_one():
    scales = (2.0, 3.0, 5.0)
    planes = np.stack([exponential(0.3, tuple(s for b, s in enumerate(scales) if b != a), 16) for a in range(3)])
    found = assembled(planes)
    measured = np.array(ranges(planes))
    assert measured / measured.sum() == pytest.approx(np.array(scales) / 10, rel=0.05)  # cut at 16, on a grid
    near = lengths(16) <= 10
    assert np.abs(found - exponential(0.3, scales, 16))[:, :, near].max() < 3e-3


def test_planes_stand_unchanged_in_the_volume():
    """Of three images of one material that differs along its axes; on an axis the planes agree."""
    scales = (2.0, 4.0, 7.0)
    planes = np.stack([exponential(0.4, tuple(s for b, s in enumerate(scales) if b != a), 8) for a in range(3)])
    found = assembled(planes)
    for normal in range(3):
        assert np.moveaxis(found, normal + 2, 2)[:, :, 8] == pytest.approx(planes[normal], abs=1e-12)


def test_where_images_disagree_on_an_axis_it_is_their_mean():
    planes = np.stack([exponential(0.4, (s, s), 6) for s in (2.0, 4.0, 8.0)])
    found = assembled(planes)[1, 1]
    along = planes[:, 1, 1, 6]
    assert found[6, 6] == pytest.approx((along[0] + along[1]) / 2)
    assert found[:, 6, 6] == pytest.approx((along[1] + along[2]) / 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.lists(st.floats(0.05, 1), min_size=3, max_size=3))
def test_shares_are_fitted_and_independence_stays(seed, parts):
    shares = np.array(parts) / sum(parts)
    own = np.array([0.2, 0.3, 0.5])
    rng = np.random.default_rng(seed)
    joint = rng.random((3, 3, 4)) + np.eye(3)[..., None]
    joint = joint + joint.swapaxes(0, 1)
    joint /= joint.sum((0, 1))
    joint[..., 0] = np.multiply.outer(own, own)
    joint[..., 1] = np.diag(own)
    found = with_shares(joint, shares)
    assert found.sum(1) == pytest.approx(np.repeat(shares[:, None], 4, 1), abs=1e-5)
    assert found[..., 0] == pytest.approx(np.multiply.outer(shares, shares), abs=1e-6)
    assert found[..., 1] == pytest.approx(np.diag(shares), abs=1e-6)
    assert with_shares(found, shares) == pytest.approx(found, abs=1e-5)


def test_a_map_fades_to_chance():
    shares = np.array([0.7, 0.3])
    joint = exponential(0.3, (50.0,) * 3, 6)
    found = faded(joint, shares, 3)
    near = lengths(6) <= 3
    assert found[:, :, near] == pytest.approx(joint[:, :, near])
    assert found[:, :, 0, 6, 6] == pytest.approx(np.multiply.outer(shares, shares))


def test_a_possible_map_stays_within_the_radius_however_it_fades():
    shares = np.array([0.7, 0.3])
    joint = exponential(0.3, (6.0,) * 3, 12)
    cut = faded(joint, shares, 6)[1:, 1]
    assert np.fft.fftn(np.fft.ifftshift(cut[0] - 0.09)).real.min() < -0.1
    found, change = possible(cut, shares[1:], 6)
    near = lengths(12) <= 6
    assert np.abs(found - cut)[:, near].max() == pytest.approx(change[0])
    assert change[0] < 1e-4
    assert_a_spectrum(found[0], 0.3)


def test_an_impossible_map_is_told():
    """Planes that all show lines along their columns: no volume has them."""
    rows = (np.indices((64, 64))[0] // 4 % 2).astype(np.uint8)
    planes = np.stack([correlation_map(rows[None], 2, (12, 12))] * 3)
    half = np.array([0.5, 0.5])
    joint = faded(with_shares(assembled(planes), half), half, 6)
    found, change = possible(joint[1:, 1], half[1:], 6)
    assert change[0] > 0.02
    assert found[0, 12, 12, 12] == pytest.approx(0.5)
    assert_a_spectrum(found[0], 0.5)


def assert_a_spectrum(s2, share):
    spectrum = np.fft.fftn(np.fft.ifftshift(s2 - share**2)).real
    assert spectrum.min() > -1e-9 * spectrum.max()
