from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
import taufactor
from mesofuse_metrics.components import components
from mesofuse_metrics.conduction import efficiency


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 1.0, 0.5)])
def test_layers_in_parallel(spacing):
    conducting = np.zeros((7, 6, 5), bool)
    conducting[:, :4] = True
    assert efficiency(conducting, spacing, 0.01, 1000) == pytest.approx(4 / 6, rel=1e-6)


def test_a_narrowing_by_its_resistances():
    # Three voxels, then one behind the middle one: the outer two lead to it through their sides, 1/2 + 1 beside 1/2.
    conducting = np.zeros((2, 1, 3), bool)
    conducting[0] = True
    conducting[1, 0, 1] = True
    into_the_middle = 1 / (1 / 0.5 + 2 / 1.5)
    flux = 1 / (into_the_middle + 1 + 1 / 2)
    assert efficiency(conducting, (1.0, 1.0, 1.0), 0.01, 1000) == pytest.approx(flux * 2 / 3, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_taufactor(seed):
    labels = (np.random.default_rng(seed).random((20, 20, 20)) < 0.5).astype(np.uint8)
    found = components(labels)
    through = found.crossing(0) & (found.phase == 1)
    through[0] = False
    conducting = through[found.ids]
    solver = taufactor.Solver(conducting.astype(np.uint8), device="cpu")
    with contextlib.redirect_stdout(io.StringIO()):
        solver.solve(verbose=False, conv_crit=1e-4)
    assert solver.converged
    assert efficiency(conducting, (1.0, 1.0, 1.0), 0.01, 10_000) == pytest.approx(float(solver.D_rel[0]), rel=1e-4)


def test_gives_up():
    conducting = np.random.default_rng(0).random((12, 12, 12)) < 0.7
    found = components(conducting.astype(np.uint8))
    conducting &= found.ids == np.bincount(found.ids[conducting]).argmax()
    assert efficiency(conducting, (1.0, 1.0, 1.0), 0.01, 5) is None
