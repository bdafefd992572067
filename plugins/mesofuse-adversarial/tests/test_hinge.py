import pytest
import torch
from mesofuse_adversarial.hinge import Hinge
from mesofuse_adversarial.options import HingeOptions

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region

LOSS = Hinge(HingeOptions(), make_problem(2, 3, 4))


def scores_of(slices: torch.Tensor) -> torch.Tensor:
    return slices.sum((1, 2, 3))


def test_scores_beyond_the_margin_cost_nothing() -> None:
    real, fake = torch.tensor([3.0, 0.5]).reshape(2, 1, 1, 1), torch.tensor([-2.0, -0.25, 1.0]).reshape(3, 1, 1, 1)
    step = CriticStep(scores_of, real, fake, 0, torch.Generator())  # type: ignore[arg-type]
    assert LOSS.critic_term(step).item() == pytest.approx((0 + 0.75 + 2) / 3 + (0 + 0.5) / 2)


def test_generator_sums_minus_means_over_axes() -> None:
    scores = {0: torch.tensor([1.0, 3.0]), 2: torch.tensor([5.0])}
    volume, at = torch.zeros(1, 3, 4, 4, 4), Region.whole((1, 1, 1))
    assert LOSS.generator_term(GeneratorStep(volume, volume, at, scores, None)).item() == -7
    assert LOSS.generator_term(GeneratorStep(volume, volume, at, {}, None)) is None
