from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.evaluation.rounding import percent, rounded, share, with_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.123456, 0.00352, "0.1235 ± 0.0035"),
        (0.123456, 0.0996, "0.12 ± 0.10"),
        (1578.114, 12.4, "1578 ± 12"),
        (1578.114, 0.0124, "1578.114 ± 0.012"),
        (15781.4, 1240, "15800 ± 1200"),
        (3.0, 0.0, "3 ± 0"),
        (3.0, math.nan, "3"),
        (3.0, 4e-16, "3 ± 0"),
        (math.nan, 1.0, "undefined"),
        (math.inf, 1.0, "∞"),
        (0.0, 0.02, "0.000 ± 0.020"),
        (-0.00001, 0.02, "0.000 ± 0.020"),
        (1.5e9, 2.1e7, "(1.500 ± 0.021)e+9"),
        (1.5e-9, 2.1e-11, "(1.500 ± 0.021)e-9"),
    ],
)
def test_value_with_its_error(value, error, text):
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (99.996, "100"),
        (12345.6, "12350"),
        (0.000012345, "0.00001234"),
        (1.23456e-8, "1.235e-08"),
        (1.23456e12, "1.235e+12"),
        (0.0, "0"),
        (-2.0, "-2"),
    ],
)
def test_single_values_have_four_digits(value, text):
    assert rounded(value) == text


@given(st.floats(1e-12, 1e12), st.floats(1e-6, 1))
def test_rounding_moves_a_value_by_less_than_a_tenth_of_its_error(value, share):
    error = value * share
    text = rounded(value, error)
    assert abs(float(text) - value) <= 0.0501 * error + 1e-12 * value


@given(st.floats(1e-12, 1e12))
def test_four_digits_are_within_a_thousandth(value):
    assert float(rounded(value)) == pytest.approx(value, rel=5.001e-4)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.0123, None, "+1.2 %"),
        (-0.0123, 0.0045, "-1.23 ± 0.45 %"),
        (0.12, 0.3, "+12 ± 30 %"),
        (0.0, 0.0, "+0.0 ± 0 %"),
        (1.0, 1e-15, "+100.0 ± 0 %"),
    ],
)
def test_relative_errors(value, error, text):
    assert percent(value, error) == text


def test_shares():
    assert [share(v) for v in (0.0123, 0.31, 0.000123)] == ["1.2 %", "31 %", "0.012 %"]
