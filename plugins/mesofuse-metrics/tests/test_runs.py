from __future__ import annotations

import itertools

import numpy as np
import pytest
from mesofuse_metrics import runs


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("together", [1, 100, 1 << 20])
def test_equals_grouping_line_by_line(monkeypatch, axis, together):
    monkeypatch.setattr(runs, "LINES", together)
    labels = np.random.default_rng(0).integers(0, 3, (5, 6, 7), dtype=np.uint8)
    every, inner = runs.run_lengths(labels, axis, 3)
    n = labels.shape[axis]
    expected, free = np.zeros((3, n + 1), int), np.zeros((3, n + 1), int)
    for line in np.moveaxis(labels, axis, -1).reshape(-1, n):
        at = 0
        for value, group in itertools.groupby(line):
            length = len(list(group))
            expected[value, length] += 1
            free[value, length] += at > 0 and at + length < n
            at += length
    assert np.array_equal(every, expected)
    assert np.array_equal(inner, free)
