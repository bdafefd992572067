"""What the tests of this folder share: contexts, and the law that a counted metric is the same however it is cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.interfaces.metric import AdditiveMetric, Block, Curve, MetricContext, Result
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.phases import default_phases

NAMES = ["pore", "active", "binder"]


def _context(labels: np.ndarray, phases: int, voxel=(1.0, 1.0, 1.0), unit="pixel", **more) -> MetricContext:
    return MetricContext(Grid(labels.shape, voxel, unit), default_phases(phases, NAMES[:phases]), **more)


def _in_blocks(
    metric: AdditiveMetric, labels: np.ndarray, context: MetricContext, block: Sequence[int]
) -> list[Result]:
    total: dict[str, np.ndarray] = {}
    for core in Region.whole(labels.shape).blocks(block):
        window = core.grown(metric.reach(context), labels.shape)
        for key, value in metric.count(Block(labels[window.slices], core, window, context)).items():
            total[key] = total[key] + value if key in total else value
    return metric.finish(total, context)


def _same(one: Result, other: Result) -> bool:
    def numbers(result: Result) -> tuple[float, ...]:
        return (*result.x, *result.y) if isinstance(result, Curve) else (result.value,)

    return (one.metric, one.label) == (other.metric, other.label) and all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(numbers(one), numbers(other), strict=True)
    )


@pytest.fixture(scope="session")
def context() -> Callable[..., MetricContext]:
    """Make a context for an array of labels: ``context(labels, phases, voxel, unit)``."""
    return _context


@pytest.fixture(scope="session")
def in_blocks() -> Callable[..., list[Result]]:
    """Count block by block, seeing exactly the declared reach, as streaming does."""
    return _in_blocks


@pytest.fixture(scope="session")
def check_additive() -> Callable[..., None]:
    """Check that a metric gives the same values for random labels however they are cut into blocks."""

    def check(metric: AdditiveMetric, phases: Sequence[int] = (1, 2, 3, 10), high: int = 7, stack: bool = True) -> None:
        sizes = st.tuples(*[st.integers(1, high)] * 3)

        @settings(max_examples=30, deadline=None)
        @given(sizes, sizes, st.sampled_from(phases), st.booleans() if stack else st.just(False), st.integers(0, 99))
        def law(shape, block, count, images, seed):
            labels = np.random.default_rng(seed).integers(0, count, shape, dtype=np.uint8)
            context = _context(labels, count, (1.0, 2.0, 3.0), "micrometer", stack=images)
            whole = metric.measure(labels, context)
            parts = _in_blocks(metric, labels, context, block)
            assert len(whole) == len(parts)
            assert all(map(_same, whole, parts)), (whole, parts)

        law()

    return check


@pytest.fixture(scope="session")
def values() -> Callable[[Sequence[Result]], dict[str, float]]:
    """Return measurements as a dictionary from label to value."""
    return lambda results: {result.label: result.value for result in results}
