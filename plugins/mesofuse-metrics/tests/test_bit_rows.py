from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_metrics.bit_rows import BitRows, count_common


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(-210, 210), st.integers(0, 99))
def test_shift_equals_the_arrays(width, by, seed):
    mask = np.random.default_rng(seed).random((2, 3, width)) < 0.5
    moved = np.zeros_like(mask)
    if by >= 0:
        moved[..., : max(0, width - by)] = mask[..., by:]
    elif -by < width:
        moved[..., -by:] = mask[..., :by]
    words = BitRows(mask).shifted(by)
    bits = np.unpackbits(words.view(np.uint8), axis=2, bitorder="little")[..., :width]
    assert np.array_equal(bits.astype(bool), moved)


def test_count_common():
    rng = np.random.default_rng(0)
    one, other = rng.random((8, 9, 70)) < 0.5, rng.random((8, 9, 70)) < 0.5
    moved = BitRows(other).shifted(3, (slice(3, 7), slice(0, 7)))
    found = count_common(BitRows(one).words[1:5, 2:9], moved)
    assert found == np.count_nonzero(one[1:5, 2:9, :67] & other[3:7, 0:7, 3:])
