import pytest
import torch
from mesofuse_superres.multi_scale_critic import MultiScaleCritic
from mesofuse_superres.options import MultiScaleCriticOptions
from pydantic import ValidationError

from mesofuse.testing.problems import make_problem

PROBLEM = make_problem(2, 3, 4)


def make(**options):
    torch.manual_seed(0)
    return MultiScaleCritic(MultiScaleCriticOptions(channels=4, **options), PROBLEM)


@pytest.mark.parametrize(("crop", "levels"), [(16, 1), (32, 2), (48, 2), (64, 3), (128, 4)])
def test_the_score_is_the_mean_over_resolutions(crop, levels):
    critic = make(crop=crop, levels=levels)
    slices = torch.rand(3, 3, crop, crop)
    scores = [
        level(slices.reshape(3, 3, crop // f, f, crop // f, f).mean((3, 5)))
        for level, f in zip(critic.levels, (1, 2, 4, 8), strict=False)
    ]
    assert len(critic.levels) == levels
    assert critic(slices).shape == (3,)
    torch.testing.assert_close(critic(slices), sum(scores) / levels)


def test_the_coarse_critic_sees_no_fine_detail():
    critic = make(crop=32)
    board = (torch.arange(32)[:, None] + torch.arange(32)) % 2.0
    slices = torch.stack([board, 1 - board, 0 * board])[None]
    assert torch.equal(critic.levels[1](torch.nn.functional.avg_pool2d(slices, 2)),
                       critic.levels[1](torch.nn.functional.avg_pool2d(slices.roll(1, 2), 2)))  # fmt: skip
    assert not torch.equal(critic(slices), critic(slices.roll(1, 2)))


@pytest.mark.parametrize("options", [{"crop": 24}, {"crop": 16}, {"crop": 64, "levels": 4}, {"crop": 256}])
def test_crops_that_a_level_cannot_look_at_are_refused(options):
    with pytest.raises(ValidationError, match=r"crop|128"):
        MultiScaleCriticOptions(**options)


def test_spectral_norm_reaches_every_level():
    names = [name for name, _ in make(crop=32, spectral_norm=True).named_buffers()]
    assert len(names) == 2 * 4 * 2
    assert {name.split(".")[1] for name in names} == {"0", "1"}
