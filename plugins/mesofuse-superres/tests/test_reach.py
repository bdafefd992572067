import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_superres.reach import _needs, measure_halo

from mesofuse.volumes.grid import Region

ONE, TWO, FOUR = ((s,) * 3 for s in (1.0, 2.0, 4.0))


@pytest.mark.parametrize(
    ("steps", "scale", "halo"),
    [
        (["conv"], ONE, 1),
        (["conv"] * 3, ONE, 3),
        # A convolution on the finest grid reaches a fraction of a voxel, which is a whole one for a voxel at the edge.
        ([("resize", ONE, FOUR), "conv"], FOUR, 1),
        ([("resize", ONE, TWO), "conv", "conv"], TWO, 2),
        ([("transposed", ONE, TWO)], TWO, 1),
        # The published network at scale 4: three convolutions, a transposed one, up-sampling, two convolutions.
        (["conv"] * 3 + [("transposed", ONE, TWO), ("resize", TWO, FOUR), "conv", "conv"], FOUR, 5),
    ],
)
def test_halo_of_known_chains(steps, scale, halo):
    assert measure_halo(steps, scale) == (halo,) * 3


def test_axes_have_their_own_halo():
    # Three fine voxels beyond the first lie 1.125 coarse ones away from its centre: between the second and the first.
    grid = (4.0, 1.0, 1.0)
    assert measure_halo([("resize", ONE, grid), "conv", "conv", "conv"], grid) == (2, 3, 3)


@pytest.mark.parametrize("kind", ["transposed", "resize"])
def test_an_axis_of_stride_one_is_reached_like_by_a_convolution(kind):
    steps = [(kind, ONE, (1.0, 2.0, 2.0))] + ["conv"] * (kind == "resize")
    assert measure_halo(steps, (1.0, 2.0, 2.0)) == (1, 1, 1)


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(st.sampled_from([1.6, 5.33, 4 / 3, 2.5, 7.77, 1.01]), st.floats(1, 16)),
    st.integers(0, 2),
    st.integers(0, 9),
)
def test_no_voxel_reaches_further_than_the_halo_and_some_voxel_as_far(scale, coarse_convs, fine_convs):
    """Over more voxels than the period of any scale of two decimals."""
    fine = (scale,) * 3
    steps = ["conv"] * coarse_convs + [("resize", ONE, fine)] + ["conv"] * fine_convs
    halo = measure_halo(steps, fine)
    worst = 0
    for voxel in range(200):
        needed = _needs(steps, Region((voxel,) * 3, (voxel + 1,) * 3).scaled(fine))
        worst = max(worst, voxel - needed.start[0], needed.stop[0] - voxel - 1)
    assert (worst,) * 3 <= halo
    if round(scale, 2) == scale:
        assert (worst,) * 3 == halo
