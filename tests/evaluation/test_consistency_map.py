from __future__ import annotations

import numpy as np
import pytest

from mesofuse.evaluation.consistency_map import consistency_map
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases


@pytest.mark.parametrize("scale", [2.0, 1.5])
def test_all_slices_together_are_the_metric(scale):
    rng = np.random.default_rng(0)
    low = LabelArray(rng.integers(0, 2, (6, 8, 10), dtype=np.uint8), Grid((6, 8, 10)), default_phases(2))
    grid = low.grid.refined((scale,) * 3)
    high = LabelArray(rng.integers(0, 3, grid.shape, dtype=np.uint8), grid, default_phases(3))
    problem = Problem((scale,) * 3, low.phases, high.phases, PhaseMatch(((0, 2), (1,))))
    instrument = get_registry().find("degradation", "blur-downsample").build(None, problem)
    slices = [consistency_map(high, low, problem, instrument, i) for i in range(6)]
    assert all((labels == low.array[i]).all() for i, (labels, _) in enumerate(slices))
    found = measure(high, ["low-res-consistency"], scan=ScanReference.of(problem, low, instrument))
    assert np.mean([right for _, right in slices]) == pytest.approx(found.results[0].value, abs=1e-9)
