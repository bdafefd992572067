from __future__ import annotations

import math

import numpy as np
import pytest

from mesofuse.evaluation.distributions import distance, distances, summary
from mesofuse.evaluation.subvolumes import Sampled
from mesofuse.volumes.grid import Grid

KEY = ("tortuosity", "pore | z")
MICRO = Grid((64, 64, 64), (1.0, 1.0, 1.0), "micrometer")


def sampled(values, unit="", grid=MICRO, independent=None, per_voxel=False) -> Sampled:
    array = np.array(values, float)
    return Sampled(
        "v", grid, [], {KEY: array}, {KEY: unit}, {KEY} if per_voxel else set(), {}, independent or float(len(array))
    )


def test_summary():
    found = summary(sampled([1, 2, 3, 4]), KEY)
    assert (found.mean, found.finite) == (2.5, 1.0)
    assert found.deviation == pytest.approx(np.std([1, 2, 3, 4], ddof=1))
    assert found.error == pytest.approx(found.deviation / 2)
    # Overlapping subvolumes: two independent ones, however many were drawn.
    assert summary(sampled([1, 2, 3, 4], independent=2), KEY).error == pytest.approx(found.deviation / math.sqrt(2))


def test_infinite_values_are_counted_not_averaged():
    found = summary(sampled([2, math.inf, 4, math.inf]), KEY)
    assert (found.mean, found.finite) == (3.0, 0.5)
    assert found.error == pytest.approx(found.deviation / math.sqrt(2))
    nothing = summary(sampled([math.inf] * 3), KEY)
    assert math.isnan(nothing.mean)
    assert nothing.finite == 0


def test_distance():
    rng = np.random.default_rng(0)
    reference, other = rng.normal(10, 1, 400), rng.normal(11, 1, 400)
    found = distance(sampled(other), sampled(reference), KEY)
    assert found.relative == pytest.approx(other.mean() / reference.mean() - 1)
    assert found.wasserstein == pytest.approx(1, abs=0.1)
    low, high = found.interval
    assert low < 0.1 < high
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(2 / 400) / 10, rel=0.15)
    assert distance(sampled(reference), sampled(reference), KEY).wasserstein == 0


def test_interval_holds_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        found = distance(sampled(rng.normal(12, 2, 50)), sampled(rng.normal(10, 2, 50)), KEY)
        hits += found.interval[0] <= 0.2 <= found.interval[1]
    assert 0.9 <= hits / 300 <= 0.99


def test_units_and_voxel_sizes():
    nano = Grid((64, 64, 64), (500.0,) * 3, "nanometer")
    found = distance(sampled([1e-3, 2e-3], "nm⁻¹", nano), sampled([1, 2], "µm⁻¹"), KEY)
    assert found.relative == pytest.approx(0)
    assert found.wasserstein == pytest.approx(0)
    faces = distance(sampled([1, 2], grid=nano, per_voxel=True), sampled([1, 2], per_voxel=True), KEY)
    assert "voxel size" in faces.note
    assert faces.relative is None
    assert "can't be turned" in distance(sampled([1, 2], "voxel⁻¹"), sampled([1, 2], "µm⁻¹"), KEY).note


def test_reference_of_zero_and_nothing_finite():
    assert distance(sampled([1, 1]), sampled([0, 0]), KEY).relative is None
    found = distance(sampled([math.inf] * 2), sampled([1, 2]), KEY)
    assert found.relative is None
    assert math.isnan(found.wasserstein)


def test_all_at_once():
    other = sampled([1, 2])
    other.values["else", ""] = np.array([1.0, 2.0])
    assert [list(d) for d in distances([other], sampled([1, 2]))] == [[KEY]]
