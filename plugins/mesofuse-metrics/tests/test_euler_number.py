from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.euler_number import EulerNumber
from mesofuse_metrics.options import EulerOptions
from skimage.measure import euler_number


def euler(labels, context, phase="active", connectivity=6) -> float:
    metric = EulerNumber(EulerOptions(connectivity=connectivity))
    found = {(m.metric, m.label): m.value for m in metric.measure(labels, context)}
    return found["euler-number", phase] * (np.array(labels.shape)).prod()


def whole(labels: np.ndarray) -> float:
    """What one object counts: densities are per neighbourhood, of which there is one less than voxels along an axis."""
    return float(np.prod(labels.shape) / np.prod(np.array(labels.shape) - 1))


@pytest.mark.parametrize("connectivity", [6, 26])
def test_known_shapes(context, connectivity):
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[3:12, 3:12, 3:12] = 1
    for name, hole, expected in (
        ("cube", np.s_[:0], 1),
        ("tunnel", np.s_[:, 7, 7], 0),
        ("two tunnels", np.s_[:, (5, 9), (5, 9)], -1),
        ("hollow", np.s_[7, 7, 7], 2),
    ):
        shape = labels.copy()
        shape[hole] = 0
        assert euler(shape, context(shape, 2), connectivity=connectivity) == pytest.approx(expected * whole(shape)), (
            name
        )


@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (26, 3)])
def test_equals_scikit_image(context, connectivity, rank):
    labels = np.zeros((12, 13, 14), np.uint8)
    labels[2:-2, 2:-2, 2:-2] = np.random.default_rng(0).integers(0, 2, (8, 9, 10))
    expected = euler_number(labels == 1, connectivity=rank)
    assert euler(labels, context(labels, 2), connectivity=connectivity) == pytest.approx(expected * whole(labels))


def test_mean_curvature_of_a_ball(context):
    axes = np.meshgrid(*[np.arange(64) - 31.7] * 3, indexing="ij")
    labels = (sum(a**2 for a in axes) < 20**2).astype(np.uint8)
    measured = EulerNumber().measure(labels, context(labels, 2, (0.5,) * 3, "nanometer"))
    found = {(m.metric, m.label): m for m in measured}
    curvature = found["mean-curvature", "active"]
    assert curvature.unit == "nm⁻²"
    assert curvature.value * 31.5**3 == pytest.approx(4 * math.pi * 10, rel=0.02)
    assert found["mean-curvature", "pore"].value * 31.5**3 == pytest.approx(-4 * math.pi * 10, rel=0.02)
    assert found["euler-number", "active"].unit == "nm⁻³"


def test_gyroid_has_minus_four_a_side_and_cell(context):
    # One labyrinth of the gyroid: genus 5 a primitive cell, so χ = −4 for it, −8 for the surface in the cubic cell.
    x, y, z = np.meshgrid(*[np.arange(97) * 2 * np.pi / 48] * 3, indexing="ij")
    labels = (np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x) > 0).astype(np.uint8)
    found = {(m.metric, m.label): m.value for m in EulerNumber().measure(labels, context(labels, 2))}
    assert found["euler-number", "active"] * 48**3 == pytest.approx(-4, abs=0.01)
    assert found["euler-number", "pore"] * 48**3 == pytest.approx(-4, abs=0.01)


def test_thin_volume_is_undefined(context):
    labels = np.zeros((3, 1, 4), np.uint8)
    assert all(math.isnan(m.value) for m in EulerNumber().measure(labels, context(labels, 2)))


def test_streams_exactly(check_additive):
    check_additive(EulerNumber(), phases=(1, 2, 3))
