from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.local_thickness import LocalThickness
from mesofuse_metrics.options import ThicknessOptions

from mesofuse.interfaces.metric import Curve, Measurement


def thickness(labels, context, **options):
    results = LocalThickness(ThicknessOptions(**options)).measure(labels, context)
    curves = {r.label: r for r in results if isinstance(r, Curve)}
    return {r.label: r.value for r in results if isinstance(r, Measurement)}, curves


def test_slab_goes_on_beyond_the_sides(context):
    labels = np.zeros((30, 20, 20), np.uint8)
    labels[10:18] = 1
    means, curves = thickness(labels, context(labels, 2, (0.5,) * 3, "micrometer"), levels=8)
    assert means["active"] == pytest.approx(4, abs=0.5)
    assert curves["active"].y_unit == "µm⁻¹"
    assert curves["active"].x_unit == "µm"


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (1.0, 2.0, 1.0)])
def test_two_balls(context, voxel):
    z, y, x = np.meshgrid(*[np.arange(int(60 / v)) * v for v in voxel], indexing="ij")
    labels = np.zeros(z.shape, np.uint8)
    labels[(z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 < 144] = 1
    labels[(z - 46) ** 2 + (y - 46) ** 2 + (x - 46) ** 2 < 36] = 1
    means, curves = thickness(labels, context(labels, 2, voxel, "micrometer"), levels=30)
    share = 12**3 / (12**3 + 6**3)
    assert means["active"] == pytest.approx(share * 24 + (1 - share) * 12, rel=0.08)
    sizes, density = np.array(curves["active"].x), np.array(curves["active"].y)
    step = sizes[1] - sizes[0]
    assert density.sum() * step == pytest.approx(1)
    assert density[sizes > 18].sum() * step == pytest.approx(share, abs=0.06)


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
