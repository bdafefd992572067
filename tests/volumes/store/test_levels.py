from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.volumes.grid import Grid
from mesofuse.volumes.store.levels import halved, mode_of_blocks, pyramid


def slow_mode(labels, step):
    shape = [-(-n // s) for n, s in zip(labels.shape, step, strict=True)]
    out = np.empty(shape, np.uint8)
    for place in np.ndindex(*shape):
        block = labels[tuple(slice(p * s, p * s + s) for p, s in zip(place, step, strict=True))]
        counts = Counter(block.ravel().tolist())
        out[place] = min(counts, key=lambda v: (-counts[v], v))
    return out


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.integers(1, 7)] * 3),
    st.tuples(*[st.sampled_from([1, 2])] * 3),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
)
def test_the_most_frequent_label_ties_to_the_lowest(shape, step, phases, seed):
    labels = np.random.default_rng(seed).integers(0, phases, shape, dtype=np.uint8)
    np.testing.assert_array_equal(mode_of_blocks(labels, step), slow_mode(labels, step))


def test_the_highest_label_survives():
    assert mode_of_blocks(np.full((3, 3, 3), 254, np.uint8)).tolist() == np.full((2, 2, 2), 254).tolist()


def test_halving_keeps_the_corner_and_single_planes():
    grid = Grid((1, 5, 8), (1.0, 0.5, 0.5), "micrometer", (0.0, 0.25, 3.0))
    half = halved(grid)
    assert half == Grid((1, 3, 4), (1.0, 1.0, 1.0), "micrometer", (0.0, 0.5, 3.25))
    for axis in range(3):
        corners = [g.origin[axis] - g.voxel_size[axis] / 2 for g in (grid, half)]
        assert corners[0] == pytest.approx(corners[1])


def test_pyramid_stops_at_128_or_at_the_count():
    assert [g.shape for g in pyramid(Grid((300, 64, 1)))] == [(300, 64, 1), (150, 32, 1), (75, 16, 1)]
    assert len(pyramid(Grid((128, 128, 128)))) == 1
    assert [g.shape for g in pyramid(Grid((5, 4, 4)), 99)] == [(5, 4, 4), (3, 2, 2), (2, 1, 1), (1, 1, 1)]
    assert len(pyramid(Grid((300, 300, 300)), 1)) == 1
