import numpy as np
import pytest
import torch
from mesofuse_statistical.scan_shares import ScanShares, mended

from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import IGNORED

PROBLEM = make_problem(2, 3, 4)  # the scan's phase 1 shows the image's 1 and 2
CORE = Region.whole((3, 3, 3))


def shown(labels):
    """Return which scan phase each scan voxel sees most, by counting."""
    own = labels.reshape(3, 4, 3, 4, 3, 4).transpose(0, 2, 4, 1, 3, 5).reshape(3, 3, 3, 64)
    return ((own > 0).sum(-1) > 32).astype(np.uint8)


def test_mended_labels_show_the_scan_and_change_where_they_were_least_sure():
    rng = np.random.default_rng(0)
    field = rng.integers(0, 2, (3, 3, 3)).astype(np.uint8)
    logits = rng.normal(size=(3, 12, 12, 12)).astype(np.float32)
    labels = logits.argmax(0).astype(np.uint8)
    found = mended(labels, logits, field, CORE, PROBLEM)
    assert np.array_equal(shown(found), field)
    changed = found != labels
    assert 0 < changed.sum() < 0.3 * changed.size
    kept = mended(found, logits, field, CORE, PROBLEM)
    assert np.array_equal(kept, found)  # what shows the scan stays


def test_ignored_scan_voxels_ask_for_nothing():
    field = np.full((3, 3, 3), IGNORED, np.uint8)
    logits = np.random.default_rng(1).normal(size=(3, 12, 12, 12)).astype(np.float32)
    labels = logits.argmax(0).astype(np.uint8)
    assert np.array_equal(mended(labels, logits, field, CORE, PROBLEM), labels)
    wrong, slope = ScanShares(field, CORE, PROBLEM).pull(torch.full((3, 12, 12, 12), 1 / 3), 0.1)
    assert wrong == 0
    assert slope is None or not slope.any()


@pytest.mark.parametrize("phase", [0, 1])
def test_a_pull_raises_the_phases_that_the_scan_shows(phase):
    field = np.full((3, 3, 3), phase, np.uint8)
    other = torch.zeros((3, 12, 12, 12))
    other[1 if phase == 0 else 0] = 1
    wrong, slope = ScanShares(field, CORE, PROBLEM).pull(other, 0.1)
    assert wrong == 1
    own = slope[0] if phase == 0 else slope[1:].mean(0)
    assert (own < slope[1 if phase == 0 else 0]).all()  # descending raises it
    right = torch.zeros((3, 12, 12, 12))
    right[phase] = 1
    wrong, slope = ScanShares(field, CORE, PROBLEM).pull(right, 0.1)
    assert wrong == 0
    assert slope is None or not slope.any()
