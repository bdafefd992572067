import math

import pytest
import torch
from mesofuse_adversarial.options import R1Options
from mesofuse_adversarial.r1 import R1

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.testing.problems import make_problem
from mesofuse.volumes.grid import Region

PROBLEM = make_problem(2, 3, 4)


class LinearCritic(torch.nn.Module):
    """Score = slope · sum of a slice; its gradient is the slope at every value."""

    crop = 4

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(slope))

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        return self.slope * slices.sum((1, 2, 3))


def softplus(value: float) -> float:
    return math.log1p(math.exp(value))


def test_linear_critic_by_formula() -> None:
    critic = LinearCritic(0.1)
    real, fake = torch.full((5, 3, 4, 4), 0.25), torch.full((2, 3, 4, 4), 0.5)
    step = CriticStep(critic, real, fake, 0, torch.Generator())
    term = R1(R1Options(penalty=10), PROBLEM).critic_term(step)
    assert term.item() == pytest.approx(softplus(2.4) + softplus(-1.2) + 5 * 48 * 0.01, rel=1e-5)
    plain = R1(R1Options(penalty=0), PROBLEM).critic_term(step)
    assert term.item() - plain.item() == pytest.approx(2.4, rel=1e-5)
    (slope,) = torch.autograd.grad(term - plain, critic.slope)
    assert slope.item() == pytest.approx(10 * 48 * 0.1, rel=1e-5)
    assert not real.requires_grad


def test_generator_sums_over_axes() -> None:
    scores = {0: torch.tensor([1.0, 3.0]), 2: torch.tensor([-5.0])}
    volume, at = torch.zeros(1, 3, 4, 4, 4), Region.whole((1, 1, 1))
    loss = R1(R1Options(), PROBLEM)
    expected = (softplus(-1) + softplus(-3)) / 2 + softplus(5)
    assert loss.generator_term(GeneratorStep(volume, volume, at, scores, None)).item() == pytest.approx(expected)
    assert loss.generator_term(GeneratorStep(volume, volume, at, {}, None)) is None
