import pytest
from mesofuse_superres.reach import measure_halo

ONE, TWO, FOUR = ((s,) * 3 for s in (1.0, 2.0, 4.0))


@pytest.mark.parametrize(
    ("steps", "scale", "halo"),
    [
        (["conv"], ONE, 1),
        (["conv"] * 3, ONE, 3),
        # A convolution on the finest grid reaches a fraction of a voxel, which is a whole one for a voxel at the edge.
        ([(ONE, FOUR), "conv"], FOUR, 1),
        ([(ONE, TWO), "conv", "conv"], TWO, 2),
        (["transposed"], TWO, 1),
        # The published network at scale 4: three convolutions, a transposed one, up-sampling, two convolutions.
        (["conv"] * 3 + ["transposed", (TWO, FOUR), "conv", "conv"], FOUR, 5),
    ],
)
def test_halo_of_known_chains(steps, scale, halo):
    assert measure_halo(steps, scale) == (halo,) * 3


def test_axes_have_their_own_halo():
    # Three fine voxels beyond the first lie 1.125 coarse ones away from its centre: between the second and the first.
    grid = (4.0, 1.0, 1.0)
    assert measure_halo([(ONE, grid), "conv", "conv", "conv"], grid) == (2, 3, 3)
