import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.correlation_maps import pair_maps, phase_pairs
from mesofuse_statistical.pair_error import PairError
from mesofuse_statistical.retrieval import Exchange, Search, balanced_offsets, chosen, retrieve
from mesofuse_statistical.scan_rule import ScanRule
from scipy.ndimage import gaussian_filter

from mesofuse.testing.problems import make_problem

SHAPE = (40, 40, 40)


def fields_of(seed, phases, shape=SHAPE, sigma=1.5):
    rng = np.random.default_rng(seed)
    smooth = [gaussian_filter(rng.standard_normal(shape), sigma, mode="wrap") for _ in range(phases)]
    return np.stack([f / f.std() for f in smooth]).astype(np.float32)


def maps(labels, phases, reach):
    return pair_maps(np.stack([labels == p for p in range(phases)]), phase_pairs(phases), reach)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.lists(st.integers(0, 5), min_size=2, max_size=5).filter(any))
def test_offsets_give_every_phase_its_number(seed, parts):
    fields = fields_of(seed, len(parts), (10, 10, 10)).reshape(len(parts), -1)
    counts = np.array([1000 * p // sum(parts) for p in parts])
    counts[np.argmax(counts)] += 1000 - counts.sum()
    offsets = balanced_offsets(fields, counts, np.zeros(len(parts)), 200)
    made = np.bincount((fields + offsets[:, None]).argmax(0), minlength=len(parts))
    assert np.abs(made - counts).max() <= len(parts)  # each was exact when its own offset was set


def test_chosen_labels_have_their_numbers_and_then_the_scan():
    problem = make_problem(2, 3, 4)
    fields, counts = fields_of(0, 3), np.array([24000, 20000, 20000])
    labels, _ = chosen(fields.copy(), counts, np.zeros(3), None, 20)
    assert np.abs(np.bincount(labels.ravel()) - counts).max() <= 2
    scan = np.random.default_rng(1).integers(0, 2, (10, 10, 10)).astype(np.uint8)
    rule = ScanRule(scan, problem)
    labels, offsets = chosen(fields, counts, np.zeros(3), rule, 20)
    assert rule.agreement(labels) == 1
    assert np.mean((fields + offsets[:, None, None, None]).argmax(0) == labels) > 0.999


def setting(phases, seed=0):
    reach = 7
    target = maps(fields_of(seed, phases).argmax(0), phases, reach)
    fields = fields_of(seed + 50, phases, sigma=1.0)
    counts = np.bincount(fields_of(seed, phases).argmax(0).ravel(), minlength=phases)
    return fields, counts, target


@pytest.mark.parametrize("phases", [2, 3, 4])
def test_maps_that_a_volume_has_are_found_with_its_fractions(phases):
    fields, counts, target = setting(phases)
    found = retrieve(fields, counts, target, 4, None, Search(20, 600, 1e-3, 0.5))
    assert found.error <= 1e-3
    assert np.array_equal(np.bincount(found.labels.ravel(), minlength=phases), counts)
    near = PairError(target, phases, SHAPE, 4, 7).counted
    assert np.abs(maps(found.labels, phases, 7) - target)[:, near].max() <= 1.01e-3


def test_projections_alone_come_near():
    fields, counts, target = setting(2)
    start = chosen(fields.copy(), counts, np.zeros(2), None, 20)[0]
    before = np.abs(maps(start, 2, 4) - target[:, 3:-3, 3:-3, 3:-3]).max()
    found = retrieve(fields, counts, target, 4, None, Search(20, 0, 1e-3, 0.5))
    assert found.error < 0.35 * before


def test_the_scan_is_reproduced_and_fractions_are_kept():
    problem = make_problem(2, 3, 4)
    fields, counts, target = setting(3)
    truth = fields_of(0, 3).argmax(0).astype(np.uint8)
    scan = (
        ScanRule(np.zeros((10, 10, 10), np.uint8), problem).shares(truth).argmax(0).reshape(10, 10, 10).astype(np.uint8)
    )
    rule = ScanRule(scan, problem)
    reports = []
    found = retrieve(fields, counts, target, 4, rule, Search(15, 300, 1e-3, 0.5), lambda s, e: reports.append((s, e)))
    assert rule.agreement(found.labels) == 1
    assert np.array_equal(np.bincount(found.labels.ravel(), minlength=3), counts)
    assert found.error <= 2e-3
    shares = [share for share, _ in reports]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert reports[-1][1] == found.error


def test_an_exchange_first_brings_the_fractions_as_far_as_the_scan_lets():
    problem = make_problem(2, 2, 4)
    rule = ScanRule(np.zeros((10, 10, 10), np.uint8), problem)
    labels = np.zeros(SHAPE, np.uint8)
    error = PairError(np.full((2, 9, 9, 9), 0.25), 2, SHAPE, 4, 4)
    asked = Exchange(error, rule, labels, np.array([44000, 20000]))
    assert np.bincount(asked.labels.ravel()).tolist() == [44000, 20000]
    assert rule.agreement(asked.labels) == 1
    beyond = Exchange(error, rule, labels, np.array([4000, 60000]))
    assert rule.agreement(beyond.labels) == 1
    assert np.bincount(beyond.labels.ravel())[1] == pytest.approx(32000, abs=100)  # half of each scan voxel


def test_what_is_met_already_is_left():
    labels = fields_of(0, 2).argmax(0).astype(np.uint8)
    counts = np.bincount(labels.ravel())
    fields = np.stack([labels == 0, labels == 1]).astype(np.float32)
    found = retrieve(fields, counts, maps(labels, 2, 6), 4, None, Search(50, 50, 1e-3, 0.5))
    assert np.array_equal(found.labels, labels)
