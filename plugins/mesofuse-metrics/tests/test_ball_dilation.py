from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_metrics import ball_dilation
from mesofuse_metrics.ball_dilation import dilated
from mesofuse_metrics.bit_rows import unpacked
from scipy.spatial.distance import cdist


@pytest.mark.parametrize("most_rows", [0, 10**6], ids=["by distance transform", "by rows of bits"])
def test_dilation_is_every_voxel_near_a_centre(monkeypatch, most_rows):
    monkeypatch.setattr(ball_dilation, "MOST_ROWS", most_rows)
    # Radii that no distance between voxels equals.
    sizes = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 140))

    @settings(max_examples=40, deadline=None)
    @given(sizes, st.sampled_from([0.7, 1.53, 2.61, 5.37]), st.sampled_from([1.0, 2.0, 3.0]), st.integers(0, 99))
    def law(shape, radius, flat, seed):
        voxel = (flat, 1.0, 1.0)
        centres = np.zeros(shape, bool)
        rng = np.random.default_rng(seed)
        for _ in range(3):
            centres[tuple(rng.integers(0, shape))] = True
        every = np.argwhere(np.ones(shape, bool)) * voxel
        near = cdist(every, np.argwhere(centres) * voxel).min(1) < radius
        assert np.array_equal(unpacked(dilated(centres, [0.1, radius], voxel)[1], shape[2]).ravel(), near)

    law()
