import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_slicegan.options import SlimGeneratorOptions
from mesofuse_slicegan.slim_generator import SlimGenerator

from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region


def make(widths=(5, 4), noise=1):
    torch.manual_seed(0)
    options = SlimGeneratorOptions(latent=3, widths=widths, noise=noise)
    return SlimGenerator(options, make_problem(0, 3, 1)).eval()


def draw(generator, region):
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(1, s.channels, *region.scaled(s.factor).shape, generator=rng) for s in generator.noise]


def run(generator, noise, region, core):
    with torch.no_grad():
        return generator(torch.zeros(1, 0, *region.shape), noise, region, core)


@settings(max_examples=20, deadline=None)
@given(
    start=st.tuples(*[st.integers(-2, 1)] * 3),
    edge=st.tuples(*[st.integers(1, 2)] * 3),
    noise=st.integers(0, 2),
    widths=st.sampled_from([(4,), (5, 4), (4, 3, 3)]),
)
def test_a_tile_is_that_part_of_the_whole(start, edge, noise, widths):
    generator = make(widths, noise)
    whole, core = Region((-2, -2, -2), (3, 3, 3)), Region(start, tuple(a + e for a, e in zip(start, edge, strict=True)))
    outer, window = whole.grown(generator.halo), core.grown(generator.halo)
    everything = draw(generator, outer)
    cut = [
        n[(..., *window.scaled(s.factor).within(outer.scaled(s.factor)))]
        for n, s in zip(everything, generator.noise, strict=True)
    ]
    tile = run(generator, cut, window, core)
    assert tile.shape == (1, 3, *core.scaled(generator.scale).shape)
    expected = run(generator, everything, outer, whole)[
        (..., *core.scaled(generator.scale).within(whole.scaled(generator.scale)))
    ]
    torch.testing.assert_close(tile, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("widths", "scale", "halo"), [((4,), 4, 2), ((5, 4), 8, 2), ((4, 4, 4), 16, 2)])
def test_every_stage_doubles_the_resolution(widths, scale, halo):
    generator = make(widths)
    assert (generator.scale, generator.halo) == ((scale,) * 3, (halo,) * 3)


def test_every_stage_has_fresh_noise_that_matters():
    generator = make(noise=2)
    assert [(n.name, n.channels) for n in generator.noise] == [
        ("input", 3),
        ("stage1", 2),
        ("stage2", 2),
        ("stage3", 2),
    ]
    core = Region.whole((1, 1, 1))
    region = core.grown(generator.halo)
    noise = draw(generator, region)
    plain = run(generator, noise, region, core)
    for i in range(4):
        changed = [n + 1 if j == i else n for j, n in enumerate(noise)]
        assert (run(generator, changed, region, core) - plain).abs().max() > 1e-4


def test_no_voxel_is_special_by_its_place():
    """Constant noise gives a constant volume; a transposed convolution would give a checkerboard."""
    generator = make()
    core = Region.whole((1, 2, 1))
    region = core.grown(generator.halo)
    made = run(generator, [torch.ones_like(n) for n in draw(generator, region)], region, core)
    torch.testing.assert_close(made, made[..., :1, :1, :1].expand_as(made), atol=1e-6, rtol=0)
