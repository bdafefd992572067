import numpy as np
import pytest
import torch
from mesofuse_slicegan.generator import TransposedGenerator
from mesofuse_slicegan.method import planes_of
from mesofuse_slicegan.options import GeneratorOptions, SlimGeneratorOptions
from mesofuse_slicegan.published import imported
from mesofuse_slicegan.slim_generator import SlimGenerator
from mesofuse_slicegan.voxel_values import voxel_values

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.testing.problems import intensity_problem
from mesofuse.training.generator_model import voxels
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray


def test_phases_are_probabilities_and_intensities_the_published_half_of_tanh_plus_one():
    made = torch.linspace(-4, 4, 24).reshape(2, 3, 1, 2, 2)
    assert torch.allclose(voxel_values(made, "phases").sum(1), torch.ones(2, 1, 2, 2))
    for content in ("grey", "colour"):
        assert torch.allclose(voxel_values(made, content), torch.sigmoid(2 * made), atol=1e-6)


def test_the_voxels_that_are_kept_are_255_steps_of_the_values():
    values = torch.tensor([0.0, 0.5, 1.0, 1 / 255, 1.4 / 255]).reshape(1, 1, 1, 5)
    assert voxels(values, "grey").tolist() == [[[0, 128, 255, 1, 1]]]
    assert voxels(values.expand(3, 1, 1, 5), "colour").shape == (3, 1, 1, 5)
    assert voxels(torch.eye(3).reshape(3, 1, 1, 3), "phases").tolist() == [[[0, 1, 2]]]


@pytest.mark.parametrize(("content", "channels"), [("grey", 1), ("colour", 3)])
def test_published_weights_of_intensities_give_the_published_voxels(published, content, channels):
    theirs, noise = published((5, 12, 10, 8, 6, channels)), torch.randn(1, 5, 4, 4, 4)
    tensors = {k: v.numpy() for k, v in theirs.state_dict().items()}
    problem = intensity_problem(content)
    found = imported(tensors, problem)
    options = {k: v for k, v in found.options["generator"].items() if k != "name"}
    generator = TransposedGenerator(GeneratorOptions.model_validate(options), problem).eval()
    generator.load_state_dict({k: torch.as_tensor(v) for k, v in found.state.items()})
    region = Region.whole((4, 4, 4))
    with torch.no_grad():
        made = generator(torch.zeros(1, 0, 4, 4, 4), [noise], region)
        expected = 0.5 * (torch.tanh(theirs.convs[-1](theirs.before_last(noise))) + 1)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)
    other = intensity_problem("colour" if content == "grey" else "grey")
    with pytest.raises(UserError, match="give another --content"):
        imported(tensors, other)


def test_a_training_volume_of_colours_gives_the_planes_of_every_axis():
    array = np.arange(3 * 2 * 3 * 4, dtype=np.uint8).reshape(3, 2, 3, 4)
    volume = LabelArray(array, Grid((2, 3, 4), (3.0, 2.0, 1.0), "micrometer"), ())
    _, y, x = planes_of(FusionInputs(None, (volume,) * 3, intensity_problem("colour")))
    assert np.array_equal(y.array[:, 1], array[:, :, 1, :])
    assert np.array_equal(x.array[:, 3], array[:, :, :, 3])
    assert (x.grid.shape, x.grid.voxel_size) == ((4, 2, 3), (1.0, 3.0, 2.0))


def test_the_slim_generator_begins_away_from_the_ends_of_tanh():
    torch.manual_seed(0)
    generator = SlimGenerator(SlimGeneratorOptions(), intensity_problem("grey")).eval()
    region = Region.whole((1, 1, 1)).grown(generator.halo)
    noise = [torch.randn(1, n.channels, *region.scaled(n.factor).shape) for n in generator.noise]
    with torch.no_grad():
        made = generator(torch.zeros(1, 0, *region.shape), noise, region, Region.whole((1, 1, 1)))
    assert 0.3 < made.min() < made.max() < 0.7
    assert made.std() > 0.005
