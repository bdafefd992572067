import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.correlation_maps import lengths, pair_maps, phase_pairs
from mesofuse_statistical.pair_error import PairError
from scipy.ndimage import gaussian_filter


def labels_of(seed, shape, phases):
    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.standard_normal(shape), 1.5, mode="wrap") for _ in range(phases)]
    return np.argmax(fields, 0).astype(np.uint8)


def maps(labels, phases, reach):
    return pair_maps(np.stack([labels == p for p in range(phases)]), phase_pairs(phases), reach)


@pytest.mark.parametrize("phases", [2, 3, 4])
def test_the_error_is_target_less_map_where_it_counts(phases):
    shape, reach, radius = (20, 24, 18), 8, 5
    target, own = (maps(labels_of(seed, shape, phases), phases, reach) for seed in (0, 1))
    error = PairError(target, phases, shape, radius, reach)
    found = error.error(error.spectra(labels_of(1, shape, phases)))
    counts = lengths(reach) <= radius
    assert found[:, counts] == pytest.approx((target - own)[:, counts], abs=2e-6)
    assert not found[:, ~counts].any()
    assert np.abs(error.error(error.spectra(labels_of(0, shape, phases)))).max() < 2e-6


def test_of_a_thin_box_the_displacements_that_it_has_count():
    shape = (1, 20, 6)
    labels = labels_of(0, shape, 2)
    target = np.full((2, 9, 9, 9), 0.25)
    error = PairError(target, 2, shape, 4, 4)
    found = error.error(error.spectra(labels))
    assert found.shape == (2, 1, 9, 9)
    assert error.counted[0, 4].tolist() == [False, *[True] * 7, False]  # no more than half an edge


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99), st.sampled_from([2, 3, 4]), st.booleans())
def test_the_voxels_of_highest_gain_lessen_the_cost(seed, phases, plain):
    shape = (16, 16, 16)
    target = maps(labels_of(seed, shape, phases), phases, 5)
    labels = labels_of(seed + 100, shape, phases)
    error = PairError(target, phases, shape, 5, 5)
    spectra = error.spectra(labels)
    missing = error.error(spectra)
    gains = error.gains(spectra, missing, plain=plain)
    gain = gains - np.take_along_axis(gains, labels[None].astype(np.intp), 0)
    best = np.unravel_index(gain.argmax(), gain.shape)
    changed = labels.copy()
    changed[best[1:]] = best[0]
    assert error.cost(error.error(error.spectra(changed))) < error.cost(missing)


def test_a_plain_gain_is_the_slope_of_the_cost():
    """Of soft labels, relative to the largest of ten voxels, as it is known up to a factor."""
    shape = (12, 12, 12)
    labels = labels_of(5, shape, 3)
    error = PairError(maps(labels_of(4, shape, 3), 3, 4), 3, shape, 4, 4)
    spectra = error.spectra(labels)
    missing = error.error(spectra)
    gains = error.gains(spectra, missing, plain=True)

    def fall(voxel, phase, by=1e-3):
        soft = np.stack([labels == p for p in range(3)]).astype(float)
        soft[(phase, *voxel)] += by
        soft[(labels[voxel], *voxel)] -= by
        return error.cost(missing) - error.cost(missing + (maps(labels, 3, 4) - pair_maps(soft, phase_pairs(3), 4)))

    voxels = [tuple(v) for v in np.random.default_rng(0).integers(0, 12, (10, 3))]
    slopes = np.array([fall(v, (labels[v] + 1) % 3) for v in voxels])
    predicted = np.array([gains[((labels[v] + 1) % 3, *v)] - gains[(labels[v], *v)] for v in voxels])
    assert slopes / np.abs(slopes).max() == pytest.approx(predicted / np.abs(predicted).max(), abs=2e-3)


@pytest.mark.parametrize("phases", [2, 3])
def test_imposing_the_magnitude_moves_the_map_towards_its_target(phases):
    """Of labels with the target's fractions, but finer."""
    shape, reach = (48, 48, 48), 9

    def halves(seed, sigma):
        field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), sigma, mode="wrap")
        return np.searchsorted(np.quantile(field, np.linspace(0, 1, phases + 1)[1:-1]), field).astype(np.uint8)

    target, labels = maps(halves(0, 1.8), phases, reach), halves(1, 1.2)
    error = PairError(target, phases, shape, 6, reach)
    before = error.error(error.spectra(labels))
    soft = np.stack([labels == p for p in range(phases)]) + error.imposed(error.spectra(labels), 0.5)
    after = (target - pair_maps(soft, phase_pairs(phases), reach)) * error.counted
    assert np.sqrt((after**2).mean()) < 0.8 * np.sqrt((before**2).mean())
