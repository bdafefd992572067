import torch
from mesofuse_slicegan.critic import SliceCritic
from mesofuse_slicegan.options import CriticOptions

from mesofuse.testing.problems import make_problem


def test_parameters_are_the_published_ones():
    critic = SliceCritic(CriticOptions(), make_problem(0, 3, 1))
    assert sum(p.numel() for p in critic.parameters()) == 2_763_776


def test_one_score_a_slice_of_64():
    critic = SliceCritic(CriticOptions(channels=4), make_problem(0, 2, 1))
    slices = torch.rand(5, 2, 64, 64)
    assert critic(slices).shape == (5,)
    body, last = list(critic.convs)[:-1], critic.convs[-1]
    for conv in body:
        slices = conv(slices)
    assert last(slices).shape == (5, 1, 1, 1)
