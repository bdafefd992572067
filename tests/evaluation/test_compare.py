from __future__ import annotations

import math

import pytest

from mesofuse.evaluation.compare import relative_error, same_voxels, table
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.volumes.grid import Grid

MICRO = Grid((8, 8, 8), (0.5, 0.5, 0.5), "micrometer")
NANO = Grid((4, 4, 4), (500.0, 500.0, 500.0), "nanometer")
COARSE = Grid((4, 4, 4), (2.0, 2.0, 2.0), "micrometer")


def measured(name: str, grid: Grid, *results: Measurement) -> Measured:
    return Measured(name, grid, list(results))


def test_errors_against_a_reference():
    truth = measured("truth", MICRO, Measurement("volume-fraction", "pore", 0.4), Measurement("tau", "pore", 2.0))
    other = measured("fused", MICRO, Measurement("volume-fraction", "pore", 0.5))
    rows = table([truth, other], truth)
    assert [(r.metric, r.label) for r in rows] == [("volume-fraction", "pore"), ("tau", "pore")]
    assert rows[0].cells[0].error is None
    assert rows[0].cells[1].error == pytest.approx(0.25)
    assert rows[1].cells[1].value is None


def test_lengths_of_different_units_and_voxel_sizes_are_right():
    truth = measured("truth", MICRO, Measurement("tpb", "a | b | c", 2.0, "µm⁻²"))
    other = measured("fused", NANO, Measurement("tpb", "a | b | c", 2.5e-6, "nm⁻²"))
    (row,) = table([truth, other], truth)
    assert row.unit == "µm⁻²"
    assert row.cells[1].value == pytest.approx(2.5)
    assert row.cells[1].error == pytest.approx(0.25)


def test_per_voxel_values_are_not_compared_across_voxel_sizes():
    faces = Measurement("surface-area", "a | b", 0.1, per_voxel=True)
    truth, coarse = measured("truth", MICRO, faces), measured("coarse", COARSE, faces)
    (row,) = table([truth, coarse], truth)
    assert row.cells[1].value == 0.1
    assert row.cells[1].error is None
    assert "voxel size" in row.cells[1].note
    (row,) = table([truth, measured("same", NANO, faces)], truth)
    assert row.cells[1].error == 0.0


def test_unknown_unit_against_a_known_one():
    truth = measured("truth", MICRO, Measurement("tpb", "all", 2.0, "µm⁻²"))
    other = measured("x", Grid((4, 4, 4)), Measurement("tpb", "all", 0.5, "voxel⁻²"))
    (row,) = table([truth, other], truth)
    assert row.cells[1].value is None
    assert "not known" in row.cells[1].note


def test_without_a_reference_there_are_no_errors():
    one = measured("one", MICRO, Measurement("m", "x", 1.0))
    two = measured("two", MICRO, Measurement("m", "y", 2.0))
    rows = table([one, two])
    assert [[c.value for c in row.cells] for row in rows] == [[1.0, None], [None, 2.0]]
    assert all(c.error is None and not c.note for row in rows for c in row.cells)


@pytest.mark.parametrize(
    ("value", "reference", "error"),
    [
        (0.0, 0.0, 0.0), (0.1, 0.0, None), (math.inf, math.inf, 0.0), (math.inf, 2.0, math.inf), (2.0, math.inf, None),
        (math.nan, 1.0, None), (1.0, math.nan, None), (-1.0, -2.0, 0.5),
    ],
)  # fmt: skip
def test_relative_error(value, reference, error):
    assert relative_error(value, reference) == error


def test_an_image_is_as_thick_as_it_likes_beside_cubes():
    image = Grid((1, 64, 64), (1.0, 0.5, 0.5), "micrometer")
    assert same_voxels(image, MICRO)
    assert same_voxels(MICRO, image)
    assert not same_voxels(image, COARSE)
    assert same_voxels(Grid((4, 4, 4)), MICRO)


def test_an_image_is_not_compared_with_voxels_that_are_longer_along_its_normal():
    image = Grid((1, 64, 64), (1.0, 0.065, 0.065), "micrometer")
    tall = Grid((8, 8, 8), (0.13, 0.065, 0.065), "micrometer")
    assert not same_voxels(image, tall)
    assert not same_voxels(tall, image)
    assert not same_voxels(tall, Grid((8, 8, 8), (0.065,) * 3, "micrometer"))
    assert same_voxels(image, Grid((1, 8, 8), (0.13, 0.065, 0.065), "micrometer"))
    # As other images say.
    assert same_voxels(Grid((1, 64, 64), (130.0, 65.0, 65.0), "nanometer"), tall)
