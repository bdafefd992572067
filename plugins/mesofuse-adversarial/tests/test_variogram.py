import numpy as np
import pytest
import torch
from mesofuse_adversarial.options import VariogramOptions
from mesofuse_adversarial.variogram import Variogram, half_squares, moments

from mesofuse.interfaces.loss import GeneratorStep
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import intensity_problem
from mesofuse.volumes.grid import Region


def step(volume, real):
    region = Region.whole(volume.shape[2:])
    return GeneratorStep(volume, torch.zeros((len(volume), 0, *region.shape)), region, {}, None, real)


def texture(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_it_conforms():
    assert_conforms("loss", "variogram")


def test_moments_and_half_squares_are_the_textbooks():
    values = texture(2, 3, 9, 8)
    flat = values.numpy().transpose(1, 0, 2, 3).reshape(3, -1)
    np.testing.assert_allclose(moments(values).numpy(), [flat.mean(1), (flat**2).mean(1)], rtol=1e-5)
    off = values[..., 2:, :] - values[..., :-2, :]
    np.testing.assert_allclose(half_squares(values, 2, 2), 0.5 * (off**2).mean((0, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize("content", ["grey", "colour"])
def test_a_volume_made_of_the_image_costs_nothing_and_others_do(content):
    loss = Variogram(VariogramOptions(lags=(1, 2)), intensity_problem(content))
    channels = intensity_problem(content).channels
    plane = texture(1, channels, 16, 16)
    # Planes normal to z that are all the image: the volume's statistics along y and x are the image's.
    volume = plane[:, :, None].expand(-1, -1, 12, -1, -1)
    assert float(loss.generator_term(step(volume, {0: plane}))) == pytest.approx(0, abs=1e-4)
    for other in (volume * 0.5, volume + 0.2, volume.roll(1, 4) * 0.5 + volume * 0.5):
        assert float(loss.generator_term(step(other, {0: plane}))) > 0.05


def test_rows_and_columns_of_a_plane_are_not_mixed_up():
    loss = Variogram(VariogramOptions(lags=(1,)), intensity_problem("grey"))
    striped = torch.arange(8.0).remainder(2).expand(8, 8)  # columns differ, rows do not
    volume = striped.expand(1, 1, 8, 8, 8)  # differs along x alone
    fits = {0: striped[None, None], 1: striped[None, None], 2: torch.full((1, 1, 8, 8), 0.5)}
    # Planes normal to y have z along their rows and x along their columns.
    right = float(loss.generator_term(step(volume, {k: fits[k] for k in (0, 1)})))
    turned = {0: striped[None, None], 1: striped.T[None, None]}
    assert right == pytest.approx(0, abs=1e-4)
    assert float(loss.generator_term(step(volume, turned))) > 1


def test_it_has_no_term_for_critics_or_without_crops():
    loss = Variogram(VariogramOptions(), intensity_problem("grey"))
    assert loss.critic_term(None) is None
    assert loss.generator_term(step(texture(1, 1, 8, 8, 8), {})) is None


def test_lags_longer_than_the_volume_are_left_out():
    loss = Variogram(VariogramOptions(lags=(1, 8)), intensity_problem("grey"))
    term = loss.generator_term(step(texture(1, 1, 8, 8, 8), {0: texture(2, 1, 16, 16)}))
    assert torch.isfinite(term)
