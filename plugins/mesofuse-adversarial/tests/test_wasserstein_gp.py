import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_adversarial.options import WassersteinGPOptions
from mesofuse_adversarial.wasserstein_gp import PLACES, WassersteinGP, spread

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import PhaseMatch, default_phases

PROBLEM = Problem((4.0,) * 3, default_phases(2), default_phases(3), PhaseMatch(((0,), (1,))))


class LinearCritic(torch.nn.Module):
    """Score = slope · sum of a slice; its gradient has length |slope| · √(values a slice) everywhere."""

    crop = 4

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(slope))

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        return self.slope * slices.sum((1, 2, 3))


def step(critic: torch.nn.Module, real: torch.Tensor, fake: torch.Tensor, seed: int = 0) -> CriticStep:
    return CriticStep(critic, real, fake, 0, torch.Generator().manual_seed(seed))  # type: ignore[arg-type]


@pytest.mark.parametrize(("reals", "fakes"), [(2, 2), (2, 5), (7, 3)])
def test_linear_critic_by_formula(reals: int, fakes: int) -> None:
    critic = LinearCritic(0.5)
    real, fake = torch.full((reals, 3, 4, 4), 0.25), torch.full((fakes, 3, 4, 4), 0.5)
    term = WassersteinGP(WassersteinGPOptions(penalty=10), PROBLEM).critic_term(step(critic, real, fake))
    length = 0.5 * 48**0.5
    assert term.item() == pytest.approx(0.5 * 48 * (0.5 - 0.25) + 10 * (length - 1) ** 2, rel=1e-5)
    term.backward()
    slope = 48 * 0.25 + 10 * 2 * (length - 1) * 48**0.5
    assert critic.slope.grad.item() == pytest.approx(slope, rel=1e-5)


def test_penalty_is_taken_between_real_and_fake() -> None:
    class Square(LinearCritic):
        def forward(self, slices: torch.Tensor) -> torch.Tensor:
            return slices.flatten(1).square().sum(1) / 2

    # The gradient of |u|²/2 is u, so the penalty is (|u| − 1)²: 0 for |u| = 1 and never beyond the ends' values.
    real, fake = torch.zeros(64, 1, 1, 1), torch.full((64, 1, 1, 1), 3.0)
    loss = WassersteinGP(WassersteinGPOptions(penalty=1), PROBLEM)
    penalty = loss.critic_term(step(Square(0.0), real, fake)).item() - 4.5
    # u uniform on [0, 3]: mean (u − 1)² = 1.
    assert penalty == pytest.approx(1, abs=0.35)
    same = torch.full((4, 1, 1, 1), 2.0)
    assert loss.critic_term(step(Square(0.0), same, same)).item() == pytest.approx(1)


def test_the_rng_decides_alone() -> None:
    critic = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 4), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(4, 1))
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.rand(6, 3, 4, 4, generator=rng), torch.rand(9, 3, 4, 4, generator=rng)
    loss = WassersteinGP(WassersteinGPOptions(), PROBLEM)
    terms = [loss.critic_term(step(critic, real, fake, seed)).item() for seed in (1, 1, 2)]
    assert terms[0] == terms[1] != terms[2]


def test_generator_sums_minus_means_over_axes() -> None:
    scores = {0: torch.tensor([1.0, 3.0]), 2: torch.tensor([5.0])}
    volume = torch.zeros(1, 3, 4, 4, 4)
    loss = WassersteinGP(WassersteinGPOptions(), PROBLEM)
    at = Region.whole((1, 1, 1))
    assert loss.generator_term(GeneratorStep(volume, volume, at, scores, None)).item() == -7
    assert loss.generator_term(GeneratorStep(volume, volume, at, {}, None)) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 40), st.integers(0, PLACES - 1))
def test_parts_of_a_batch_give_the_parts_of_its_pairs(world: int, count: int, more: int, start: int) -> None:
    """Each process picks from its own rows what one process would pick there."""
    length = max(count, more)
    whole = torch.arange(world * length)
    parts = [spread(part, count, start) for part in whole.split(length)]
    assert torch.equal(torch.cat(parts), spread(whole, world * count, start))


def test_every_slice_is_picked_sometime() -> None:
    starts = range(0, PLACES, PLACES // 16)
    assert {int(v) for start in starts for v in spread(torch.arange(12), 3, start)} == set(range(12))
