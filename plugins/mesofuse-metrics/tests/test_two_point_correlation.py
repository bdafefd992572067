from __future__ import annotations

import numpy as np
import pytest
from mesofuse_metrics.options import TwoPointOptions
from mesofuse_metrics.two_point_correlation import TwoPointCorrelation


def curves(labels, context, **options) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    measured = TwoPointCorrelation(TwoPointOptions(**options)).measure(labels, context)
    return {f"{c.metric} {c.label}": (np.array(c.x), np.array(c.y)) for c in measured}


def test_equals_the_fourier_transform(context):
    labels = np.random.default_rng(0).integers(0, 3, (20, 21, 70), dtype=np.uint8)
    found = curves(labels, context(labels, 3), lags=12)
    size, axes = [2 * n for n in labels.shape], (0, 1, 2)
    whole = [np.fft.rfftn(labels == v, size, axes) for v in range(3)]
    corner = (slice(13),) * 3
    every = sum(whole)
    pairs = np.fft.irfftn(np.abs(every) ** 2, size, axes)[corner]
    for one, other, name in (
        (0, 0, "two-point-correlation pore"),
        (0, 1, "cross-correlation pore | active"),
        (2, 2, "two-point-correlation binder"),
    ):
        there = np.fft.irfftn(whole[one].conj() * whole[other], size, axes)[corner]
        back = np.fft.irfftn(whole[other].conj() * whole[one], size, axes)[corner]
        expected = (there + back) / 2 / pairs
        np.testing.assert_allclose(found[f"{name} | x"][1], expected[0, 0], atol=1e-12)
        np.testing.assert_allclose(found[f"{name} | z"][1], expected[:, 0, 0], atol=1e-12)


def test_stripes_repeat(context):
    labels = (np.arange(40) // 5 % 2).astype(np.uint8)[None, None, :] * np.ones((6, 6, 40), np.uint8)
    r, s2 = curves(labels, context(labels, 2, (1.0, 1.0, 0.2), "micrometer"), lags=20)[
        "two-point-correlation active | x"
    ]
    assert r[:3] == pytest.approx([0, 0.2, 0.4])
    assert s2[0] == 0.5
    assert s2[5] == 0
    assert s2[10] == 0.5
    _, along = curves(labels, context(labels, 2), lags=5)["two-point-correlation active | y"]
    assert along == pytest.approx([0.5] * 6)


def test_overlapping_spheres_follow_the_formula(context):
    rng = np.random.default_rng(0)
    n, radius, density = 100, 8.0, 8e-4
    grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).astype(np.float32)
    pore = np.ones((n, n, n), bool)
    for centre in rng.uniform(-radius, n + radius, (rng.poisson(density * (n + 2 * radius) ** 3), 3)):
        low, high = (
            np.clip(np.array(f(centre + s * radius)), 0, n).astype(int) for f, s in ((np.floor, -1), (np.ceil, 1))
        )
        box = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
        pore[box] &= ((grid[box] - centre) ** 2).sum(-1) > radius**2
    labels = (~pore).astype(np.uint8)
    r, s2 = curves(labels, context(labels, 2), lags=24)["two-point-correlation pore | radial"]
    x = np.minimum(r / (2 * radius), 1)
    union = 4 / 3 * np.pi * radius**3 * (1 + 1.5 * x - 0.5 * x**3)  # of two spheres r apart
    expected = np.exp(-density * union)
    scaled = expected * (pore.mean() / expected[0]) ** (union / union[0])  # the sample's own fraction
    np.testing.assert_allclose(s2, scaled, atol=0.012)


def test_all_pairs_sum_to_one(context):
    labels = np.random.default_rng(1).integers(0, 3, (9, 9, 9), dtype=np.uint8)
    found = curves(labels, context(labels, 3), lags=8)
    for where in ("z", "y", "x", "radial"):
        auto = sum(found[f"two-point-correlation {p} | {where}"][1] for p in ("pore", "active", "binder"))
        pairs = ("pore | active", "pore | binder", "active | binder")
        cross = sum(found[f"cross-correlation {p} | {where}"][1] for p in pairs)
        assert auto + 2 * cross == pytest.approx(np.ones(len(auto)))


def test_image_has_two_axes_and_small_volumes_end_early(context):
    labels = np.random.default_rng(0).integers(0, 2, (1, 6, 9), dtype=np.uint8)
    found = curves(labels, context(labels, 2), cross=False)
    assert sorted({key.split(" | ")[1] for key in found}) == ["radial", "x", "y"]
    assert len(found["two-point-correlation pore | x"][0]) == 9
    assert len(found["two-point-correlation pore | y"][0]) == 6
    assert "two-point-correlation pore | radial" not in curves(labels, context(labels, 2), radial=False)


@pytest.mark.parametrize("radial", [False, True])
def test_streams_exactly(check_additive, radial):
    check_additive(TwoPointCorrelation(TwoPointOptions(lags=3, radial=radial)), phases=(2, 3))
