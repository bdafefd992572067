from __future__ import annotations

import math

import numpy as np
import pytest
from mesofuse_metrics.chord_length import ChordLength
from mesofuse_metrics.specific_surface_area import SpecificSurfaceArea

from mesofuse.interfaces.metric import Curve, Measurement


def test_stripes(context):
    labels = (np.arange(50) // 5 % 2).astype(np.uint8)[None, None, :] * np.ones((4, 4, 50), np.uint8)
    measured = ChordLength().measure(labels, context(labels, 2, (1.0, 1.0, 0.5), "micrometer"))
    means = {m.label: m for m in measured if isinstance(m, Measurement)}
    curves = {m.label: m for m in measured if isinstance(m, Curve)}
    # Ten stripes, of which the first and the last have one end each: 2 · 25 · 0.5 / 9 for both phases.
    assert means["active | x"].value == pytest.approx(25 / 9)
    assert means["active | x"].unit == "µm"
    assert math.isnan(means["active | z"].value)
    assert curves["active | x"].x[-1] == 2.5
    assert curves["active | x"].y[-1] == pytest.approx(2)
    assert "pore | z" not in curves


def test_mean_chord_is_four_fractions_over_the_area(context):
    rng = np.random.default_rng(0)
    labels = np.zeros((60, 60, 60), np.uint8)
    grid = np.stack(np.meshgrid(*[np.arange(60)] * 3, indexing="ij"), -1)
    for centre in rng.uniform(0, 60, (25, 3)):
        labels[((grid - centre) ** 2).sum(-1) < 81] = 1
    means = [m.value for m in ChordLength().measure(labels, context(labels, 2)) if isinstance(m, Measurement)]
    (area,) = SpecificSurfaceArea().measure(labels, context(labels, 2))
    assert np.mean(means[1::2]) == pytest.approx(4 * labels.mean() / area.value, rel=0.03)


def test_image_has_two_axes(context):
    labels = np.random.default_rng(0).integers(0, 2, (1, 9, 9), dtype=np.uint8)
    assert {m.label[-1] for m in ChordLength().measure(labels, context(labels, 2))} == {"x", "y"}
