from __future__ import annotations

import numpy as np
import pytest
from mesofuse_metrics.volume_fraction import VolumeFraction


def test_slabs(context, values):
    labels = np.zeros((10, 4, 4), np.uint8)
    labels[6:9] = 1
    assert values(VolumeFraction().measure(labels, context(labels, 3))) == {"pore": 0.7, "active": 0.3, "binder": 0.0}


def test_image_and_many_phases(context):
    labels = np.arange(255, dtype=np.uint8).reshape(1, 15, 17)
    shares = [m.value for m in VolumeFraction().measure(labels, context(labels, 255))]
    assert shares == pytest.approx([1 / 255] * 255)


def test_streams_exactly(check_additive):
    check_additive(VolumeFraction())


def test_larger_than_a_slab(context, values):
    labels = np.random.default_rng(0).integers(0, 3, (40, 130, 150), dtype=np.uint8)
    expected = {name: np.mean(labels == i) for i, name in enumerate(["pore", "active", "binder"])}
    assert values(VolumeFraction().measure(labels, context(labels, 3))) == pytest.approx(expected, rel=1e-12)
