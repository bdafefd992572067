from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.voxel_directions import STEPS, length, weights


def test_thirteen_directions_and_no_opposites():
    assert len({tuple(np.array(s) * sign) for s in STEPS for sign in (1, -1)}) == 26


def test_cubic_weights_are_the_published_ones():
    # Legland et al. 2007, table 2, for one of the two senses of each direction.
    published = {1: 0.04577789120476, 2: 0.03698062787608, 3: 0.03519563978232}
    for step, weight in zip(STEPS, weights((1.0, 1.0, 1.0), False), strict=True):
        assert weight == pytest.approx(2 * published[sum(map(abs, step))], rel=1e-9)


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (1.0, 2.0, 3.0), (5.0, 1.0, 1.0)])
def test_weights_sum_to_one(voxel):
    assert sum(weights(voxel, False)) == pytest.approx(1)
    assert sum(weights(voxel, True)) == pytest.approx(1)


def test_planar_weights_of_squares_and_oblongs():
    assert weights((1.0, 1.0, 1.0), True) == pytest.approx([0.25] * 4)
    x, y, up, down = weights((1.0, 1.0, 2.0), True)
    assert x == pytest.approx(2 * math.atan(1 / 2) / 2 / math.pi)
    assert y == pytest.approx(2 * math.atan(2) / 2 / math.pi)
    assert up == down == pytest.approx(0.25)


def test_length():
    assert length((1, -1, 0), (3.0, 4.0, 9.0)) == 5
