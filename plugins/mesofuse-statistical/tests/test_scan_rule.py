import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.scan_rule import LEAST, ScanRule, own_weights

from mesofuse.interfaces.degradation import agrees, degraded
from mesofuse.interfaces.problem import Problem
from mesofuse.testing.problems import make_problem
from mesofuse.training.parts import build_degradation
from mesofuse.training.recipe import Part
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import IGNORED, PhaseMatch, default_phases

SHAPE = (3, 2, 4)


def setting(seed, scale, low=2, high=3):
    problem = make_problem(low, high, scale)
    rng = np.random.default_rng(seed)
    scan = rng.integers(0, low, SHAPE).astype(np.uint8)
    fine = Region.whole(SHAPE).scaled(problem.scale).shape
    fields = rng.standard_normal((high, *fine), dtype=np.float32)
    return problem, scan, fields


@pytest.mark.parametrize("scale", [2, 3, 4, 8, (1, 4, 2)])
@pytest.mark.parametrize("name", ["blur-downsample", "area-average", "nearest"])
def test_shares_are_those_of_the_instrument(name, scale):
    problem, scan, fields = setting(0, scale)
    degradation = build_degradation(Part(name=name), problem)
    labels = fields.argmax(0).astype(np.uint8)
    rule = ScanRule(scan, problem, own_weights(degradation, problem, SHAPE))
    seen = degraded(degradation.shares, labels, 3, Region.whole(SHAPE))
    assert rule.shares(labels).reshape(seen.shape) == pytest.approx(seen, abs=1e-5)


def test_weights_are_the_same_for_every_block():
    problem = make_problem(2, 2, 4)
    weights = own_weights(build_degradation(Part(name="blur-downsample"), problem), problem, (18, 2, 1))
    cells = weights.reshape(18, 4, 2, 4, 1, 4)
    assert np.array_equal(cells, np.broadcast_to(cells[:1, :, :1], cells.shape))
    assert cells[0, :, 0, :, 0].sum() == pytest.approx(1, abs=1e-5)


def test_of_an_instrument_that_sees_neighbours_the_own_voxels_count():
    problem = make_problem(2, 2, 2)
    degradation = build_degradation(Part(name="point-spread", sigma=1.0), problem)
    assert any(degradation.halo)
    weights = own_weights(degradation, problem, (5, 5, 5))
    assert (weights > 0).all()
    assert weights[4:6, 4:6, 4:6] == pytest.approx(np.full((2, 2, 2), weights[4, 4, 4]), rel=1e-4)
    assert weights[4:6, 4:6, 4:6].sum() < 0.9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.sampled_from([2, 4, (2.5, 3, 1.25)]), st.sampled_from([(2, 2), (2, 3), (3, 4)]))
def test_raising_makes_labels_agree_by_as_little_as_needed(seed, scale, phases):
    problem, scan, fields = setting(seed, scale, *phases)
    rule = ScanRule(scan, problem)
    flat = fields.reshape(len(fields), -1)
    labels = flat.argmax(0).astype(np.uint8).reshape(fields.shape[1:])
    before, lead = flat.copy(), rule.lead(labels)
    raised = rule.raised(flat, labels)
    assert rule.agreement(raised) == 1
    assert np.array_equal(flat.argmax(0), raised.ravel())
    changed = raised.ravel() != labels.ravel()
    assert (lead[rule.cell[changed]] < LEAST).all()
    # One voxel fewer is not enough: the one that needed the largest rise.
    rise = np.where(changed, before.max(0) - before[raised.ravel(), np.arange(len(changed))], -1)
    for cell in np.unique(rule.cell[changed]):
        fewer = raised.ravel().copy()
        last = np.where(rule.cell == cell, rise, -1).argmax()
        fewer[last] = labels.ravel()[last]
        assert rule.lead(fewer)[cell] < LEAST


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(0, 3), st.integers(0, 3))
def test_harm_is_never_less_than_what_a_change_takes(seed, present, new):
    problem, scan, fields = setting(seed, 2, 3, 4)
    problem = Problem(problem.scale, problem.low_phases, problem.phases, PhaseMatch(((0,), (1,), (2,))))  # 3 is free
    labels = fields.argmax(0).astype(np.uint8)
    rule = ScanRule(scan, problem)
    before = rule.lead(labels)
    for voxel in np.flatnonzero(labels.ravel() == present)[:5]:
        changed = labels.copy()
        changed.ravel()[voxel] = new
        fall = before - rule.lead(changed)
        assert fall[rule.cell[voxel]] <= rule.harm(np.array([voxel]), present, new)[0] + 1e-6


def test_a_tie_agrees_and_nothing_is_asked_of_ignored_voxels():
    problem = make_problem(2, 2, 2)
    scan = np.array([0, 1, IGNORED], np.uint8).reshape(1, 1, 3)
    labels = np.zeros((2, 2, 6), np.uint8)
    labels[0] = 1  # half of each
    rule = ScanRule(scan, problem)
    assert rule.lead(labels).tolist() == pytest.approx([0, 0, np.inf])
    assert rule.agreement(labels) == 1
    degradation = build_degradation(Part(name="area-average"), problem)
    assert agrees(degraded(degradation, labels, 2, Region.whole(scan.shape)), scan).all()
    labels[:] = 1
    assert rule.agreement(labels) == pytest.approx(2 / 3)


def test_a_scan_of_one_phase_asks_nothing():
    problem = Problem((2.0,) * 3, default_phases(1), default_phases(3), PhaseMatch(((0, 1),)))
    rule = ScanRule(np.zeros(SHAPE, np.uint8), problem)
    assert np.isinf(rule.lead(np.full((6, 4, 8), 2, np.uint8))).all()
