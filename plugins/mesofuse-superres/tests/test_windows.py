import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_superres import windows
from torch import nn

from mesofuse.volumes.grid import Region

RNG = torch.Generator().manual_seed(0)


def data(shape):
    return torch.randn((1, 2, *shape), generator=RNG, dtype=torch.float64)


def parts(shape):
    """Return a strategy of regions within a shape."""

    @st.composite
    def region(draw):
        start = tuple(draw(st.integers(0, n - 1)) for n in shape)
        return Region(start, tuple(draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)))

    return region()


@settings(max_examples=25, deadline=None)
@given(parts((7, 6, 5)))
def test_conv_on_a_window_is_a_part_of_the_padded_convolution(want):
    layer = nn.Conv3d(2, 3, 3, padding=1, padding_mode="replicate").double()
    values = data((7, 6, 5))
    have = Region.whole((7, 6, 5))
    made = windows.conv(layer, values, have, want)
    torch.testing.assert_close(made, layer(values)[(..., *want.slices)])
    # The needed part alone gives the same.
    needed = windows.clip(windows.conv_needs(want), have)
    torch.testing.assert_close(windows.conv(layer, windows.cut(values, have, needed), needed, want), made)


@settings(max_examples=25, deadline=None)
@given(parts((10, 8, 12)))
def test_transposed_on_a_window_is_a_part_of_the_whole(want):
    layer = nn.ConvTranspose3d(2, 3, 4, 2, 1).double()
    values = data((5, 4, 6))
    have = Region.whole((5, 4, 6))
    needed = windows.clip(windows.transposed_needs(want), have)
    made = windows.transposed(layer, windows.cut(values, have, needed), needed, want)
    torch.testing.assert_close(made, layer(values)[(..., *want.slices)])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(1.0, 2.0), (1.0, 1.6), (2.0, 3.0), (4.0, 5.33), (1.0, 1.0)]), st.data())
def test_upsample_on_a_window_is_a_part_of_the_whole(scales, draw):
    source, target = ((s,) * 3 for s in scales)
    low = Region.whole((5, 6, 4))
    have, whole = low.scaled(source), low.scaled(target)
    values = data(have.shape)
    every = windows.upsample(values, have, whole, source, target)
    assert every.shape[2:] == whole.shape
    want = draw.draw(parts(whole.shape))
    needed = windows.clip(windows.upsample_needs(want, source, target), have)
    made = windows.upsample(windows.cut(values, have, needed), needed, want, source, target)
    torch.testing.assert_close(made, every[(..., *want.slices)])


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.sampled_from([1, 2])] * 3), st.data())
def test_transposed_doubles_the_axes_of_stride_two(strides, draw):
    layer = nn.ConvTranspose3d(2, 3, tuple(2 + s for s in strides), strides, 1).double()
    have = Region((2, 0, 5), (7, 4, 6))
    values = data(have.shape)
    # Along the other axes it is a convolution that repeats the nearest voxel beyond the end.
    pads = [int(s == 1) for s in reversed(strides) for _ in range(2)]
    grown = layer(nn.functional.pad(values, pads, mode="replicate"))
    inner = [slice(1, -1) if s == 1 else slice(None) for s in strides]
    whole = have.scaled(strides)
    every = windows.transposed(layer, values, have, whole)
    torch.testing.assert_close(every, grown[(..., *inner)])
    want = draw.draw(parts(whole.shape)).shifted(whole.start)
    needed = windows.clip(windows.transposed_needs(want, strides), have)
    made = windows.transposed(layer, windows.cut(values, have, needed), needed, want)
    torch.testing.assert_close(made, every[(..., *want.within(whole))])


def test_up_sampling_along_some_axes_leaves_the_others():
    low = Region((1, 2, 0), (6, 6, 3))
    values, grid = data(low.shape), (1.0, 1.6, 1.0)
    made = windows.upsample(values, low, low.scaled(grid), (1.0,) * 3, grid)
    for z in range(5):
        alone = windows.upsample(
            values[:, :, z : z + 1], Region((z + 1, 2, 0), (z + 2, 6, 3)),
            Region((z + 1, *low.scaled(grid).start[1:]), (z + 2, *low.scaled(grid).stop[1:])), (1.0,) * 3, grid,
        )  # fmt: skip
        assert torch.equal(alone, made[:, :, z : z + 1])
    assert windows.upsample(values, low, low, grid, grid) is values


@pytest.mark.parametrize("factor", [2.0, 1.6, 2.5])
def test_upsample_equals_torchs(factor):
    low = Region.whole((5, 5, 10))
    values = data(low.shape)
    made = windows.upsample(values, low, low.scaled((factor,) * 3), (1.0,) * 3, (factor,) * 3)
    expected = nn.functional.interpolate(values, scale_factor=factor, mode="trilinear", align_corners=False)
    torch.testing.assert_close(made, expected)


def test_a_linear_ramp_stays_one_at_absolute_coordinates():
    low = Region((3, 0, 0), (9, 1, 1))
    values = (torch.arange(3.0, 9.0, dtype=torch.float64) + 0.5).reshape(1, 1, 6, 1, 1)
    fine = low.scaled((5.33, 1.0, 1.0))
    made = windows.upsample(values, low, fine, (1.0,) * 3, (5.33, 1.0, 1.0)).ravel()
    centres = (torch.arange(fine.start[0], fine.stop[0], dtype=torch.float64) + 0.5) / 5.33
    inside = (centres > 3.5) & (centres < 8.5)
    torch.testing.assert_close(made[inside], centres[inside])
