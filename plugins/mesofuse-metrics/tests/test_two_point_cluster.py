from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_metrics.options import ClusterOptions, TwoPointOptions
from mesofuse_metrics.two_point_cluster import TwoPointCluster
from mesofuse_metrics.two_point_correlation import TwoPointCorrelation

from mesofuse.errors import UserError
from mesofuse.registry import load_registry
from mesofuse.testing import assert_conforms


def curves(labels, context, **options) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    measured = TwoPointCluster(ClusterOptions(**options)).measure(labels, context)
    assert {c.metric for c in measured} == {"two-point-cluster"}
    return {c.label: (np.array(c.x), np.array(c.y)) for c in measured}


def s2(labels, context, lags=64) -> dict[str, np.ndarray]:
    options = TwoPointOptions(lags=lags, radial=False, cross=False)
    return {c.label: np.array(c.y) for c in TwoPointCorrelation(options).measure(labels, context)}


def test_slabs_are_clusters_of_their_own(context):
    labels = np.zeros((12, 4, 5), np.uint8)
    labels[[1, 2, 3, 6, 7]] = 1  # slabs of 3 and 2 layers
    found = curves(labels, context(labels, 2, (0.5, 1.0, 2.0), "micrometer"))
    r, c2 = found["active | z"]
    assert r == pytest.approx([0.5 * k for k in range(12)])
    assert c2 == pytest.approx([(max(0, 3 - k) + max(0, 2 - k)) / (12 - k) for k in range(12)])
    pore = [sum(max(0, n - k) for n in (1, 2, 4)) / (12 - k) for k in range(12)]
    assert found["pore | z"][1] == pytest.approx(pore)
    assert found["active | x"][0] == pytest.approx([2.0 * k for k in range(5)])
    assert found["active | x"][1] == pytest.approx([5 / 12] * 5)


def test_isolated_cubes(context):
    labels = np.zeros((9, 18, 27), np.uint8)
    for z, y, x in np.ndindex(1, 2, 3):
        labels[9 * z + 2 : 9 * z + 6, 9 * y + 2 : 9 * y + 6, 9 * x + 2 : 9 * x + 6] = 1
    found = curves(labels, context(labels, 2))
    for axis, n in zip("zyx", labels.shape, strict=True):
        expected = [6 * 16 * max(0, 4 - k) / (labels.size // n * (n - k)) for k in range(n)]
        assert found[f"active | {axis}"][1] == pytest.approx(expected)
    assert s2(labels, context(labels, 2))["active | x"][9] > 0  # the next cube, which is no part of the cluster
    assert found["pore | x"][1] == pytest.approx(s2(labels, context(labels, 2))["pore | x"])  # one cluster


def test_a_bent_cluster_joins_what_a_line_does_not(context):
    labels = np.zeros((1, 4, 7), np.uint8)
    labels[0, 1:, 1], labels[0, 1:, 5], labels[0, 3, 1:6] = 1, 1, 1  # a U
    assert curves(labels, context(labels, 2))["active | x"][1][4] == pytest.approx(3 / (4 * 3))
    labels[0, 3, 3] = 0
    assert curves(labels, context(labels, 2))["active | x"][1][4] == 0


def test_connectivity(context):
    labels = np.zeros((1, 6, 6), np.uint8)
    labels[0, range(6), range(6)] = 1
    labels[0, 0, 2] = 1  # joined to (1, 1) and so to (0, 0) by corners only
    where = context(labels, 2)
    assert curves(labels, where)["active | x"][1][2] == 0
    for connectivity in (18, 26):
        assert curves(labels, where, connectivity=connectivity)["active | x"][1][2] == pytest.approx(1 / 24)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.integers(1, 8)] * 3), st.sampled_from([1, 2, 3]), st.sampled_from([6, 18, 26]), st.integers(0, 99)
)
def test_equals_counting_pair_by_pair_and_is_at_most_s2(context, shape, phases, connectivity, seed):
    from scipy import ndimage

    labels = np.random.default_rng(seed).integers(0, phases, shape, dtype=np.uint8)
    found, every = (
        curves(labels, context(labels, phases), connectivity=connectivity),
        s2(labels, context(labels, phases)),
    )
    assert set(found) == set(every)
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    for value in range(phases):
        ids, _ = ndimage.label(labels == value, structure)
        for axis, name in enumerate("zyx"):
            if (label := f"{['pore', 'active', 'binder'][value]} | {name}") not in found:
                assert shape[0] == 1
                continue
            lines = np.moveaxis(ids, axis, 0)
            n = len(lines)
            pairs = [[(lines[i] == lines[i + k]) & (lines[i] > 0) for i in range(n - k)] for k in range(n)]
            assert found[label][1] == pytest.approx([np.mean(p) for p in pairs], abs=1e-14)
            assert (found[label][1] <= every[label] + 1e-14).all()
            assert found[label][1][0] == pytest.approx((labels == value).mean())


def test_images_of_a_stack_are_not_joined(context):
    labels = np.zeros((2, 3, 5), np.uint8)
    labels[:, 1, [0, 4]] = 1  # apart in both images
    labels[0, 1, :] = 1  # and joined in the first
    found = curves(labels, context(labels, 2, stack=True))
    assert {label[-1] for label in found} == {"x", "y"}
    assert found["active | x"][1][4] == pytest.approx(1 / 6)
    alone = curves(labels[:1], context(labels[:1], 2))
    assert alone["active | x"][1][4] == pytest.approx(1 / 3)


def test_absent_phase_and_short_axes(context):
    labels = np.zeros((1, 4, 9), np.uint8)
    found = curves(labels, context(labels, 2), lags=6)
    assert set(found) == {"pore | y", "pore | x", "active | y", "active | x"}
    assert found["active | x"][1].tolist() == [0.0] * 7
    assert found["pore | x"][1].tolist() == [1.0] * 7
    assert len(found["pore | y"][0]) == 4


def test_large_layers_are_counted_in_parts(context, monkeypatch):
    labels = np.random.default_rng(0).integers(0, 3, (5, 11, 13), dtype=np.uint8)
    whole = TwoPointCluster().measure(labels, context(labels, 3))
    for cached in (1, 30, 200):
        monkeypatch.setattr("mesofuse_metrics.two_point_cluster.CACHED", cached)
        assert TwoPointCluster().measure(labels, context(labels, 3)) == whole


def test_conforms():
    assert_conforms("metric", "two-point-cluster")


@pytest.mark.parametrize("options", [{"connectivity": 4}, {"lags": 0}, {"lag": 3}])
def test_wrong_options_are_refused(options):
    with pytest.raises(UserError):
        load_registry(only=["metrics"]).find("metric", "two-point-cluster").build(options)
