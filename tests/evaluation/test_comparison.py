from __future__ import annotations

import json
import math

import numpy as np
import pytest

from mesofuse.evaluation.comparison import Column, Entry, Line, cell_text, line_to_json, lines, overall
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.subvolumes import Sampled
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.volumes.grid import Grid, Region

KEY = ("area", "a | b")
GRID = Grid((64, 64, 64), (0.1,) * 3, "micrometer")
REGIONS = [Region((i, 0, 0), (i + 8, 8, 8)) for i in range(20)]


def column(name, values, *, unit="µm⁻¹", grid=GRID, whole=1.0, per_voxel=False):
    sampled = Sampled(name, grid, REGIONS, {KEY: np.asarray(values, float)}, {KEY: unit}, independent=20.0)
    sampled.per_voxel = {KEY} if per_voxel else set()
    return Column(name, sampled, Measured(name, grid, [Measurement(*KEY, whole, unit), Measurement("only", "x", 2.0)]))


@pytest.fixture
def truth():
    return column("truth", np.random.default_rng(0).normal(10, 2, 20))


def test_a_factor_is_an_error_without_scatter(truth):
    twice = column("twice", truth.sampled.values[KEY] * 2)
    (line, only) = lines([truth, twice], truth)
    assert line.entries[0].relative is None
    assert line.entries[1].relative == pytest.approx(1)
    assert line.entries[1].relative_error == pytest.approx(0, abs=1e-12)
    assert line.entries[1].wasserstein == pytest.approx(truth.sampled.values[KEY].mean())
    values = truth.sampled.values[KEY]
    assert line.spread == pytest.approx(values.std(ddof=1) / values.mean())
    assert line.floor == pytest.approx(line.spread / math.sqrt(20))
    assert only.entries[1] == Entry(whole=2.0)
    assert overall([line, only], 1) == pytest.approx(1)
    assert overall([line, only], 0) is None


def test_planes_do_not_count_beside_the_whole():
    def line(metric, label, relative):
        return Line(metric, label, "", None, None, (Entry(), Entry(mean=1.0, relative=relative)))

    whole = [line("surface-area", "a | b", 0.1), line("chord-length", "a | z", -0.3)]
    planes = [line("surface-area", "a | b (normal to z, y)", 0.9), line("surface-area", "a | b (normal to x)", 0.8)]
    assert overall([*whole, *planes], 1) == pytest.approx(0.2)
    assert overall([*whole, line("euler", "a (normal to x)", 0.8)], 1) == pytest.approx(0.4)


def test_other_places_are_taken_as_independent(truth):
    other = column("other", truth.sampled.values[KEY])
    other.sampled.regions = REGIONS[::-1]
    entry = lines([truth, other], truth)[0].entries[1]
    assert entry.relative == 0
    assert entry.relative_error == pytest.approx(lines([truth], truth)[0].floor * math.sqrt(2))


def test_paired_places_are_surer_than_independent_ones(truth):
    near = column("near", truth.sampled.values[KEY] + np.random.default_rng(1).normal(0.5, 0.1, 20))
    line = lines([truth, near], truth)[0]
    assert line.entries[1].relative_error < line.floor / 5


def test_units_are_converted_and_voxel_sizes_kept_apart(truth):
    nano = column("nano", truth.sampled.values[KEY] / 1000, unit="nm⁻¹", whole=0.001)
    entry = lines([truth, nano], truth)[0].entries[1]
    assert entry.relative == pytest.approx(0, abs=1e-12)
    assert entry.whole == pytest.approx(1)
    coarse = column("coarse", truth.sampled.values[KEY], grid=Grid((64,) * 3, (0.2,) * 3, "micrometer"), per_voxel=True)
    entry = lines([truth, coarse], truth)[0].entries[1]
    assert entry.relative is None
    assert "voxel size" in entry.note


def test_infinite_values_never_become_numbers(truth):
    some = truth.sampled.values[KEY].copy()
    some[:5] = math.inf
    line = lines([truth, column("some", some), column("none", np.full(20, math.inf))], truth)[0]
    assert line.entries[1].finite == 0.75
    assert "75% finite" in cell_text(line.entries[1])
    assert line.entries[2].relative is None
    assert cell_text(line.entries[2]) == "none finite"
    json.dumps(line_to_json(line), allow_nan=False)


def test_a_value_that_is_not_finite_says_why_in_the_cell_and_in_json(truth):
    some = column("some", np.array([math.inf, *truth.sampled.values[KEY][1:]]))
    some.sampled.reasons[KEY] = ["it is blocked", *[""] * 19]
    none = column("none", np.full(20, math.nan))
    none.sampled.reasons[KEY] = ["the phase is absent"] * 20
    line = lines([truth, some, none], truth)[0]
    notes = Footnotes()
    texts = [cell_text(entry, notes=notes) for entry in line.entries]
    assert "[" not in texts[0]
    assert texts[1].endswith("95% finite [1]")
    assert texts[2] == "none finite [2]"
    assert notes.lines == ["[1] In 1 of 20: it is blocked.", "[2] The phase is absent."]
    assert [e["reason"] for e in line_to_json(line)["entries"]] == [
        "",
        "in 1 of 20: it is blocked",
        "the phase is absent",
    ]
