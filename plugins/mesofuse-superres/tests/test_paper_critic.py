import pytest
import torch
from mesofuse_superres.options import PaperCriticOptions
from mesofuse_superres.paper_critic import PaperCritic

from mesofuse.testing.problems import make_problem


@pytest.mark.parametrize(
    ("options", "crop", "parameters"),
    [({}, 56, 1_851_330), ({"larger": True}, 120, 2_605_058), ({"small": True}, 32, 1_851_330)],
)
def test_parameters_are_the_published_ones(options, crop, parameters):
    """Counted by building the published program's network; the smaller cube is the same one, left early."""
    critic = PaperCritic(PaperCriticOptions(**options), make_problem(2, 3, 4))
    assert sum(p.numel() for p in critic.parameters()) == parameters
    assert critic.crop == crop


@pytest.mark.parametrize(("options", "crop"), [({}, 56), ({"larger": True}, 120), ({"small": True}, 32)])
def test_one_score_a_slice(options, crop):
    critic = PaperCritic(PaperCriticOptions(width=5, **options), make_problem(2, 3, 4))
    assert critic.crop == crop
    assert critic(torch.rand(3, 3, crop, crop)).shape == (3,)
    # The crop is what the head reduces to a single number.
    head = critic.early if critic.small else critic.deep
    assert head(critic.body(torch.rand(1, 3, crop, crop))).shape == (1, 1, 1, 1)
