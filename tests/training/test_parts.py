import pytest

from mesofuse.errors import UserError
from mesofuse.testing.problems import make_problem
from mesofuse.training.parts import build_degradation
from mesofuse.training.recipe import Part


def test_a_degradation_is_built_with_its_options():
    problem = make_problem(2, 3, 4)
    assert build_degradation(Part(name="blur-downsample"), problem).halo == (0, 0, 0)
    assert min(build_degradation(Part(name="blur-downsample", sigma=3.0), problem).halo) > 0


@pytest.mark.parametrize("part", [Part(name="blur-downsampel"), Part(name="blur-downsample", sigma="much")])
def test_what_is_not_there_is_refused(part):
    with pytest.raises(UserError):
        build_degradation(part, make_problem(2, 3, 4))
