import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.interfaces.quantity import Of

words = st.text(min_size=1, max_size=5)
made = st.builds(
    lambda parts, along, normals: Of(*parts, along=along, normals=normals),
    st.lists(words, min_size=1, max_size=3), st.sampled_from(["", "z", "y/z", "radial", "[0 1 1]"]),
    st.sampled_from(["", "z", "zy"]),
)  # fmt: skip


@given(made)
def test_it_is_text_that_keeps_its_parts_when_it_is_copied(of):
    for again in (pickle.loads(pickle.dumps(of)), copy.deepcopy(of), of.to()):
        assert again == of
        assert (again.parts, again.along, again.normals) == (of.parts, of.along, of.normals)
    assert json.loads(json.dumps(of)) == str(of)
    assert {of: 1}[str(of)] == 1
    assert Of.read(of) is of


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (Of("pore", "binder"), "pore | binder"),
        (Of("pore", along="z"), "pore | z"),
        (Of("pore", along="y/z", normals="zx"), "pore | y/z (normal to z, x)"),
        (Of("all", normals="y"), "all (normal to y)"),
        (Of("pore", "binder", along="radial"), "pore | binder | radial"),
        (Of("pore", along="[0 1 -1]"), "pore | [0 1 -1]"),
    ],
)
def test_the_words_are_read_back(of, text):
    assert of == text
    again = Of.read(text)
    assert (again.parts, again.along, again.normals) == (of.parts, of.along, of.normals)


def test_a_phase_called_like_an_axis_is_no_direction_where_the_phases_are_known():
    assert Of.read("pore | x").along == "x"
    assert Of.read("pore | x", ("pore", "x")).parts == ("pore", "x")
    assert Of.read("x").parts == ("x",)


def test_it_is_turned_and_put_into_planes():
    of = Of("pore", along="y")
    assert of.to(along="z", normals="x") == "pore | z (normal to x)"
    assert of.what == "pore"
