import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.volumes.formats.own_note import KEY, note_of, parse, reconcile
from mesofuse.volumes.grid import UNITS, Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import Phase
from mesofuse.volumes.units import Said, convert

GRID = Grid((2, 3, 4), (1.3, 0.37, 0.4), "micrometer", (1, 0, 2))
NAMES = {"phase_names": ("pöre", "Ni"), "phase_colors": ("#000000", "#ff8001")}
PHASES = tuple(Phase(i, n, c) for i, (n, c) in enumerate(zip(*NAMES.values(), strict=True)))


def note(grid=GRID):
    return note_of(LabelArray(np.zeros(grid.shape, np.uint8), grid, PHASES))


@given(
    st.tuples(*[st.integers(1, 10**6)] * 3),
    st.tuples(*[st.floats(1e-9, 1e9)] * 3),
    st.sampled_from(sorted(UNITS)),
    st.tuples(*[st.floats(-1e9, 1e9)] * 3),
)
def test_a_note_is_read_as_it_was_written(shape, voxel, unit, origin):
    volume = LabelArray(np.empty(0), Grid(shape, voxel, unit, origin), PHASES)
    text = note_of(volume)
    assert text.isascii()
    assert "\n" not in text
    found = parse(text)
    assert (found.grid, found.phase_names, found.phase_colors) == (volume.grid, *NAMES.values())


@pytest.mark.parametrize(
    "change",
    [{"shape": [1, 2]}, {"shape": "abc"}, {"voxel_size": [0, 1, 1]}, {"voxel_size": [float("nan"), 1, 1]},
     {"origin": [float("inf"), 0, 0]}, {"unit": "furlong"}, {"unit": 3}, {"phases": [{"name": "x"}]},
     {"phases": [{"name": "x", "color": "red"}]}, {"phases": 7}, {"phases": [{"name": "x", "color": "#000000"}] * 2},
     {"phases": [{"name": "", "color": "#000000"}]},
     {"shape": [float("inf")] * 3}],
)  # fmt: skip
def test_a_note_that_is_malformed_is_none(change):
    data = json.loads(note())
    data[KEY] |= change
    assert parse(json.dumps(data)) is None


@pytest.mark.parametrize("text", ["", "7", "[]", '{"other": 1}', "{" * 10**5, '{"mesofuse": null}'])
def test_other_texts_are_no_notes(text):
    assert parse(text) is None


@pytest.mark.parametrize("unit", ["micrometer", "nanometer", "millimeter"])
def test_a_note_that_fits_gives_every_digit_whatever_unit_the_format_has(unit):
    size = tuple(convert(v, "micrometer", unit) * (1 + 1e-6) for v in GRID.voxel_size)
    says = reconcile(Said(size, unit), parse(note()), GRID.shape)
    assert says == {"voxel_size": GRID.voxel_size, "unit": "micrometer", "origin": GRID.origin, **NAMES}


@pytest.mark.parametrize(
    ("said", "shape"),
    [(Said((1.3, 0.37, 0.4), "micrometer"), (2, 3, 3)), (Said((1.3, 0.37, 0.5), "micrometer"), (2, 3, 4)),
     (Said((1.3, 0.37, 0.4), "nanometer"), (2, 3, 4)), (Said(None, None, ("why",)), (2, 3, 4))],
)  # fmt: skip
def test_of_a_note_that_does_not_fit_only_the_phases_count(said, shape):
    says = reconcile(said, parse(note()), shape)
    assert says == {"voxel_size": said.voxel_size, "unit": said.unit, "size_notes": said.notes, **NAMES}


def test_unknown_sizes_stay_unknown():
    plain = parse(note(Grid((1, 3, 4))))
    assert reconcile(Said(), plain, (3, 4))["voxel_size"] is None
    fine = parse(note(Grid((1, 3, 4), (1.0, 0.25, 0.25))))
    assert reconcile(Said.nothing("x"), fine, (3, 4)) == {
        "voxel_size": (1.0, 0.25, 0.25), "unit": "pixel", "origin": (0, 0, 0), **NAMES
    }  # fmt: skip
    assert reconcile(Said(notes=("x",)), None, (3, 4)) == {"voxel_size": None, "unit": None, "size_notes": ("x",)}
