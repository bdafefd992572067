"""Checks of critics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from mesofuse.interfaces.problem import Problem
from mesofuse.testing.checks import Check, require
from mesofuse.testing.common import build, call, gradients, module_checks, shake_norms
from mesofuse.testing.problems import describe, problems_for

if TYPE_CHECKING:
    from mesofuse.registry import Component


def make(component: Component, problem: Problem) -> tuple[Any, tuple[torch.Tensor]]:
    """Build a critic in evaluation mode, and three slices of probabilities."""
    critic = build(component, problem)
    shake_norms(critic)
    critic.eval()
    shape = (3, problem.channels, critic.crop, critic.crop)
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return critic, (drawn.softmax(1) if problem.content == "phases" else drawn.sigmoid(),)


def scores(component: Component) -> None:
    """Look at the crop, and at shape and values of the scores."""
    for problem in problems_for(component):
        critic, inputs = make(component, problem)
        case = describe(problem)
        require(isinstance(critic, torch.nn.Module), "it is no torch.nn.Module.")
        require(type(critic.crop) is int and critic.crop > 0, f"{case}: its crop is {critic.crop!r}.")
        result = call(critic, inputs)
        require(tuple(result.shape) == (3,), f"{case}: the scores' shape is {tuple(result.shape)}, not (3,).")
        require(bool(torch.isfinite(result).all()), f"{case}: the scores are not finite.")
        require(len(set(result.tolist())) > 1, f"{case}: different slices all get the same score.")


def double_backward(component: Component) -> None:
    """Go back through a gradient penalty, as Wasserstein critics are trained."""
    for problem in problems_for(component):
        critic, (slices,) = make(component, problem)
        critic.train()
        slices.requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(slices).sum(), slices, create_graph=True)
        case = describe(problem)
        require(bool(slope.any()), f"{case}: the score does not depend on the slice.")
        penalty = ((torch.linalg.vector_norm(slope.flatten(1), dim=1) - 1) ** 2).mean()
        gradients(critic, penalty + critic(slices).mean(), case)


CHECKS = (
    Check("scores", "One finite score per slice, and different slices score differently.", scores),
    *module_checks(make),
    Check("double-backward", "A gradient penalty has finite gradients for every weight.", double_backward),
)
