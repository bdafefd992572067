from __future__ import annotations

import math

import numpy as np
from mesofuse_metrics.options import ConnectivityOptions
from mesofuse_metrics.percolation import Percolation


def test_rods_and_a_wall(context, values):
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[:, 0:2, 0:2] = 1  # a rod along z
    labels[0:3, 4, 4] = 1  # one that ends
    found = values(Percolation().measure(labels, context(labels, 3)))
    assert found["active | z"] == 32 / 35
    assert found["active | y"] == found["active | x"] == 0
    assert found["pore | z"] == found["pore | x"] == 1
    assert math.isnan(found["binder | z"])
    labels[4] = 2
    found = values(Percolation().measure(labels, context(labels, 3)))
    assert (found["pore | z"], found["active | z"], found["binder | y"]) == (0, 0, 1)


def test_contact_by_corners_counts_only_when_asked(context, values):
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[[0, 1, 2], [0, 1, 2], [0, 1, 2]] = 1
    assert values(Percolation().measure(labels, context(labels, 2)))["active | z"] == 0
    by_corners = Percolation(ConnectivityOptions(connectivity=26))
    assert values(by_corners.measure(labels, context(labels, 2)))["active | z"] == 1
