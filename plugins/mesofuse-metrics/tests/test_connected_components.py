from __future__ import annotations

import math

import numpy as np
from mesofuse_metrics.connected_components import ConnectedComponents
from mesofuse_metrics.options import ConnectivityOptions


def test_two_cubes(context):
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[1:4, 1:4, 1:4] = 1
    labels[4:6, 4:6, 4:6] = 1  # touches the first by a corner
    measured = ConnectedComponents().measure(labels, context(labels, 3, (0.5,) * 3, "micrometer"))
    found = {(m.metric, m.label): m.value for m in measured}
    assert found["connected-components", "active"] == 2 / 125
    assert found["connected-components", "pore"] == 1 / 125
    assert found["connected-components", "binder"] == 0
    assert found["largest-component", "active"] == 27 / 35
    assert math.isnan(found["largest-component", "binder"])
    assert measured[0].unit == "µm⁻³"
    joined = ConnectedComponents(ConnectivityOptions(connectivity=26)).measure(labels, context(labels, 3))
    assert {(m.metric, m.label): m.value for m in joined}["connected-components", "active"] == 1 / 1000
