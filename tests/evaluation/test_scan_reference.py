from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.testing.stand_ins import PlainDegradation


def test_a_scan_has_its_problems_phases_match_and_scale():
    problem, low = make_problem(2, 3, 4), blobs((4, 4, 4), 2)
    found = ScanReference.of(problem, low, PlainDegradation(problem))
    assert (found.low_res.phases, found.match, found.scale) == (problem.low_phases, problem.match, problem.scale)


def test_without_a_scan_or_an_instrument_there_is_nothing_to_compare_with():
    problem = make_problem(2, 3, 4)
    assert ScanReference.of(problem, None, PlainDegradation(problem)) is None
    assert ScanReference.of(problem, blobs((4, 4, 4), 2), None) is None


def test_the_scale_is_what_is_said_or_the_quotient_of_the_shapes():
    problem, low = make_problem(2, 3, 4), blobs((4, 4, 4), 2)
    assert ScanReference(low, problem.match).scale_of(blobs((8, 12, 16), 3)) == (2, 3, 4)
    assert ScanReference(low, problem.match, (4.0, 4.0, 4.0)).scale_of(blobs((8, 12, 16), 3)) == (4, 4, 4)
