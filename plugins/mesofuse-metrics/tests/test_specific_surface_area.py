from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.specific_surface_area import SpecificSurfaceArea


def area(labels, context, values) -> float:
    return values(SpecificSurfaceArea().measure(labels, context))["pore | active"]


def ball(shape, radius, voxel=(1.0, 1.0, 1.0)) -> np.ndarray:
    axes = np.meshgrid(*[(np.arange(n) - n / 2 + 0.37) * v for n, v in zip(shape, voxel, strict=True)], indexing="ij")
    return (sum(a**2 for a in axes) < radius**2).astype(np.uint8)


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (1.0, 1.0, 2.0), (0.5, 1.0, 0.7)])
def test_ball(context, values, voxel):
    shape = tuple(int(120 / v) for v in voxel)
    labels = ball(shape, 15, voxel)
    found = area(labels, context(labels, 2, voxel, "micrometer"), values) * 120**3
    assert found == pytest.approx(4 * math.pi * 15**2, rel=0.035)


def test_gyroid(context, values):
    x, y, z = np.meshgrid(*[np.arange(96) * 2 * np.pi / 48] * 3, indexing="ij")
    labels = (np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x) > 0).astype(np.uint8)
    assert area(labels, context(labels, 2), values) * 48 == pytest.approx(3.0915, rel=0.02)


def test_flat_interfaces_are_within_the_stated_bias(context, values):
    rng = np.random.default_rng(0)
    points = np.stack(np.meshgrid(*[np.arange(60)] * 3, indexing="ij"), -1)
    ratios = []
    for _ in range(30):
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        labels = (np.floor(points @ normal / 20) % 2).astype(np.uint8)  # parallel interfaces 20 voxels apart
        ratios.append(area(labels, context(labels, 2), values) * 20)
    assert np.mean(ratios) == pytest.approx(1, abs=0.03)
    assert min(ratios) > 0.87
    assert max(ratios) < 1.1
    labels = (np.arange(60) // 20 % 2).astype(np.uint8)[:, None, None] * np.ones((60, 60, 60), np.uint8)
    assert area(labels, context(labels, 2), values) == pytest.approx(0.9271 * 2 / 59, rel=1e-3)


def test_image_of_discs_estimates_the_volume(context, values):
    labels = ball((1, 400, 400), 60)
    # In an isotropic section S_V = (4/π) L_A.
    expected = 4 / math.pi * 2 * math.pi * 60 / 400**2
    assert area(labels, context(labels, 2), values) == pytest.approx(expected, rel=0.01)
    wide = ball((1, 400, 200), 60, (1.0, 1.0, 2.0))
    assert area(wide, context(wide, 2, (1.0, 1.0, 2.0), "nanometer"), values) == pytest.approx(expected, rel=0.02)


def test_units(context):
    labels = np.random.default_rng(0).integers(0, 3, (6, 6, 6), dtype=np.uint8)
    one = SpecificSurfaceArea().measure(labels, context(labels, 3, (1.0,) * 3, "micrometer"))
    half = SpecificSurfaceArea().measure(labels, context(labels, 3, (0.5,) * 3, "micrometer"))
    assert [m.unit for m in one] == ["µm⁻¹"] * 3
    assert [2 * a.value for a in one] == pytest.approx([b.value for b in half])


def test_thin_volume_is_undefined(context, values):
    labels = np.zeros((3, 1, 1), np.uint8)
    assert math.isnan(area(labels, context(labels, 2), values))


def test_streams_exactly(check_additive):
    check_additive(SpecificSurfaceArea())
