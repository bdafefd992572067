import pytest
import torch
from mesofuse_superres.options import SlimGeneratorOptions
from mesofuse_superres.slim_generator import SlimGenerator, stage_grids

from mesofuse.testing.problems import blobs, make_problem
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


def test_every_stage_has_fresh_noise_that_matters():
    torch.manual_seed(0)
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


@pytest.mark.parametrize("scale", [2, 4, 2.5, (1, 4, 4)])
def test_with_skip_it_begins_with_the_scan(scale):
    problem = make_problem(2, 3, scale)  # the scan's second phase shows the image's second and third
    torch.manual_seed(0)
    generator = SlimGenerator(SlimGeneratorOptions(channels=8, last=4, skip=8.0), problem).eval()
    region = Region.whole((1 if problem.scale[0] == 1 else 6, 6, 6))
    scan = torch.from_numpy(blobs(region.shape, 2).array.astype("int64"))[None]
    field = torch.nn.functional.one_hot(scan, 2).movedim(-1, 1).float()
    noise = [torch.randn(1, n.channels, *region.scaled(n.factor).shape) for n in generator.noise]
    with torch.no_grad():
        made = generator(field, noise, region)
    centres = [[int((i + 0.5) * s) for i in range(n)] for n, s in zip(region.shape, problem.scale, strict=True)]
    at = made[0][:, centres[0]][:, :, centres[1]][:, :, :, centres[2]]
    assert ((at[1:].sum(0) > at[0]).long() == scan[0]).float().mean() > 0.95
