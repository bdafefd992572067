"""Parts that a method's options name, built from the registry, for plugins that may not look there themselves."""

from __future__ import annotations

from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.training.recipe import Part


def build_degradation(part: Part, problem: Problem) -> Degradation:
    """Return the degradation that a part names, on the CPU.

    Raises:
        UserError: If there is none of that name, or it can't take the options or the problem.
    """
    built: Degradation = get_registry().find("degradation", part.name).build(part.options, problem)
    return built
