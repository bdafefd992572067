from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_slicegan.generator import ResizeGenerator, TransposedGenerator
from mesofuse_slicegan.options import GeneratorOptions
from pydantic import ValidationError

from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region

BOTH = pytest.mark.parametrize("kind", [TransposedGenerator, ResizeGenerator])
PUBLISHED = (32, 1024, 512, 128, 32, 3)


def count(module):
    return sum(p.numel() for p in module.parameters())


def make(kind, problem=None, **options):
    torch.manual_seed(0)
    return kind(GeneratorOptions(**{"latent": 3, "widths": (6, 5, 4), **options}), problem or make_problem(0, 3, 1))


def draw(generator, region, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(1, s.channels, *region.scaled(s.factor).shape, generator=rng) for s in generator.noise]


def empty(region):
    return torch.zeros(1, 0, *region.shape)


@pytest.mark.parametrize(
    ("kind", "resize", "parameters", "never_run"),
    [(TransposedGenerator, False, 40_117_568, 6), (ResizeGenerator, True, 40_114_019, 6150)],
)
def test_parameters_are_the_published_ones(kind, resize, parameters, never_run, published):
    with torch.device("meta"):
        generator = kind(GeneratorOptions(), make_problem(0, 3, 1))
    assert count(generator) == parameters
    layers = [a * b * 64 for a, b in pairwise(PUBLISHED)]
    listed = sum(layers) + 2 * sum(PUBLISHED[1:]) + resize * (32 * 3 * 27 + 3)
    assert listed - count(generator) == never_run
    assert generator.scale == (32.0, 32.0, 32.0)
    assert generator.halo == (1, 1, 1)
    assert [(n.name, n.channels) for n in generator.noise] == [("input", 32)]


@BOTH
def test_four_latent_voxels_make_the_published_64(kind, published):
    generator = make(kind, widths=(6, 5, 4, 4)).eval()
    region = Region.whole((4, 4, 4))
    with torch.no_grad():
        made = generator(empty(region), draw(generator, region), region)
        longer = Region.whole((4, 5, 4))
        other = generator(empty(longer), draw(generator, longer), longer)
    assert made.shape == (1, 3, 64, 64, 64)
    assert other.shape == (1, 3, 64, 96, 64)
    assert published((3, 6, 5, 4, 4, 3))(torch.randn(1, 3, 4, 5, 4)).shape == other.shape


@BOTH
@settings(max_examples=12, deadline=None)
@given(start=st.tuples(*[st.integers(-3, 2)] * 3), edge=st.tuples(*[st.integers(1, 2)] * 3))
def test_a_tile_is_that_part_of_the_whole(kind, start, edge):
    generator = make(kind).eval()
    whole = Region((-3, -3, -3), (4, 4, 4))
    core = Region(start, tuple(a + e for a, e in zip(start, edge, strict=True)))
    given_noise = draw(generator, whole.grown(generator.halo))
    outer, window = whole.grown(generator.halo), core.grown(generator.halo)
    cut = [
        n[(..., *window.scaled(s.factor).within(outer.scaled(s.factor)))]
        for n, s in zip(given_noise, generator.noise, strict=True)
    ]
    with torch.no_grad():
        expected = generator(empty(outer), given_noise, outer, whole)
        tile = generator(empty(window), cut, window, core)
    where = core.scaled(generator.scale).within(whole.scaled(generator.scale))
    torch.testing.assert_close(tile, expected[(..., *where)], atol=1e-6, rtol=0)


@pytest.mark.parametrize("widths", [(), (0,), (8,) * 7])
def test_widths_that_make_no_network_are_refused(widths):
    with pytest.raises(ValidationError):
        GeneratorOptions(widths=widths)


@pytest.mark.parametrize(("widths", "scale"), [((4,), 4), ((4, 4, 4, 4), 32)])
def test_every_layer_doubles_the_resolution(widths, scale):
    assert make(TransposedGenerator, widths=widths).scale == (scale,) * 3


def test_any_number_of_phases():
    generator = make(TransposedGenerator, make_problem(0, 5, 1))
    region = Region.whole((3, 3, 3))
    made = generator(empty(region), draw(generator, region), region)
    assert made.shape[1] == 5
    torch.testing.assert_close(made.sum(1), torch.ones_like(made[:, 0]))
