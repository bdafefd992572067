import numpy as np

from mesofuse.testing.problems import blobs, describe, make_problem, problems_for


def test_phases_left_over_are_shown_by_the_last():
    assert make_problem(2, 4, 2).match.shows == ((0,), (1, 2, 3))
    assert make_problem(2, 2, 2).match.shows == ((0,), (1,))
    assert make_problem(0, 3, 2).match.shows == ()


def test_every_scale_is_checked(component):
    cases = [describe(p) for p in problems_for(component("generator", "generators:NonInteger"))]
    assert cases == [
        "2 phases in, 2 out, scale (1.6, 1.6, 1.6)",
        "2 phases in, 3 out, scale (1.6, 1.6, 1.6)",
        "2 phases in, 3 out, scale (2, 1, 2.5)",
    ]


def test_blobs_show_every_phase_and_repeat():
    labels = blobs((6, 7, 8), 3).array
    assert labels.dtype == np.uint8
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert np.array_equal(labels, blobs((6, 7, 8), 3).array)


def test_what_takes_no_scan_gets_none(component):
    cases = [describe(p) for p in problems_for(component("generator", "generators:NoScan"))]
    assert cases == ["0 phases in, 2 out, scale (1, 1, 1)", "0 phases in, 3 out, scale (1, 1, 1)"]
