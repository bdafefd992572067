from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_metrics import local_thickness
from mesofuse_metrics.local_thickness import LocalThickness
from mesofuse_metrics.options import ThicknessOptions
from scipy.spatial.distance import cdist

from mesofuse.interfaces.metric import Curve, Measurement


def thickness(labels, context, **options):
    results = LocalThickness(ThicknessOptions(**options)).measure(labels, context)
    curves = {r.label: r for r in results if isinstance(r, Curve)}
    return {r.label: r.value for r in results if isinstance(r, Measurement)}, curves


def by_brute_force(mask, voxel):
    """The definition, ball by ball: t(x) = 2 max r(c) over the voxels c whose ball holds x."""
    inside, outside = np.argwhere(mask) * voxel, np.argwhere(~mask) * voxel
    radius = cdist(inside, outside).min(1)
    held = cdist(inside, inside) < radius[None] + min(voxel) / 2
    return 2 * np.where(held, radius[None], 0).max(1)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.integers(1, 8)] * 3),
    st.sampled_from([(1.0, 1.0, 1.0), (1.0, 2.0, 1.0), (0.65, 0.13, 0.13), (3.0, 1.0, 2.0)]),
    st.sampled_from([0.5, 0.85, 0.97]),
    st.integers(0, 10_000),
)
def test_equals_brute_force(context, shape, voxel, fraction, seed):
    labels = (np.random.default_rng(seed).random(shape) < fraction).astype(np.uint8)
    mask = labels == 1
    if not mask.any() or mask.all():
        return
    truth = by_brute_force(mask, voxel)
    made = context(labels, 2, voxel, "micrometer")
    assert thickness(labels, made)[0]["active"] == pytest.approx(truth.mean(), abs=0.25 * min(voxel))
    exact, voxels = LocalThickness(ThicknessOptions(step=0))._thickness(mask, voxel)
    assert np.repeat(exact, voxels) == pytest.approx(np.sort(truth)[::-1], rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(1.0, 1.0, 1.0), (3.0, 1.0, 2.0)]), st.sampled_from([0.5, 1.0]), st.integers(0, 10_000))
def test_groups_of_sizes_are_within_half_a_step_of_brute_force(voxel, step, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((7, 8, 9)) < rng.choice([0.6, 0.9, 0.99])
    if mask.all() or not mask.any():
        return
    truth = np.sort(by_brute_force(mask, voxel))[::-1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_thickness, "EXACT", 0.0)
        sizes, voxels = LocalThickness(ThicknessOptions(step=step))._thickness(mask, voxel)
    found = np.repeat(sizes, voxels)
    assert len(found) == len(truth)
    assert np.abs(found - truth).max() <= step / 2 * min(voxel) * (1 + 1e-4)


@pytest.mark.parametrize("side", [3, 5, 8])
def test_small_pores_beside_a_large_void_keep_their_size(context, side):
    # A void of 104 voxels in which 24 even sizes would be 4.5 voxels apart, and slits of a few voxels.
    labels = np.ones((130, 104, 40), np.uint8)
    labels[:104] = 0
    slits = np.zeros(130, bool)
    slits[110 : 110 + side] = True
    labels[slits] = 0
    alone = np.ones_like(labels)
    alone[slits] = 0
    means, curves = thickness(labels, context(labels, 2))
    small, _ = thickness(alone, context(alone, 2))
    assert small["pore"] == pytest.approx(side, abs=1)
    # The void is bounded by its wall alone, so that it counts twice its depth: the sides are no walls.
    assert means["pore"] == pytest.approx((208 * 104 + small["pore"] * side) / (104 + side), rel=1e-4)
    sizes, density = np.array(curves["pore"].x), np.array(curves["pore"].y)
    assert density[sizes < 10].sum() == pytest.approx(side / (104 + side))


@pytest.mark.parametrize("width", range(1, 13))
def test_layer_of_every_width(context, width):
    labels = np.zeros((20, 6, 6), np.uint8)
    labels[4 : 4 + width] = 1
    even_above = width + width % 2
    assert thickness(labels, context(labels, 2))[0]["active"] == even_above
    assert thickness(labels, context(labels, 2, (0.5,) * 3, "micrometer"))[0]["active"] == even_above / 2


@pytest.mark.parametrize(("kind", "low", "high"), [("rod", -1.3, 0.5), ("ball", -1.6, 0.5)])
def test_error_of_rods_and_balls_of_any_place(context, kind, low, high):
    rng = np.random.default_rng(0)
    for _ in range(12):
        radius, centre = rng.uniform(3, 12), rng.uniform(14, 16, 3)
        apart = np.indices((30, 30, 30)).transpose(1, 2, 3, 0) - centre
        apart[..., 0] *= kind == "ball"
        labels = ((apart**2).sum(-1) < radius**2).astype(np.uint8)
        found = thickness(labels, context(labels, 2))[0]["active"]
        assert 2 * radius + low < found < 2 * radius + high


def test_slab_goes_on_beyond_the_sides(context):
    labels = np.zeros((30, 20, 20), np.uint8)
    labels[10:18] = 1
    means, curves = thickness(labels, context(labels, 2, (0.5,) * 3, "micrometer"))
    assert means["active"] == pytest.approx(4, abs=0.5)
    assert curves["active"].y_unit == "µm⁻¹"
    assert curves["active"].x_unit == "µm"


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (1.0, 2.0, 1.0)])
def test_two_balls(context, voxel):
    z, y, x = np.meshgrid(*[np.arange(int(60 / v)) * v for v in voxel], indexing="ij")
    labels = np.zeros(z.shape, np.uint8)
    labels[(z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 < 144] = 1
    labels[(z - 46) ** 2 + (y - 46) ** 2 + (x - 46) ** 2 < 36] = 1
    means, curves = thickness(labels, context(labels, 2, voxel, "micrometer"))
    share = 12**3 / (12**3 + 6**3)
    assert means["active"] == pytest.approx(share * 24 + (1 - share) * 12, abs=0.5)
    sizes, density = np.array(curves["active"].x), np.array(curves["active"].y)
    step = sizes[1] - sizes[0]
    assert step == pytest.approx(1)
    assert density.sum() * step == pytest.approx(1)
    assert density[sizes > 18].sum() * step == pytest.approx(share, abs=0.03)


def test_absent_phase_and_whole_phase(context):
    labels = np.zeros((8, 8, 8), np.uint8)
    means, curves = thickness(labels, context(labels, 2))
    assert all(map(math.isnan, means.values()))
    assert curves == {}


def test_single_voxels(context):
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[::3, ::3, ::3] = 1
    means, _ = thickness(labels, context(labels, 2))
    assert means["active"] == 2  # twice the distance to the next voxel: at most a voxel too much
