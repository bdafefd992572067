from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_metrics.low_res_consistency import LowResConsistency

from mesofuse.interfaces.metric import Block, MetricContext
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases


class BoxBlur(torch.nn.Module):
    """Means over each scan voxel and its neighbours; edges weigh what exists."""

    halo = (1, 1, 1)

    def __init__(self, scale, match):
        super().__init__()
        self.scale, self.match = scale, match

    def forward(self, probabilities, region: Region):
        assert tuple(probabilities.shape[2:]) == region.scaled(self.scale).shape
        shown = torch.stack([probabilities[:, list(v)].sum(1) for v in self.match.shows], 1)
        window = torch.nn.functional.pad(shown, [int(s) for s in self.scale[::-1] for _ in (0, 1)], value=0.0)
        counted = torch.nn.functional.pad(torch.ones_like(shown), [int(s) for s in self.scale[::-1] for _ in (0, 1)])
        size, step = [3 * int(s) for s in self.scale], [int(s) for s in self.scale]
        pool = torch.nn.functional.avg_pool3d
        return pool(window, size, step) / pool(counted, size, step)


def problem(high: np.ndarray, low: np.ndarray, scale=(2.0, 2.0, 2.0), shows=((0, 2), (1,))) -> MetricContext:
    match = PhaseMatch(shows)
    scan = LabelArray(low, Grid(low.shape), default_phases(len(shows), ["pore", "active"]))
    return MetricContext(
        Grid(high.shape), default_phases(3), low_res=scan, match=match, scale=scale, degradation=BoxBlur(scale, match)
    )


def test_agreement_and_disagreement(values):
    low = np.zeros((6, 4, 4), np.uint8)
    low[3:] = 1
    high = low.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert values(LowResConsistency().measure(high, problem(high, low))) == {"all": 1.0, "pore": 1.0, "active": 1.0}
    # Phase 2 shows as pore: active material replaced by binder is wrong wherever the scan shows active material.
    wrong = np.where(high == 1, 2, high).astype(np.uint8)
    assert values(LowResConsistency().measure(wrong, problem(high, low))) == {"all": 0.5, "pore": 1.0, "active": 0.0}
    same = np.where(high == 0, 2, high).astype(np.uint8)
    assert values(LowResConsistency().measure(same, problem(high, low)))["all"] == 1.0


def test_an_image_is_compared_with_its_scan(values):
    low = np.zeros((1, 6, 4), np.uint8)
    low[:, 3:] = 1
    high = low.repeat(2, 1).repeat(2, 2)
    planar = problem(high, low, scale=(1.0, 2.0, 2.0))
    assert not LowResConsistency.needs.three_d
    assert values(LowResConsistency().measure(high, planar)) == {"all": 1.0, "pore": 1.0, "active": 1.0}
    wrong = np.where(high == 1, 2, high).astype(np.uint8)
    assert values(LowResConsistency().measure(wrong, planar)) == {"all": 0.5, "pore": 1.0, "active": 0.0}


def test_a_tie_is_right_for_either_phase(values):
    low = np.zeros((1, 1, 3), np.uint8)
    low[0, 0, 1] = 1
    high = np.zeros((2, 2, 6), np.uint8)
    high[:, :, 3:] = 1  # the interface cuts the middle voxel, and its neighbourhood, in two
    assert values(LowResConsistency().measure(high, problem(high, low)))["active"] == 1.0
    opposite = values(LowResConsistency().measure(high, problem(high, 1 - low)))
    assert opposite == {"all": 2 / 3, "pore": 1.0, "active": 0.5}


def test_phase_that_the_scan_lacks_is_undefined(values):
    low, high = np.zeros((2, 2, 2), np.uint8), np.zeros((4, 4, 4), np.uint8)
    result = values(LowResConsistency().measure(high, problem(high, low)))
    assert (result["all"], result["pore"]) == (1.0, 1.0)
    assert math.isnan(result["active"])


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(*[st.integers(1, 5)] * 3), st.tuples(*[st.integers(1, 5)] * 3), st.sampled_from([(2, 2, 2), (1, 3, 2)])
)
def test_streams_exactly(low_shape, block, scale):
    rng = np.random.default_rng(0)
    low = rng.integers(0, 2, low_shape, dtype=np.uint8)
    high = rng.integers(0, 3, tuple(n * s for n, s in zip(low_shape, scale, strict=True)), dtype=np.uint8)
    context = problem(high, low, tuple(map(float, scale)))
    metric = LowResConsistency()
    total: dict[str, np.ndarray] = {}
    for region in Region.whole(low_shape).blocks(block):
        core = region.scaled(scale)
        window = core.grown(metric.reach(context), high.shape)
        for key, value in metric.count(Block(high[window.slices], core, window, context)).items():
            total[key] = total[key] + value if key in total else value
    assert repr(metric.finish(total, context)) == repr(metric.measure(high, context))


def test_small_pieces_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    low, high = rng.integers(0, 2, (6, 7, 8), dtype=np.uint8), rng.integers(0, 3, (12, 14, 16), dtype=np.uint8)
    context = problem(high, low)
    whole = LowResConsistency().measure(high, context)
    monkeypatch.setattr("mesofuse_metrics.low_res_consistency.PIECE", 200)
    assert repr(LowResConsistency().measure(high, context)) == repr(whole)


def test_misaligned_piece_is_a_programming_error():
    low, high = np.zeros((2, 2, 2), np.uint8), np.zeros((5, 5, 5), np.uint8)
    with pytest.raises(ValueError, match="whole scan voxels"):
        LowResConsistency().measure(high, replace(problem(high, low), scale=(2.0, 2.0, 2.0)))
