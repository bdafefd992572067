import numpy as np
import torch
from mesofuse_adversarial.weighting import Taps, gaussian_weights, reduce_axis, shown

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.phases import PhaseMatch, default_phases


def test_both_ways_of_summing_agree_bit_for_bit() -> None:
    x = torch.rand(2, 3, 12, 5, generator=torch.Generator().manual_seed(0))
    index = np.arange(12).reshape(4, 3)
    weight = np.tile([0.2, 0.5, 0.3], (4, 1))
    fast = reduce_axis(x, 2, Taps(index, weight), 0, 3.0)
    # A fourth tap without weight reaches into the next voxel, which the block way cannot take.
    general = reduce_axis(x, 2, Taps(np.c_[index, index[:, -1] + 1], np.c_[weight, np.zeros(4)]), 0, 3.0)
    assert fast.shape == (2, 3, 4, 5)
    assert torch.equal(fast, general)


def test_voxels_beyond_the_window_are_its_end_voxels() -> None:
    taps = Taps(np.array([[-2, 0, 1], [0, 1, 7]]), np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]))
    assert reduce_axis(torch.tensor([4.0, 8.0]), 0, taps, 0, 1.0).tolist() == [5.0, 7.0]


def test_integer_one_hot_is_not_rounded_away() -> None:
    problem = Problem((1.0,) * 3, default_phases(2), default_phases(3), PhaseMatch(((0, 2), (1,))))
    sums = shown(torch.tensor([0, 0, 1]).reshape(1, 3, 1, 1, 1), problem)
    assert sums.dtype == torch.float32
    assert sums.flatten().tolist() == [1, 0]


def test_gaussian_sums_to_one_and_a_radius_of_zero_is_no_blur() -> None:
    assert gaussian_weights(0, 0.5).tolist() == [1.0]
    weights = gaussian_weights(3, 1.4)
    assert abs(weights.sum() - 1) < 1e-12
    assert weights[2] / weights[3] == np.exp(-0.5 / 1.96)
