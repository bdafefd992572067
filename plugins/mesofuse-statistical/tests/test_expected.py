import numpy as np
import pytest
from mesofuse_statistical.expected import expected_shares

from mesofuse.interfaces.method import TileInput
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import PhaseMatch, default_phases


def expected(scan, shows, shares):
    problem = Problem((1.0, 1.0, 4.0), default_phases(len(shows)), default_phases(len(shares)), PhaseMatch(shows))
    region = Region.whole(scan.shape)
    return expected_shares(TileInput(region, region, scan.shape, scan, ()), problem, np.array(shares))[:, 0, 0]


def test_a_scan_phase_is_divided_as_the_image_has_it():
    scan = np.array([0, 1], np.uint8).reshape(1, 1, 2)
    found = expected(scan, ((0, 2), (1,)), [0.3, 0.6, 0.1])
    share = np.array([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])  # as the interpolation's
    assert found == pytest.approx(np.array([0.75 * (1 - share), share, 0.25 * (1 - share)]))


def test_what_no_scan_phase_shows_has_its_share_everywhere():
    scan = np.array([0, 1], np.uint8).reshape(1, 1, 2)
    found = expected(scan, ((0,), (1,)), [0.5, 0.3, 0.2])
    assert found[2] == pytest.approx(np.full(8, 0.2))
    assert found[:, 0] == pytest.approx([0.8, 0, 0.2])


def test_phases_that_the_image_lacks_are_equally_likely():
    assert expected(np.zeros((1, 1, 1), np.uint8), ((0, 1), (2,)), [0, 0, 1.0])[:, 0] == pytest.approx([0.5, 0.5, 0])
