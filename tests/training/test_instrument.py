import pytest

from mesofuse.errors import UserError
from mesofuse.testing.problems import make_problem
from mesofuse.training.instrument import build_degradation
from mesofuse.training.recipe import Part


def test_a_degradation_is_built_by_name_with_its_options():
    part = Part.model_validate({"name": "blur-downsample", "sigma": 5.0})
    assert build_degradation(part, make_problem(2, 2, 4)).halo == (4, 4, 4)
    assert build_degradation(Part(name="blur-downsample"), make_problem(2, 2, 4)).halo == (0, 0, 0)


def test_an_unknown_one_is_refused():
    with pytest.raises(UserError, match="blur-downsampl"):
        build_degradation(Part(name="blur-downsampl"), make_problem(2, 2, 4))
