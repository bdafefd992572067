"""Checks of metrics."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mesofuse.interfaces.metric import AdditiveMetric, Block, Curve, Measurement, MetricContext, Result
from mesofuse.testing.checks import Check, Skipped, require
from mesofuse.testing.common import build
from mesofuse.testing.problems import blobs, intensities, make_problem
from mesofuse.volumes.content import CHANNELS, Content
from mesofuse.volumes.grid import Region, Triple

if TYPE_CHECKING:
    from mesofuse.registry import Component

PROBLEM = make_problem(2, 3, 2)
SHAPE: Triple = (12, 10, 14)
LOW: Triple = (6, 5, 7)


def context_for(metric: Any, shape: Triple = SHAPE, content: Content = "phases") -> tuple[np.ndarray, MetricContext]:
    """Return voxels and their context, with the scan and a degradation where the metric needs them.

    Args:
        metric: The metric.
        shape: Shape of the volume.
        content: What the voxels hold: three phases, or intensities.
    """
    phases = content == "phases"
    volume = blobs(shape, 3) if phases else intensities(shape, content)
    if metric.needs.images:
        image = blobs((2, 24, 24), 3, seed=1) if phases else intensities((2, 24, 24), content, seed=1)
        images = dict.fromkeys(range(3), image)
        return volume.array, MetricContext(volume.grid, volume.phases, images=images, content=content)
    if not phases:
        return volume.array, MetricContext(volume.grid, (), content=content)
    if not metric.needs.low_res:
        return volume.array, MetricContext(volume.grid, volume.phases)
    from mesofuse.testing.stand_ins import PlainDegradation

    low = blobs(LOW, 2, seed=1)
    degradation = PlainDegradation(PROBLEM)
    return volume.array, MetricContext(volume.grid, volume.phases, low, PROBLEM.match, PROBLEM.scale, degradation)


def _case(component: Component, metric: Any) -> tuple[np.ndarray, MetricContext]:
    """Return voxels of a kind that the metric works on, the one with most channels, and their context."""
    contents = component.options_model().contents
    return context_for(
        metric, content="phases" if "phases" in contents else cast(Content, max(contents, key=_channels))
    )


def _channels(content: str) -> int:
    return len(CHANNELS[cast(Content, content)])


def results(component: Component) -> None:
    """Measure a volume, and an image where the metric takes one."""
    metric = build(component)
    shapes = [SHAPE] if metric.needs.three_d or metric.needs.low_res else [SHAPE, (1, *SHAPE[1:])]
    for shape, content in itertools.product(shapes, component.options_model().contents):
        found = metric.measure(*context_for(metric, shape, cast(Content, content)))
        require(isinstance(found, list) and found, f"measure returned {found!r}, not a list of results.")
        for result in found:
            _sound(result)
        names = [(r.metric, r.label, type(r)) for r in found]
        require(len(set(names)) == len(names), f"two results have one name and label: {sorted(set(map(str, names)))}.")


def _sound(result: Result) -> None:
    require(isinstance(result, (Measurement, Curve)), f"{result!r} is neither a Measurement nor a Curve.")
    sound = isinstance(result.metric, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", result.metric)
    require(sound, f"a result's metric {result.metric!r} is not lower-case words joined by hyphens.")
    require(isinstance(result.label, str) and result.label, f"a {result.metric!r} does not say what it is of.")
    if isinstance(result, Measurement):
        require(type(result.value) is float, f"{result.label}: {result.value!r} is no Python float.")
        require(result.value != -math.inf, f"{result.label}: the value is -inf; use NaN where it is undefined.")
        require(isinstance(result.unit, str), f"{result.label}: the unit is {result.unit!r}.")
    else:
        require(len(result.x) == len(result.y) > 0, f"{result.label}: {len(result.x)} x, {len(result.y)} y.")
        require(all(a < b for a, b in itertools.pairwise(result.x)), f"{result.label}: x does not increase.")


def documented(component: Component) -> None:
    """Look for the convention in the docstring."""
    text = (component.load().__doc__ or "").lower()
    for word in ("formula", "unit"):
        require(word in text, f"its docstring does not state its {word}.")


def repeats(component: Component) -> None:
    """Measure twice."""
    metric = build(component)
    labels, context = _case(component, metric)
    one, two = metric.measure(labels, context), build(component).measure(labels.copy(), context)
    require(repr(one) == repr(two), "the same volume measured twice gives two results.")


def input_unchanged(component: Component) -> None:
    """Compare the labels before and after."""
    metric = build(component)
    labels, context = _case(component, metric)
    before = labels.copy()
    metric.measure(labels, context)
    require(np.array_equal(labels, before), "it changes the labels in place.")


def missing_phases(component: Component) -> None:
    """Measure a volume that shows one of its three phases only."""
    metric = build(component)
    labels, context = _case(component, metric)
    for phase in range(3):
        for result in metric.measure(np.full_like(labels, phase), context):
            _sound(result)


def adds_up(component: Component) -> None:
    """Count in pieces of several shapes, sum, and compare with the count of the whole."""
    metric = build(component)
    if not isinstance(metric, AdditiveMetric):
        raise Skipped("it takes whole volumes.")
    labels, context = _case(component, metric)
    whole = Region.whole(SHAPE)
    expected = metric.count(Block(labels, whole, whole, context))
    for block in ((12, 10, 4), (4, 6, 8), (2, 2, 2)):
        parts = [_count(metric, labels, core, context) for core in whole.blocks(block)]
        for key, value in expected.items():
            total = sum((p[key] for p in parts[1:]), parts[0][key])
            equal = np.array_equal(total, value) if value.dtype.kind in "iub" else np.allclose(total, value, rtol=1e-12)
            require(equal, f"the counts {key!r} of pieces of {block} add up to {total}, not {value}.")
    require(
        repr(metric.measure(labels, context)) == repr(metric.finish(expected, context)),
        "measure differs from finishing the counts of the whole.",
    )


def _count(metric: AdditiveMetric, labels: np.ndarray, core: Region, context: MetricContext) -> dict[str, np.ndarray]:
    window = core.grown(metric.reach(context), context.grid.shape)
    return metric.count(Block(labels[(..., *window.slices)], core, window, context))


CHECKS = (
    Check("results", "Results carry a name, a label, a number and a unit.", results),
    Check("documented", "The docstring states formula and unit.", documented),
    Check("repeats", "The same volume gives the same results.", repeats),
    Check("input-unchanged", "It leaves the labels as they are.", input_unchanged),
    Check("missing-phases", "A phase that is absent gives a number or NaN, never an error.", missing_phases),
    Check("adds-up", "Counts of pieces add up to the whole's.", adds_up),
)
