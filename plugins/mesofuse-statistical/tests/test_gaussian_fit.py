import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.gaussian_fit import correlations, kernel, pair_probability, two_point
from scipy.signal import fftconvolve
from scipy.stats import multivariate_normal, norm

from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases


@pytest.mark.parametrize("share", [0.03, 0.5, 0.8])
@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.3, 0.9])
def test_pair_probability_is_the_bivariate_normal_integral(share, rho):
    t = norm.isf(share)
    expected = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([-t, -t])  # P(Z > t) twice, by symmetry
    assert pair_probability(share, np.array(rho)) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 0.99), st.floats(-0.9, 0.999))
def test_correlations_are_its_inverse(share, rho):
    pairs = pair_probability(share, np.array([rho]))
    assert pair_probability(share, correlations(share, pairs)) == pytest.approx(pairs, abs=1e-6)


def test_two_point_of_stripes():
    stripes = np.tile(np.array([0, 0, 1, 1], np.uint8), (1, 8, 4))
    image = LabelArray(stripes, Grid(stripes.shape), default_phases(2))
    rows, columns = two_point(image, [1], 4)
    assert rows == pytest.approx([0.5] * 5)
    assert columns[[0, 1, 2, 4]] == pytest.approx([0.5, 4 / 15, 0, 6 / 12])


@pytest.mark.parametrize("length", [(3.0, 3.0, 3.0), (2.0, 3.0, 5.0)])
def test_a_kernel_gives_white_noise_the_correlations_that_were_asked_for(length):
    """Of Gaussian correlations, along each axis, as the autocorrelation of the kernel itself."""
    lags = np.arange(25)
    along = [np.exp(-((lags / a) ** 2)) for a in length]
    made, lost = kernel(along, 12)
    assert lost < 0.05
    assert np.sum(made**2) == pytest.approx(1, abs=1e-5)
    own = fftconvolve(made, made[::-1, ::-1, ::-1], "full")
    middle = own.shape[0] // 2
    for axis in range(3):
        line = np.moveaxis(own, axis, 0)[middle : middle + 8, middle, middle]
        assert line == pytest.approx(along[axis][:8], abs=0.06)


def test_what_no_field_can_have_is_told():
    alternating = np.where(np.arange(25) % 2, -1.0, 1.0)
    _, lost = kernel([alternating] * 3, 12)
    assert lost > 0.1
