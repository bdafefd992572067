"""Checks of losses."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import torch

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse.testing.checks import Check, require
from mesofuse.testing.common import build, same_bits
from mesofuse.testing.problems import describe, intensity_problem, make_problem
from mesofuse.testing.stand_ins import PlainCritic, PlainDegradation
from mesofuse.volumes.grid import Region

if TYPE_CHECKING:
    from mesofuse.registry import Component

PROBLEMS = (make_problem(2, 2, 2), make_problem(2, 3, 2), make_problem(3, 3, (2, 1, 2)))


def problems_of(component: Component) -> list[Problem]:
    """Return the problems to check a loss on, of all contents that its options name."""
    contents = component.options_model().contents
    others = [intensity_problem(content) for content in sorted(contents) if content != "phases"]
    return [*(PROBLEMS if "phases" in contents else ()), *others]


def slices(problem: Problem, shape: tuple[int, ...], rng: torch.Generator) -> torch.Tensor:
    """Return random slices of an image: (batch, channels, h, w) for a shape (batch, h, w)."""
    if problem.content != "phases":
        return torch.rand((shape[0], problem.channels, *shape[1:]), generator=rng)
    count = len(problem.phases)
    return torch.nn.functional.one_hot(torch.randint(count, shape, generator=rng), count).movedim(-1, 1).float()


def critic_step(problem: Problem) -> CriticStep:
    """Return slices of an image and of volumes, and a plain critic."""
    rng = torch.Generator().manual_seed(1)
    real = slices(problem, (4, 8, 8), rng)
    fake = values(torch.randn((6, problem.channels, 8, 8), generator=rng), problem)
    return CriticStep(PlainCritic(problem), real, fake, 0, rng)


def values(drawn: torch.Tensor, problem: Problem) -> torch.Tensor:
    """Return probabilities, or values from 0 to 1, for any numbers."""
    return drawn.softmax(1) if problem.content == "phases" else drawn.sigmoid()


def generator_step(problem: Problem) -> GeneratorStep:
    """Return volumes that want a gradient, their scan, and the scores of a plain critic."""
    rng = torch.Generator().manual_seed(1)
    region = Region((2, 3, 1), (6, 7, 5))
    shape = (2, problem.channels, *region.scaled(problem.scale).shape)
    volume = values(torch.randn(shape, generator=rng), problem).requires_grad_(True)
    low = len(problem.low_phases)
    field = torch.zeros((2, *region.shape, 0))
    if low:
        field = torch.nn.functional.one_hot(torch.randint(low, (2, *region.shape), generator=rng), low)
    critic = PlainCritic(problem)
    scores = {axis: critic(volume.movedim(axis + 2, 1).flatten(0, 1)) for axis in range(3)}
    real = {axis: slices(problem, (4, 8, 8), rng) for axis in range(3)}
    degradation = PlainDegradation(problem) if low else None
    return GeneratorStep(volume, field.movedim(-1, 1).float(), region, scores, degradation, real)


def terms(loss: Any, problem: Problem) -> list[tuple[str, torch.Tensor, list[torch.Tensor]]]:
    """Return the terms that there are, each with the tensors that learn from it."""
    critic, generator = critic_step(problem), generator_step(problem)
    found = [
        ("critic", loss.critic_term(critic), list(critic.critic.parameters())),  # type: ignore[attr-defined]
        ("generator", loss.generator_term(generator), [generator.probabilities]),
    ]
    return [(side, term, learners) for side, term, learners in found if term is not None]


def gives_terms(component: Component) -> None:
    """Look for a finite scalar on at least one side, and for its gradient."""
    for problem in problems_of(component):
        found = terms(build(component, problem), problem)
        case = describe(problem)
        require(found, f"{case}: it has no term on either side.")
        for side, term, learners in found:
            scalar = isinstance(term, torch.Tensor) and term.dim() == 0
            require(scalar, f"{case}: the {side}'s term is no scalar tensor.")
            require(bool(torch.isfinite(term)), f"{case}: the {side}'s term is {term.item()}.")
            slopes = torch.autograd.grad(term, learners, allow_unused=True)
            finite = all(s is not None and bool(torch.isfinite(s).all()) for s in slopes)
            require(finite, f"{case}: the {side}'s term has no finite gradient.")


def repeats(component: Component) -> None:
    """Take the terms twice with one source of random numbers."""
    for problem in problems_of(component):
        loss = build(component, problem)
        for (side, one, _), (_, two, _) in zip(terms(loss, problem), terms(loss, problem), strict=True):
            require(same_bits(one.detach(), two.detach()), f"{describe(problem)}: two {side} terms of one step differ.")


def input_unchanged(component: Component) -> None:
    """Compare what the terms saw before and after."""
    for problem in problems_of(component):
        loss = build(component, problem)
        critic, generator = critic_step(problem), generator_step(problem)
        seen = [critic.real, critic.fake, generator.probabilities.detach(), generator.field]
        before = copy.deepcopy(seen)
        loss.critic_term(critic)
        loss.generator_term(generator)
        equal = all(same_bits(a, b) for a, b in zip(seen, before, strict=True))
        require(equal, f"{describe(problem)}: it changes an input in place.")


def pickles(component: Component) -> None:
    """Take the terms of a pickled copy."""
    for problem in problems_of(component):
        loss = build(component, problem)
        twin = pickle.loads(pickle.dumps(loss))
        for (side, one, _), (_, two, _) in zip(terms(loss, problem), terms(twin, problem), strict=True):
            require(same_bits(one.detach(), two.detach()), f"{describe(problem)}: a copy's {side} term differs.")


CHECKS = (
    Check("terms", "At least one side has a term: a finite scalar with a finite gradient.", gives_terms),
    Check("repeats", "The same step gives the same bits.", repeats),
    Check("input-unchanged", "It leaves its inputs as they are.", input_unchanged),
    Check("pickle", "A pickled copy gives the same bits.", pickles),
)
