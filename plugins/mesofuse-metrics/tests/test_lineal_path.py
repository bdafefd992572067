from __future__ import annotations

import numpy as np
import pytest
from mesofuse_metrics.lineal_path import LinealPath
from mesofuse_metrics.options import LinealPathOptions


def paths(labels, context, **options) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    measured = LinealPath(LinealPathOptions(**options)).measure(labels, context)
    return {c.label: (np.array(c.x), np.array(c.y)) for c in measured}


def test_slab(context):
    labels = np.zeros((10, 3, 3), np.uint8)
    labels[2:6] = 1
    r, path = paths(labels, context(labels, 2, (0.5, 1.0, 1.0), "micrometer"))["active | z"]
    assert r.tolist() == [0.5 * k for k in range(10)]
    assert path == pytest.approx([max(0, 4 - k) / (10 - k) for k in range(10)])
    assert paths(labels, context(labels, 2))["active | y"][1] == pytest.approx([0.4] * 3)


def test_overlapping_spheres_follow_the_formula(context):
    rng = np.random.default_rng(1)
    n, radius, density = 100, 8.0, 8e-4
    grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).astype(np.float32)
    pore = np.ones((n, n, n), bool)
    for centre in rng.uniform(-radius, n + radius, (rng.poisson(density * (n + 2 * radius) ** 3), 3)):
        low, high = np.clip([centre - radius, centre + radius], 0, n).astype(int)
        box = tuple(slice(a, b + 2) for a, b in zip(low, high, strict=True))
        pore[box] &= ((grid[box] - centre) ** 2).sum(-1) > radius**2
    labels = (~pore).astype(np.uint8)
    found = paths(labels, context(labels, 2), lags=30)
    r, mean = found["pore | z"][0], np.mean([found[f"pore | {axis}"][1] for axis in "zyx"], axis=0)
    expected = np.exp(-density * np.pi * radius**2 * r)  # of a segment, given that its first point lies in the pore
    np.testing.assert_allclose(mean / mean[0], expected, atol=0.03)


def test_image_and_short_lines(context):
    labels = np.random.default_rng(0).integers(0, 2, (1, 4, 9), dtype=np.uint8)
    found = paths(labels, context(labels, 2), lags=6)
    assert {key[-1] for key in found} == {"x", "y"}
    assert len(found["pore | y"][0]) == 4
    assert len(found["pore | x"][0]) == 7
