import pytest
import torch
from mesofuse_superres.options import SlimCriticOptions
from mesofuse_superres.slim_critic import SlimCritic
from pydantic import ValidationError

from mesofuse.testing.problems import make_problem


@pytest.mark.parametrize("crop", [16, 32, 64])
def test_one_score_a_slice(crop):
    critic = SlimCritic(SlimCriticOptions(channels=4, crop=crop), make_problem(2, 3, 4))
    assert critic.crop == crop
    assert critic(torch.rand(5, 3, crop, crop)).shape == (5,)


def test_crops_are_multiples_of_eight():
    with pytest.raises(ValidationError):
        SlimCriticOptions(crop=20)
