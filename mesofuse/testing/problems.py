"""Small problems, volumes and images to check components on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.interfaces.problem import Problem
from mesofuse.interfaces.traits import MethodTraits
from mesofuse.volumes.content import CHANNELS, Content, leading
from mesofuse.volumes.grid import Grid, Scale, Triple, parse_scale
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

if TYPE_CHECKING:
    from mesofuse.registry import Component


def make_problem(low: int, high: int, scale: float | Sequence[float]) -> Problem:
    """Return a problem of ``low`` and ``high`` phases; the last scan phase shows all those left over."""
    shows = tuple((i,) for i in range(low - 1)) + ((tuple(range(low - 1, high)),) if low else ())
    return Problem(parse_scale(scale), default_phases(low) if low else (), default_phases(high), PhaseMatch(shows))


def intensity_problem(content: Any) -> Problem:
    """Return the problem of a ``grey`` or ``colour`` image alone."""
    return Problem((1.0, 1.0, 1.0), (), (), PhaseMatch(()), content)


def problems_for(component: Component) -> list[Problem]:
    """Return the problems to check a component on: 2 phases in and 3 out at every scale, 2 and 2 at the first.

    A component that takes no scan gets none, 2 and 3 phases out, and grey values and colours if its
    options say that it takes them.
    """
    if not conditional(component):
        others = component.options_model().contents.keys() - {"phases"}
        return [make_problem(0, 2, 1), make_problem(0, 3, 1), *(intensity_problem(c) for c in sorted(others))]
    scales = test_scales(component)
    return [make_problem(2, 2, scales[0]), *(make_problem(2, 3, scale) for scale in scales)]


def conditional(component: Component) -> bool:
    """Return whether the component's class takes a scan."""
    return MethodTraits.of(component.load()).conditional


def test_scales(component: Component) -> tuple[Scale, ...]:
    """Return the scale factors that the component's class names, or 2 and 4."""
    return tuple(parse_scale(scale) for scale in getattr(component.load(), "test_scales", (2, 4)))


test_scales.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it where it is imported


def describe(problem: Problem) -> str:
    """Return what a message calls the problem."""
    scale = ", ".join(f"{s:g}" for s in problem.scale)
    if problem.content != "phases":
        return f"{problem.content} values out"
    return f"{len(problem.low_phases)} phases in, {len(problem.phases)} out, scale ({scale})"


def intensities(shape: Triple, content: Content, seed: int = 0) -> LabelArray:
    """Return random grey values or colours, in blobs a few voxels wide."""
    values = [blobs(shape, 100, seed + i).array for i in range(len(CHANNELS[content]))]
    array = np.stack(values) if leading(content) else values[0]
    return LabelArray(array, Grid(shape, (0.5, 0.5, 0.5), "micrometer"), ())


def blobs(shape: Triple, phases: int, seed: int = 0) -> LabelArray:
    """Return random labels with every phase, in blobs a few voxels wide, on a grid of 0.5 µm voxels."""
    values = np.random.default_rng(seed).standard_normal(shape)
    for axis in range(3):
        if shape[axis] > 2:
            values = values + np.roll(values, 1, axis) + np.roll(values, -1, axis)
    edges = np.quantile(values, np.linspace(0, 1, phases + 1)[1:-1])
    labels = np.searchsorted(edges, values.ravel()).reshape(shape).astype(np.uint8)
    return LabelArray(labels, Grid(shape, (0.5, 0.5, 0.5), "micrometer"), default_phases(phases))
