"""The model of the scan's instrument that a recipe names."""

from __future__ import annotations

from typing import cast

from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.training.recipe import Part


def build_degradation(part: Part, problem: Problem) -> Degradation:
    """Return the degradation of this name, built with its options for a problem, on the CPU.

    Raises:
        UserError: If there is none of that name, or its options or the problem do not suit it.
    """
    return cast(Degradation, get_registry().find("degradation", part.name).build(part.options, problem))
