import pytest
import torch
from mesofuse_superres.fine_generator import FineGenerator
from mesofuse_superres.options import FineGeneratorOptions

from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region


def test_every_grid_has_fresh_noise_that_matters() -> None:
    torch.manual_seed(0)
    generator = FineGenerator(
        FineGeneratorOptions(channels=5, middle=4, narrow=4, last=4), make_problem(2, 3, 4)
    ).eval()
    assert [(n.name, n.channels) for n in generator.noise] == [("input", 1), ("stage1", 2), ("stage2", 3)]
    low = Region.whole((3, 3, 3))
    field = torch.zeros(1, 2, 3, 3, 3)
    noise = [torch.zeros(1, n.channels, *low.scaled(n.factor).shape) for n in generator.noise]
    with torch.no_grad():
        plain = generator(field, noise, low)
        for i in range(3):
            changed = [torch.randn(n.shape) if j == i else n for j, n in enumerate(noise)]
            assert (generator(field, changed, low) - plain).abs().max() > 1e-5


@pytest.mark.parametrize(("depth", "channels"), [(1, [16]), (2, [16, 12]), (3, [16, 12, 9])])
def test_depth_adds_layers_on_the_finest_grid_alone(depth: int, channels: list[int]) -> None:
    generator = FineGenerator(FineGeneratorOptions(depth=depth), make_problem(2, 3, 4))
    finest = [
        layer.conv.out_channels
        for layer, (kind, grid) in zip(generator.layers, generator.steps, strict=True)
        if kind == "conv" and grid == 2
    ]
    assert finest == channels


def test_its_default_size_is_what_the_documentation_says() -> None:
    generator = FineGenerator(FineGeneratorOptions(), make_problem(2, 3, 4))
    assert sum(p.numel() for p in generator.parameters()) == 65_431
    assert generator.halo == (4, 4, 4)


def test_a_scale_factor_of_one_has_the_coarse_layers_alone() -> None:
    generator = FineGenerator(FineGeneratorOptions(channels=5), make_problem(2, 3, 1))
    noise = [torch.zeros(1, n.channels, 3, 3, 3) for n in generator.noise]
    assert generator(torch.rand(1, 2, 3, 3, 3), noise, Region.whole((3, 3, 3))).shape == (1, 3, 3, 3, 3)


def test_it_conforms() -> None:
    assert_conforms("generator", "superres-fine")
