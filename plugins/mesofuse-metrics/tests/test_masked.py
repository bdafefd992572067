"""Ignored voxels are left out by every metric as what lies beyond the volume's sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_metrics.runs import run_lengths

from mesofuse.evaluation.measure import measure
from mesofuse.interfaces.metric import Measurement, Needs
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import IGNORED, default_phases

STREAMED = (
    "volume-fraction", "surface-area", "specific-surface-area", "triple-phase-boundary", "euler-number",
    ("two-point-correlation", {"lags": 4, "cross": True}), ("directional-covariance", {"lags": 3}),
)  # fmt: skip
WHOLE = (
    "chord-length", ("lineal-path", {"lags": 5}), "connected-components", "percolation",
    ("two-point-cluster", {"lags": 4}), "local-thickness",
)  # fmt: skip
GRID = (2.0, 1.0, 1.5)


def volume(labels, masked=True, phases=3, origin=(0.0, 0.0, 0.0)):
    return LabelArray(labels, Grid(labels.shape, GRID, "micrometer", origin), default_phases(phases), masked)


def numbers(measured):
    found = {}
    for r in measured.results:
        if isinstance(r, Measurement):
            found[r.metric, r.label] = [r.value]
        else:
            found[r.metric, r.label, "curve"] = [*r.x, *r.y]
    return found


def assert_same(one, other):
    assert one.skipped == other.skipped == {}
    first, second = numbers(one), numbers(other)
    assert first.keys() == second.keys()
    for key, values in first.items():
        np.testing.assert_allclose(values, second[key], rtol=1e-9, err_msg=str(key))


def blobs(rng, shape, phases=3):
    from scipy.ndimage import gaussian_filter

    return np.argmax([gaussian_filter(rng.random(shape), 1.2) for _ in range(phases)], axis=0).astype(np.uint8)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**31),
    st.tuples(*[st.integers(0, 3)] * 6),
    st.sampled_from([(10, 11, 12), (1, 20, 21)]),
)
def test_masking_slabs_at_the_sides_is_cropping_them(seed, cut, shape):
    rng = np.random.default_rng(seed)
    cut = tuple(0 if shape[0] == 1 and i < 2 else c for i, c in enumerate(cut))
    labels = blobs(rng, shape)
    inside = tuple(slice(cut[2 * a], shape[a] - cut[2 * a + 1]) for a in range(3))
    masked = np.full_like(labels, IGNORED)
    masked[inside] = labels[inside]
    planar = shape[0] == 1
    metrics = [
        m
        for m in (*STREAMED, *WHOLE)
        if not planar or m not in ("euler-number", "connected-components", "percolation", "local-thickness")
    ]
    assert_same(measure(volume(masked), metrics), measure(volume(np.ascontiguousarray(labels[inside]), False), metrics))


def test_tortuosity_of_a_masked_slab_is_that_of_the_rest_and_of_a_full_cylinder_1():
    labels = blobs(np.random.default_rng(2), (12, 12, 12), 2)
    masked = labels.copy()
    masked[:3], masked[:, 9:] = IGNORED, IGNORED
    cube = Grid((12, 12, 12))
    part = np.ascontiguousarray(labels[3:, :9])
    choice = [("tortuosity", {"axes": ["z", "x"]})]
    one = measure(LabelArray(masked, cube, default_phases(2), masked=True), choice)
    other = measure(LabelArray(part, Grid(part.shape), default_phases(2)), choice)
    assert_same(one, other)
    y, x = np.mgrid[:12, :12] - 5.5
    full = np.where(y**2 + x**2 <= 36, np.uint8(0), np.uint8(IGNORED))
    cylinder = LabelArray(np.repeat(full[None], 12, 0), cube, default_phases(1), masked=True)
    found = numbers(measure(cylinder, [("tortuosity", {"axes": ["z", "y"]})]))
    assert found["tortuosity", "phase 0 | z"] == pytest.approx([1], abs=1e-2)
    assert found["transport-efficiency", "phase 0 | y"] == pytest.approx([1], abs=1e-2)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 0.9), st.sampled_from([3, 9]))
def test_pieces_of_a_masked_volume_add_up(seed, share, phases):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, phases, (9, 14, 17)).astype(np.uint8)
    labels[rng.random(labels.shape) < share] = IGNORED
    labels[4:6, 4:6, 4:6] = 0
    if not (labels != IGNORED).any():
        return

    class Chunked(LabelArray):
        chunks = (4, 5, 6)

    cut = Chunked(labels, Grid(labels.shape, GRID, "micrometer"), default_phases(phases), masked=True)
    metrics = [m for m in STREAMED if phases == 3 or m != "triple-phase-boundary"]
    from mesofuse.evaluation import measure as module

    small, module.BLOCK = module.BLOCK, 100
    try:
        pieces = measure(cut, metrics)
    finally:
        module.BLOCK = small
    assert_same(pieces, measure(volume(labels, phases=phases), metrics))


def test_shares_are_of_what_is_inside_and_faces_between_voxels_inside():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, (6, 7, 8)).astype(np.uint8)
    labels[rng.random(labels.shape) < 0.4] = IGNORED
    found = numbers(measure(volume(labels), ["volume-fraction", "surface-area"]))
    inside = labels != IGNORED
    assert found["volume-fraction", "phase 1"] == [np.count_nonzero(labels == 1) / np.count_nonzero(inside)]
    faces = unlike = 0
    for axis in range(3):
        one, other = (np.moveaxis(labels, axis, 0)[s].astype(int) for s in (slice(1, None), slice(None, -1)))
        known = (one != IGNORED) & (other != IGNORED)
        faces += np.count_nonzero(known)
        unlike += np.count_nonzero(known & (np.minimum(one, other) == 0) & (np.maximum(one, other) == 2))
    assert found["surface-area", "phase 0 | phase 2"] == [unlike / faces]


def test_runs_end_at_the_mask_as_at_the_sides():
    line = np.array([0, 0, 1, IGNORED, 1, 0, 1, 1], np.uint8)[None, None]
    every, inner = run_lengths(line, 2, 2)
    assert every[0].tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0]
    assert every[1].tolist() == [0, 2, 1, 0, 0, 0, 0, 0, 0]
    assert inner.sum() == inner[0, 1] == 1


def test_a_metric_that_does_not_say_it_leaves_ignored_voxels_out_is_refused():
    class Careless:
        needs = Needs()

        def measure(self, labels, context):
            raise AssertionError

    labels = np.array([[[0, 1, IGNORED]]], np.uint8)
    measured = measure(volume(labels), [Careless()])
    assert "ignored" in measured.skipped["Careless"]
