from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.directional_covariance import DirectionalCovariance
from mesofuse_metrics.options import CovarianceOptions
from scipy.ndimage import gaussian_filter

from mesofuse.interfaces.metric import Curve, Measurement


def measured(labels, context, lags=12):
    results = DirectionalCovariance(CovarianceOptions(lags=lags)).measure(labels, context)
    errors = {r.label: r.value for r in results if isinstance(r, Measurement)}
    return errors, {r.label: np.array(r.y) for r in results if isinstance(r, Curve)}


def blobs(shear: bool) -> np.ndarray:
    field = gaussian_filter(np.random.default_rng(0).standard_normal((64, 64, 64)), 2, mode="wrap")
    if shear:  # streaks along the diagonal of y and x, which no axis shows
        field = np.mean([np.roll(field, (k, k), (1, 2)) for k in range(-8, 9)], axis=0)
    return (field > 0).astype(np.uint8)


def test_diagonal_streaks_are_seen(context):
    (plain, _), (streaked, curves) = (measured(blobs(s), context(blobs(s), 2)) for s in (False, True))
    assert plain["active"] < 0.05
    assert streaked["active"] > 4 * plain["active"]
    means = {name: curve[:12].mean() for name, curve in curves.items() if name.startswith("active")}
    assert max(means, key=means.get) == "active | [0 1 1]"
    assert len(means) == 13


def test_begins_at_one(context):
    _, curves = measured(blobs(False), context(blobs(False), 2))
    assert all(curve[0] == pytest.approx(1) for curve in curves.values())


def test_image_and_absent_phase(context):
    labels = blobs(False)[:1]
    errors, curves = measured(labels, context(labels, 3))
    assert math.isnan(errors["binder"])
    assert len(curves) == 8


def test_streams_exactly(check_additive):
    check_additive(DirectionalCovariance(CovarianceOptions(lags=3)), phases=(2, 3))


def test_one_voxel_thick_volumes_have_no_isotropy_error(context):
    for shape in ((12, 1, 12), (12, 12, 1), (1, 1, 12)):
        labels = np.random.default_rng(0).integers(0, 2, shape, dtype=np.uint8)
        for result in DirectionalCovariance().measure(labels, context(labels, 2)):
            if result.metric == "isotropy-error":
                assert np.isnan(result.value)
