import pytest
import torch
from mesofuse_superres.options import SlimGeneratorOptions
from mesofuse_superres.slim_generator import SlimGenerator, stage_grids

from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region


@pytest.mark.parametrize(
    ("scale", "grids"),
    [
        ((4.0, 4.0, 4.0), [(2.0,) * 3, (4.0,) * 3]),
        ((3.0, 3.0, 3.0), [(2.0,) * 3, (3.0,) * 3]),
        ((1.6, 1.6, 1.6), [(1.6,) * 3]),
        ((8.0, 4.0, 1.0), [(2.0, 2.0, 1.0), (4.0, 4.0, 1.0), (8.0, 4.0, 1.0)]),
        ((1.0, 1.0, 1.0), []),
    ],
)
def test_each_stage_at_most_doubles(scale, grids):
    assert stage_grids(scale) == grids


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 6, 16, 1.6, 5.33, (4, 2, 1.5)])
def test_a_tile_equals_the_whole(scale):
    torch.manual_seed(1)
    generator = SlimGenerator(SlimGeneratorOptions(channels=5, last=4), make_problem(2, 3, scale)).eval()
    low = Region.whole((14, 5, 4))
    field = torch.nn.functional.one_hot(torch.randint(2, (1, *low.shape)), 2).movedim(-1, 1).float()
    noise = [torch.randn(1, n.channels, *low.scaled(n.factor).shape) for n in generator.noise]
    core = Region((5, 0, 1), (9, 5, 3))
    window = core.grown(generator.halo, low.shape)
    with torch.no_grad():
        whole = generator(field, noise, low)
        cut = [
            n[(..., *window.scaled(s.factor).within(low.scaled(s.factor)))]
            for n, s in zip(noise, generator.noise, strict=True)
        ]
        tile = generator(field[(..., *window.slices)], cut, window, core)
    torch.testing.assert_close(tile, whole[(..., *core.scaled(generator.scale).slices)], atol=1e-6, rtol=0)


def test_every_stage_has_fresh_noise_that_matters():
    generator = SlimGenerator(SlimGeneratorOptions(channels=5, last=4, noise=2), make_problem(2, 3, 4)).eval()
    assert [n.name for n in generator.noise] == ["input", "stage1", "stage2"]
    low = Region.whole((3, 3, 3))
    field = torch.zeros(1, 2, 3, 3, 3)
    noise = [torch.zeros(1, 2, *low.scaled(n.factor).shape) for n in generator.noise]
    with torch.no_grad():
        plain = generator(field, noise, low)
        for i in range(3):
            changed = [torch.ones_like(n) if j == i else n for j, n in enumerate(noise)]
            assert (generator(field, changed, low) - plain).abs().max() > 1e-4


def test_without_noise_it_takes_none():
    generator = SlimGenerator(SlimGeneratorOptions(channels=5, last=4, noise=0), make_problem(2, 3, 2))
    assert generator.noise == ()
    assert generator(torch.rand(2, 2, 3, 3, 3), [], Region.whole((3, 3, 3))).shape == (2, 3, 6, 6, 6)
