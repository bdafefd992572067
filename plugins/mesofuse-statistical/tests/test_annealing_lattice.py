import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.annealing_lattice import FEWEST, lattices, refined


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.integers(1, 70)] * 3), st.integers(1, 5))
def test_each_lattice_is_part_of_the_next(shape, levels):
    found = lattices(shape, levels)
    assert found[-1].shape == shape
    assert found[-1].step == (1, 1, 1)
    assert len(found) == 1 or min(found[0].shape) >= FEWEST
    for coarse, fine in itertools.pairwise(found):
        assert coarse.level == fine.level + 1
        for axis in range(3):
            assert coarse.step[axis] == 2 * fine.step[axis]
            assert np.isin(coarse.at(axis), fine.at(axis)).all()
            assert coarse.at(axis)[-1] < shape[axis] <= coarse.at(axis)[-1] + coarse.step[axis]


def test_sites_lie_in_the_middle_of_what_they_stand_for():
    coarse, fine, all_ = lattices((64, 64, 64), 3)
    assert coarse.at(0)[:3].tolist() == [1, 5, 9]
    assert fine.at(0)[:3].tolist() == [1, 3, 5]
    volume = np.random.default_rng(0).integers(0, 9, (64, 64, 64))
    assert coarse.of(volume)[1, 2, 0] == volume[5, 9, 1]
    assert np.array_equal(all_.of(volume), volume)


def test_an_axis_may_keep_its_step():
    coarse, _ = lattices((1, 32, 32), 2, (False, True, True))
    assert coarse.step == (1, 2, 2)
    assert coarse.shape == (1, 16, 16)


@pytest.mark.parametrize("shape", [(40, 33, 50), (37, 40, 32)])
def test_refined_labels_keep_those_there_are_and_copy_neighbours(shape):
    coarse, fine = lattices(shape, 2)
    labels = np.random.default_rng(0).integers(0, 3, coarse.shape).astype(np.uint8)
    found = refined(labels, coarse, fine, np.random.default_rng(1))
    assert found.shape == fine.shape
    kept = found[np.ix_(*(np.searchsorted(fine.at(a), coarse.at(a)) for a in range(3)))]
    assert np.array_equal(kept, labels)
    ramp = np.broadcast_to(coarse.at(2).astype(np.uint8), coarse.shape)
    values = refined(ramp, coarse, fine, np.random.default_rng(1)).astype(int) - fine.at(2)
    inner = values[:, :, 1:-1]
    assert np.abs(inner).max() == 1
    between = inner[inner != 0]
    assert np.mean(between > 0) == pytest.approx(0.5, abs=0.02)  # 3 standard errors of 20,000
