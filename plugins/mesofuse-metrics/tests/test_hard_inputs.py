"""Every metric, on inputs where some value is not defined: it is a right number, or says why there is none."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from mesofuse_metrics.plugin import mesofuse_components

from mesofuse.evaluation.measure import measure
from mesofuse.interfaces.metric import Curve
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

NAMES = [spec.name for spec in mesofuse_components() if spec.name not in ("low-res-consistency", "pattern-distance")]
SHAPES = [(1, 1, 1), (2, 2, 2), (1, 7, 6), (7, 1, 6), (7, 6, 1), (7, 1, 1), (1, 1, 7), (5, 6, 7)]


def kinds(shape):
    rng = np.random.default_rng(0)
    yield "one phase", np.zeros(shape, np.uint8)
    yield "a phase absent", (rng.random(shape) < 0.5).astype(np.uint8) * 2
    yield "all phases", rng.integers(0, 3, shape, dtype=np.uint8)


@pytest.mark.parametrize("stack", [False, True], ids=["volume", "images"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_every_value_is_a_number_or_says_why_not(shape, stack):
    for (kind, labels), voxel in itertools.product(kinds(shape), [(1.0, 1.0, 1.0), (2.0, 0.5, 0.25)]):
        volume = LabelArray(labels, Grid(shape, voxel, "micrometer"), default_phases(3))
        for name in NAMES:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                found = measure(volume, [name], stack=stack)
            assert found.results or found.skipped, (name, kind)
            for result in found.results:
                if isinstance(result, Curve):
                    assert np.isfinite([*result.x, *result.y]).all(), (name, kind, result)
                    assert (np.diff(result.x) > 0).all(), (name, kind, result)
                    assert len(result.x) == len(result.y) > 0, (name, kind, result)
                else:
                    assert np.isfinite(result.value) == (not result.reason), (name, kind, result)


def test_known_values_where_little_is_there():
    def value(labels, metric, label):
        volume = LabelArray(labels, Grid(labels.shape), default_phases(2, ["pore", "active"]))
        return next(r for r in measure(volume, [metric]).results if (r.metric, r.label) == (metric, label)).value

    half = np.zeros((2, 2, 2), np.uint8)
    half[1] = 1
    assert value(half, "volume-fraction", "active") == 0.5
    assert value(half, "surface-area", "pore | active") == 4 / 12
    assert value(half, "percolation", "active | y") == 1
    assert value(half, "percolation", "active | z") == 0
    assert value(half, "tortuosity", "active | y") == pytest.approx(1)
    assert value(half, "connected-components", "active") == 1 / 8
    assert value(half, "chord-length", "active | z") == 2  # one end inside: 2 · length / ends
    # Through a single layer everything goes straight.
    thin = np.zeros((6, 1, 6), np.uint8)
    thin[:, :, 3:] = 1
    assert value(thin, "percolation", "active | y") == 1
    assert value(thin, "tortuosity", "active | y") == 1
    # A phase that is not there has no interface.
    assert value(np.zeros((4, 4, 4), np.uint8), "specific-surface-area", "pore | active") == 0
