from dataclasses import replace

import pytest

from mesofuse.interfaces.component import ComponentSpec, FormatSpec
from mesofuse.registry.validate import component_error, format_error

SPEC = ComponentSpec("loss", "good-2", "A loss.", "package.module:Class", "package.module:Options")
FORMAT = FormatSpec("nrrd", (".nrrd", ".nhdr"), "Nrrd.", "package.module:read", "")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "los"}, "Did you mean 'loss'?"),
        ({"kind": 3}, "it must be text"),
        ({"name": "Good"}, "lower-case letters and digits"),
        ({"name": "good_one"}, "joined by hyphens"),
        ({"name": ""}, "lower-case"),
        ({"summary": " "}, "no summary"),
        ({"target": "package.module.Class"}, "not of the form package.module:Class"),
        ({"target": "package module:Class"}, "not of the form"),
        ({"options": ""}, "the options ''"),
        ({"citation": None}, "it must be text"),
    ],
)
def test_unsound_components(change, text):
    assert text in component_error(replace(SPEC, **change))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"suffixes": [".nrrd"]}, "must be a tuple"),
        ({"suffixes": (".NRRD",)}, "lower-case endings"),
        ({"name": "N"}, "lower-case letters"),
        ({"reader": ""}, "neither a reader nor a writer"),
        ({"writer": "nothing"}, "not of the form"),
        ({"summary": None}, "it must be text"),
    ],
)
def test_unsound_formats(change, text):
    assert text in format_error(replace(FORMAT, **change))


def test_sound_ones_and_strangers():
    assert component_error(SPEC) == ""
    assert format_error(FORMAT) == ""
    assert "must be a ComponentSpec" in component_error("loss")
    assert "must be a FormatSpec" in format_error(None)
