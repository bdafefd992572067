import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_adversarial.area_average import AreaAverage
from mesofuse_adversarial.blur_downsample import BlurDownsample
from mesofuse_adversarial.nearest import Nearest
from mesofuse_adversarial.options import (
    AreaAverageOptions,
    BlurDownsampleOptions,
    NearestOptions,
    PointSpreadOptions,
)
from mesofuse_adversarial.point_spread import PointSpread
from mesofuse_adversarial.weighting import Taps, gaussian_weights, reduce_axis, shown

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region
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


SCALES = (1.0, 1.25, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0, 5.33, 6.0, 8.0, 10.7, 16.0)
INSTRUMENTS = {
    "area-average": lambda problem: AreaAverage(AreaAverageOptions(), problem),
    "blur-downsample": lambda problem: BlurDownsample(BlurDownsampleOptions(), problem),
    "blur-downsample, sigma 2.3": lambda problem: BlurDownsample(BlurDownsampleOptions(sigma=2.3), problem),
    "nearest": lambda problem: Nearest(NearestOptions(), problem),
    "point-spread": lambda problem: PointSpread(PointSpreadOptions(), problem),
    "point-spread, thick": lambda problem: PointSpread(
        PointSpreadOptions(sigma=(0, 1.1, 3.0), thickness=(2.5, 0.3, 1)), problem
    ),
}


@pytest.mark.parametrize("name", INSTRUMENTS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_window_with_its_halo_has_the_bits_of_the_whole_at_any_scale(name: str, data: st.DataObject) -> None:
    """Each axis has a scale of its own; a depth of 1 voxel is a planar job."""
    z, y, x = (data.draw(st.sampled_from(SCALES)) for _ in range(3))
    depth = data.draw(st.sampled_from((1, 3, 6)))
    problem = Problem((z, y, x), default_phases(2), default_phases(3), PhaseMatch(((0, 2), (1,))))
    degrade = INSTRUMENTS[name](problem)
    whole = Region.whole((depth, 4, 9))
    one_hot = np.eye(3, dtype=np.float32)[np.random.default_rng(0).integers(0, 3, whole.scaled(problem.scale).shape)]
    volume = torch.from_numpy(np.ascontiguousarray(one_hot.transpose(3, 0, 1, 2)))[None]
    start = tuple(data.draw(st.integers(0, n - 1)) for n in whole.shape)
    core = Region(start, tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, whole.shape, strict=True)))
    window = core.grown(degrade.halo, whole.shape)
    part = degrade.shares(volume[(..., *window.scaled(problem.scale).slices)], window)[(..., *core.within(window))]
    expected = degrade.shares(volume, whole)
    assert expected.shape == (1, 2, *whole.shape)
    assert torch.equal(part, expected[(..., *core.slices)])
    torch.testing.assert_close(expected.sum(1), torch.ones(1, *whole.shape), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_at_scale_1_without_a_blur_the_scan_shows_the_voxels_themselves(name: str) -> None:
    if "," in name:
        pytest.skip("it has a blur")
    problem = Problem((1.0, 1.0, 1.0), default_phases(3), default_phases(3), PhaseMatch(((0,), (1,), (2,))))
    labels = torch.from_numpy(np.random.default_rng(1).integers(0, 3, (1, 7, 6)))
    hot = torch.nn.functional.one_hot(labels, 3).permute(3, 0, 1, 2)[None].float()
    torch.testing.assert_close(INSTRUMENTS[name](problem).shares(hot, Region.whole((1, 7, 6))), hot)
