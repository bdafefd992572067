import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.volumes.patterns import Stencil, js_divergence, pattern_counts, shares, turned_counts

ALL_TURNS = tuple(range(8))


@pytest.mark.parametrize(
    ("phases", "pixels"), [(2, 13), (3, 9), (4, 7), (5, 5), (7, 5), (8, 4), (12, 4), (13, 3), (27, 3)]
)
def test_the_stencil_follows_the_number_of_phases(phases: int, pixels: int) -> None:
    stencil = Stencil.of(phases)
    assert len(set(stencil.offsets)) == len(stencil.offsets) == pixels
    assert min(r for r, _ in stencil.offsets) == min(c for _, c in stencil.offsets) == 0
    assert stencil.bins == phases**pixels <= 20_736


def test_more_phases_than_any_stencil_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="28 phases"):
        Stencil.of(28)


def by_hand(stack: np.ndarray, stencil: Stencil, spacing: int) -> np.ndarray:
    counts = np.zeros(stencil.bins, np.int64)
    for image, top, left in itertools.product(*map(range, stack.shape)):
        code = 0
        for r, c in stencil.offsets:
            y, x = top + r * spacing, left + c * spacing
            if y >= stack.shape[1] or x >= stack.shape[2] or stack[image, y, x] >= stencil.phases:
                break
            code = code * stencil.phases + int(stack[image, y, x])
        else:
            counts[code] += 1
    return counts


@pytest.mark.parametrize("phases", [2, 3, 4, 5, 8, 13])
@pytest.mark.parametrize("spacing", [1, 2])
def test_patterns_are_counted_as_by_hand_without_those_that_touch_ignored_pixels(phases: int, spacing: int) -> None:
    rng = np.random.default_rng(0)
    stack = rng.integers(phases, size=(2, 9, 11), dtype=np.uint8)
    stack[1, 3, 4] = 255
    stencil = Stencil.of(phases)
    np.testing.assert_array_equal(pattern_counts(stack, stencil, spacing), by_hand(stack, stencil, spacing))


def test_an_image_smaller_than_a_pattern_has_none() -> None:
    assert pattern_counts(np.zeros((1, 4, 9), np.uint8), Stencil.of(3), 2).sum() == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.integers(1, 3), st.integers(1, 11), st.integers(1, 13), st.integers(0, 2**32 - 1))
def test_counts_by_rows_and_columns_add_up(phases: int, spacing: int, row: int, column: int, seed: int) -> None:
    stack = np.random.default_rng(seed).integers(phases, size=(2, 12, 14), dtype=np.uint8)
    stencil = Stencil.of(phases)
    parts = [
        pattern_counts(stack, stencil, spacing, rows, columns)
        for rows in ((0, row), (row, 12))
        for columns in ((0, column), (column, 14))
    ]
    np.testing.assert_array_equal(sum(parts[1:], parts[0]), pattern_counts(stack, stencil, spacing))


def test_turned_counts_are_those_of_every_turned_image_and_the_same_for_each() -> None:
    stack = np.random.default_rng(1).integers(3, size=(2, 10, 7), dtype=np.uint8)
    stencil = Stencil.of(3)
    whole = turned_counts(stack, stencil, 1, ALL_TURNS)
    assert whole.sum() == 8 * 2 * 8 * 5
    for turned in (np.rot90(stack, 1, axes=(1, 2)), stack[..., ::-1], stack[:, ::-1]):
        np.testing.assert_array_equal(turned_counts(turned, stencil, 1, ALL_TURNS), whole)
    np.testing.assert_array_equal(turned_counts(stack, stencil, 1, (0,)), pattern_counts(stack, stencil, 1))


def test_the_divergence_of_known_distributions() -> None:
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert js_divergence(p, p) == 0
    assert js_divergence(p, q) == 1
    # ½ · (½ log₂ ⅔ + ½ log₂ 2) + ½ · log₂ (1 / ¾), of (½, ½) against (1, 0)
    expected = 0.5 * (0.5 * np.log2(0.5 / 0.75) + 0.5 * np.log2(0.5 / 0.25)) + 0.5 * np.log2(1 / 0.75)
    assert js_divergence(np.array([0.5, 0.5]), p) == pytest.approx(expected)
    assert np.isnan(js_divergence(p, shares(np.zeros(2, np.int64))))


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.lists(st.integers(0, 50), min_size=4, max_size=4))
def test_the_divergence_is_symmetric_and_between_0_and_1(a: list[int], b: list[int]) -> None:
    if not (sum(a) and sum(b)):
        return
    p, q = shares(np.array(a)), shares(np.array(b))
    assert 0 <= js_divergence(p, q) <= 1 + 1e-12
    assert js_divergence(p, q) == pytest.approx(js_divergence(q, p), abs=1e-12)
