from __future__ import annotations

import numpy as np
import pytest
from mesofuse_metrics.components import components
from scipy import ndimage


@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
def test_equals_scipy_phase_by_phase(connectivity, rank):
    labels = np.random.default_rng(0).integers(0, 3, (12, 13, 14), dtype=np.uint8)
    found = components(labels, connectivity)
    structure = ndimage.generate_binary_structure(3, rank)
    for phase in range(3):
        ids, count = ndimage.label(labels == phase, structure)
        sizes = sorted(np.bincount(ids.ravel())[1:])
        assert sorted(found.sizes[1:][found.phase[1:] == phase]) == sizes
        assert len(sizes) == count


def test_crossing():
    labels = np.zeros((4, 5, 6), np.uint8)
    labels[:, 2, 3] = 1
    found = components(labels)
    (rod,) = np.flatnonzero(found.phase[1:] == 1) + 1
    assert [bool(found.crossing(axis)[rod]) for axis in range(3)] == [True, False, False]


def test_phase_254_and_a_single_voxel():
    assert components(np.full((1, 1, 1), 254, np.uint8)).sizes.tolist() == [0, 1]
