import pytest
import torch
from mesofuse_superres.options import PaperGeneratorOptions
from mesofuse_superres.paper_generator import PaperGenerator, stages_of

from mesofuse.errors import UserError
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_and_shapes_are_the_published_ones():
    generator = PaperGenerator(PaperGeneratorOptions(), make_problem(2, 3, 4))
    assert count(generator) == 5_886_083
    assert generator.halo == (5, 5, 5)
    assert [(n.channels, n.factor) for n in generator.noise] == [(1, (1.0, 1.0, 1.0))]
    assert generator.enter.out_channels == 256


@pytest.mark.parametrize(
    ("scale", "widths", "kinds", "parameters"),
    [
        # Counted by building the published program's network.
        (1.6, [128, 64], ["resize"], 1_122_819),
        (2, [128, 64], ["resize"], 1_122_819),
        (3, [256, 128, 64], ["transposed", "resize"], 5_886_083),
        (4, [256, 128, 64], ["transposed", "resize"], 5_886_083),
        (5.33, [512, 256, 128, 64], ["resize", "transposed", "resize"], 20_065_667),
        (8, [512, 256, 128, 64], ["resize", "transposed", "resize"], 20_065_667),
        # Beyond what was published.
        (1, [128, 64], ["resize"], 1_122_819),
        (16, [1024, 512, 256, 128, 64], ["resize", "resize", "transposed", "resize"], 76_736_387),
        ((1, 4, 4), [256, 128, 64], ["transposed", "resize"], 5_886_083 - 256 * 128 * (64 - 48)),
    ],
)
def test_layers_follow_the_scale(scale, widths, kinds, parameters):
    with torch.device("meta"):
        generator = PaperGenerator(PaperGeneratorOptions(), make_problem(2, 3, scale))
    assert [kind for kind, _, _ in generator.stages] == kinds
    assert [generator.enter.out_channels, *(norm.num_features for norm in generator.stage_norms)] == widths
    assert count(generator) == parameters


def test_widths_above_scale_eight_are_capped_and_published_ones_are_not():
    with torch.device("meta"):
        for scale, widths in ((8, [2048, 1024, 512, 256]), (16, [2048, 2048, 1024, 512, 256])):
            generator = PaperGenerator(PaperGeneratorOptions(width=10), make_problem(2, 3, scale))
            assert [generator.enter.out_channels, *(norm.num_features for norm in generator.stage_norms)] == widths


def test_each_axis_is_up_sampled_as_published_for_its_own_factor():
    assert [(kind, after) for kind, _, after in stages_of((16.0, 5.33, 1.6))] == [
        ("resize", (2.0, 1.0, 1.0)),
        ("resize", (4.0, 2.0, 1.0)),
        ("transposed", (8.0, 4.0, 1.0)),
        ("resize", (16.0, 5.33, 1.6)),
    ]
    generator = PaperGenerator(PaperGeneratorOptions(width=3), make_problem(2, 3, (4, 2, 8)))
    transposed = generator.layers[1]
    assert (transposed.kernel_size, transposed.stride, transposed.padding) == ((4, 3, 4), (2, 1, 2), (1, 1, 1))


@pytest.mark.parametrize(("blocks", "halo"), [(1, 5), (3, 9)])
def test_output_fills_the_finer_grid(blocks, halo):
    generator = PaperGenerator(PaperGeneratorOptions(width=3, blocks=blocks), make_problem(2, 3, 5.33)).eval()
    assert generator.halo == (halo,) * 3
    region = Region((2, 0, 1), (6, 3, 6))
    field = torch.zeros(2, 2, *region.shape)
    with torch.no_grad():
        made = generator(field, [torch.zeros(2, 1, *region.shape)], region)
    assert made.shape == (2, 3, *region.scaled((5.33,) * 3).shape)
    torch.testing.assert_close(made.sum(1), torch.ones_like(made[:, 0]))


def test_scale_factors_above_sixteen_are_refused():
    with pytest.raises(UserError, match=r"not 16.5, 1, 1: use the preset slim"):
        PaperGenerator(PaperGeneratorOptions(), make_problem(2, 3, (16.5, 1, 1)))


def test_training_mode_equals_padding_every_layer():
    """On a whole volume the windows give what nn.Conv3d with replicate padding gives."""
    torch.manual_seed(0)
    generator = PaperGenerator(PaperGeneratorOptions(width=3), make_problem(2, 3, 4)).double()
    region = Region.whole((5, 4, 6))
    field, noise = torch.rand(2, 2, *region.shape).double(), torch.randn(2, 1, *region.shape).double()
    relu = torch.relu

    def padded(layer, x):
        grown = torch.nn.functional.pad(x, (1,) * 6, mode="replicate")
        return torch.nn.functional.conv3d(grown, layer.weight, layer.bias)

    first = relu(generator.enter_norm(padded(generator.enter, torch.cat([field, noise], 1))))
    side = relu(generator.norms[0](padded(generator.convs[0], first)))
    x = first + relu(first + generator.norms[1](padded(generator.convs[1], side)))
    x = relu(generator.stage_norms[0](generator.layers[0](x)))
    x = torch.nn.functional.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
    x = relu(generator.stage_norms[1](padded(generator.layers[1], x)))
    expected = torch.softmax(padded(generator.leave, x), 1)
    torch.testing.assert_close(generator(field, [noise], region), expected)
