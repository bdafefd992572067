import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.volumes import intensity_statistics
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.intensity_statistics import LAGS, difference, histogram_distance, statistics_of
from mesofuse.volumes.labels import LabelArray


def volume(array):
    return LabelArray(array, Grid(array.shape[-3:]), ())


def random(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("shape", [(20, 18, 21), (3, 9, 18, 12)])
def test_they_are_the_textbooks(shape):
    array = random(*shape)
    found = statistics_of(volume(array))
    flat = array.reshape(-1, *shape[-3:]).astype(float)
    np.testing.assert_allclose(found.mean, flat.mean((1, 2, 3)))
    np.testing.assert_allclose(found.deviation, flat.std((1, 2, 3)))
    for axis in range(3):
        for i, lag in enumerate(LAGS):
            length = shape[-3 + axis] - lag
            value = found.variogram([axis])[:, i]
            if length < 1:
                assert np.isnan(value).all()
                continue
            off = flat.take(range(lag, lag + length), 1 + axis) - flat.take(range(length), 1 + axis)
            np.testing.assert_allclose(value, 0.5 * (off**2).mean((1, 2, 3)))


@settings(max_examples=15, deadline=None)
@given(piece=st.tuples(*[st.integers(1, 40)] * 3), seed=st.integers(0, 9))
def test_they_add_up_whatever_the_pieces(piece, seed):
    array = random(19, 23, 37, seed=seed)
    whole = statistics_of(volume(array))
    before = intensity_statistics.PIECE
    intensity_statistics.PIECE = piece
    try:
        parts = statistics_of(volume(array))
    finally:
        intensity_statistics.PIECE = before
    assert np.array_equal(whole.histogram, parts.histogram)
    assert np.array_equal(whole.squares, parts.squares)
    assert np.array_equal(whole.pairs, parts.pairs)


def test_the_histogram_distance_counts_grey_values():
    one = random(4, 8, 8) // 2
    found = histogram_distance(statistics_of(volume(one)), statistics_of(volume(one + 30)))
    np.testing.assert_allclose(found, [30])


def test_an_image_differs_from_others_and_not_from_itself():
    smooth = np.repeat(np.repeat(random(1, 16, 16), 4, 1), 4, 2)
    same, target = statistics_of(volume(smooth)), statistics_of(volume(smooth))
    assert difference(same, target, (1, 2)) == 0
    shuffled = np.random.default_rng(1).permutation(smooth.ravel()).reshape(smooth.shape)
    for other in (smooth // 2, shuffled, 255 - smooth // 3):
        assert difference(statistics_of(volume(other)), target, (1, 2)) > 0.1


def test_a_volume_too_thin_for_a_distance_is_compared_by_the_others():
    target = statistics_of(volume(random(1, 64, 64)))
    assert np.isfinite(difference(statistics_of(volume(random(4, 4, 4, seed=1))), target, (0, 1, 2)))
