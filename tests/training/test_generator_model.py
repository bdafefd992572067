import numpy as np
import pytest
import torch

from mesofuse.interfaces.method import TileInput
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.streaming.noise import draw_noise
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.testing.problems import blobs, intensity_problem, make_problem
from mesofuse.training.generator_model import GeneratorModel, drawn, sharpened
from mesofuse.training.recipe import LabelOptions
from mesofuse.volumes.grid import Region

PROBLEM = make_problem(2, 3, 2)
DRAWN = LabelOptions(choice="drawn", power=3.0)


class Fixed(torch.nn.Module):
    """Makes the same probabilities everywhere."""

    scale, halo, noise, activation_bytes = (2.0, 2.0, 2.0), (1, 1, 1), (NoiseSpec("own", 2),), 100

    def __init__(self, *probabilities):
        super().__init__()
        self.register_buffer("p", torch.tensor(probabilities))

    def forward(self, field, noise, region, core=None):
        assert [n.shape[1] for n in noise] == [2]
        shape = (core or region).scaled(self.scale).shape
        return self.p[None, :, None, None, None].expand(1, len(self.p), *shape)


def test_labels_are_drawn_as_often_as_the_sharpened_probabilities_say(tmp_path):
    p = np.array([0.5, 0.3, 0.2])
    scan = blobs((24, 24, 24), 2)
    model = GeneratorModel(Fixed(*p), PROBLEM, DRAWN)
    assert model.noise == (NoiseSpec("own", 2), NoiseSpec("labels", 1, (2.0, 2.0, 2.0)))
    volume = generate(model, scan, scan.grid, str(tmp_path / "a.zarr"), GenerateOptions(seed=3))
    labels = volume.read(volume.grid.region)
    expected = p**3 / (p**3).sum()
    # Three standard deviations of 110,592 independent draws.
    assert np.bincount(labels.ravel()) / labels.size == pytest.approx(expected, abs=0.0045)
    beside = (labels[1:] == labels[:-1]).mean()
    assert beside == pytest.approx((expected**2).sum(), abs=0.006)


def test_drawn_labels_belong_to_coordinates(tmp_path):
    scan = blobs((40, 9, 8), 2)
    model = GeneratorModel(Fixed(0.5, 0.3, 0.2), PROBLEM, DRAWN)
    options = [
        GenerateOptions(seed=1), GenerateOptions(seed=1, chunks=(10, 10, 10), workers=2),
        GenerateOptions(seed=1, region=Region((30, 4, 2), (70, 18, 16))), GenerateOptions(seed=2),
    ]  # fmt: skip
    whole, other, part, fresh = (
        (v := generate(model, scan, scan.grid, str(tmp_path / f"{i}.zarr"), o)).read(v.grid.region)
        for i, o in enumerate(options)
    )
    assert np.array_equal(whole, other)
    assert np.array_equal(whole[30:70, 4:18, 2:16], part)
    assert not np.array_equal(whole, fresh)


def tile_of(model, shape=(3, 3, 3)):
    region = Region.whole(shape)
    noise = tuple(draw_noise(spec, 0, region.scaled(spec.factor)) for spec in model.noise)
    return TileInput(region, region, shape, np.zeros(shape, np.uint8), noise)


def test_the_probabilities_given_are_those_drawn_by():
    model = GeneratorModel(Fixed(0.5, 0.3, 0.2), PROBLEM, DRAWN)
    made = model.reconstruct(tile_of(model), probabilities=True)
    expected = np.array([0.125, 0.027, 0.008]) / 0.16
    assert made.probabilities[:, 0, 0, 0] == pytest.approx(expected, rel=1e-5)
    assert np.array_equal(made.labels, model.reconstruct(tile_of(model)).labels)


@pytest.mark.parametrize("labels", [None, LabelOptions()])
def test_the_likeliest_phase_takes_no_noise_of_its_own(labels):
    model = GeneratorModel(Fixed(0.2, 0.5, 0.3), PROBLEM, labels)
    assert not model.draws
    assert model.noise == (NoiseSpec("own", 2),)
    assert np.unique(model.reconstruct(tile_of(model)).labels).tolist() == [1]


def test_intensities_are_never_drawn():
    assert not GeneratorModel(Fixed(0.5), intensity_problem("grey"), DRAWN).draws


def test_certain_phases_stay_and_the_extremes_of_the_numbers_are_labels_too():
    certain = torch.zeros(3, 1, 1, 3)
    certain[1] = 1
    numbers = torch.tensor([-9.0, 0.0, 9.0]).reshape(1, 1, 3)
    assert drawn(certain, numbers).flatten().tolist() == [1, 1, 1]
    even = torch.full((3, 1, 1, 3), 1 / 3)
    assert drawn(even, numbers).flatten().tolist() == [0, 1, 2]
    assert sharpened(certain, 12.0)[1].min() == pytest.approx(1)
