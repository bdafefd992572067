import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.figures.fields import Box, field_of_view, place_image, place_scan, read_picture, scale_bar, shares
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

FINE = Grid((8, 12, 16), (0.1, 0.1, 0.1), "micrometer", (0.05, 0.05, 0.05))


def volume(grid: Grid) -> LabelArray:
    labels = np.random.default_rng(0).integers(0, 3, grid.shape).astype(np.uint8)
    return LabelArray(labels, grid, default_phases(3))


def test_a_box_about_the_middle_holds_whole_voxels() -> None:
    box = Box.centred(FINE, 0, 0.5, 0.4)
    picture = read_picture(volume(FINE), FINE, 0, 2, box)
    assert np.array_equal(picture.labels, volume(FINE).array[2, 3:8, 6:10])
    assert picture.extent == pytest.approx((0.6, 1.0, 0.8, 0.3))


def test_coarser_voxels_that_the_box_cuts_are_read_and_lie_where_they_are() -> None:
    coarse = Grid((2, 3, 4), (0.4, 0.4, 0.4), "micrometer", (0.2, 0.2, 0.2))
    picture = read_picture(volume(coarse), coarse, 0, 1, Box.centred(FINE, 0, 0.5, 0.4))
    assert np.array_equal(picture.labels, volume(coarse).array[1, 0:2, 1:3])
    assert picture.extent == pytest.approx((0.4, 1.2, 0.8, 0.0))


def test_the_other_planes() -> None:
    for axis in range(3):
        rows, columns = (i for i in range(3) if i != axis)
        whole = Box.centred(FINE, axis, FINE.extent[rows], FINE.extent[columns])
        picture = read_picture(volume(FINE), FINE, axis, 5, whole)
        assert np.array_equal(picture.labels, volume(FINE).array.take(5, axis))


def test_volumes_that_lie_apart_are_refused() -> None:
    far = Grid((8, 8, 8), (0.1,) * 3, "micrometer", (90.0, 90.0, 90.0))
    with pytest.raises(UserError, match="lie apart"):
        read_picture(volume(far), far, 0, 0, Box.centred(FINE, 0, 0.5, 0.5))


def test_a_scan_in_another_unit_keeps_its_place() -> None:
    scan = Grid((2, 3, 4), (400.0,) * 3, "nanometer", (200.0, 600.0, 200.0))
    placed = place_scan(scan, FINE)
    assert (placed.voxel_size, placed.unit, placed.origin) == ((0.4,) * 3, "micrometer", (0.2, 0.6, 0.2))


def test_a_scan_of_unknown_size_fills_the_result() -> None:
    for result in (FINE, Grid((8, 12, 16))):
        placed = place_scan(Grid((2, 3, 4)), result)
        assert placed.extent == pytest.approx(result.extent)
        assert placed.refined((4, 4, 4)).origin == pytest.approx(result.origin)


def test_a_result_cut_from_a_scan_of_unknown_size_stays_in_place() -> None:
    scan = Grid((10, 10, 10))
    result = scan.refined((4, 4, 4)).cropped(FINE.region.shifted((8, 8, 8)))
    assert place_scan(scan, result) == scan


def test_an_image_of_unknown_size_has_the_results_voxels() -> None:
    result = Grid((4, 4, 4), (0.3, 0.2, 0.1), "micrometer")
    assert place_image(Grid((1, 9, 9)), result, 0).voxel_size[1:] == (0.2, 0.1)
    assert place_image(Grid((1, 9, 9)), result, 2).voxel_size[1:] == (0.3, 0.2)
    assert place_image(Grid((1, 9, 9), (1, 50, 50), "nanometer"), result, 0).voxel_size[1:] == (0.05, 0.05)


@given(st.floats(1e-6, 1e6))
def test_scale_bars_are_round_and_neither_short_nor_long(side: float) -> None:
    length, text = scale_bar(side, FINE)
    assert side / 10 * 0.99 <= length <= side / 4 * 1.001
    number, unit = text.split()
    assert float(number) == pytest.approx(length)
    assert unit == "µm"
    assert f"{float(number):.6e}"[:8] in ("1.000000", "2.000000", "5.000000")


def test_bars_of_unknown_unit_count_voxels() -> None:
    assert scale_bar(64.0, Grid((8, 8, 8), (0.25,) * 3)) == (12.5, "50 voxels")


def test_shares() -> None:
    assert shares(np.array([[0, 1], [1, 1]], np.uint8), 3) == [0.25, 0.75, 0]


@pytest.mark.parametrize(
    ("shape", "voxel", "within", "expected"),
    [
        ((5, 64, 64), (1, 1, 1), None, (64, 64)),
        ((5, 300, 400), (1, 1, 1), None, (256, 256)),
        ((1, 20, 400), (1, 1, 1), None, (20, 400)),
        ((1, 400, 20), (1, 1, 1), None, (400, 20)),
        ((1, 64, 2000), (1, 1, 1), None, (64, 1024)),
        ((1, 64, 400), (1, 0.5, 0.25), None, (32, 100)),
        ((1, 20, 400), (1, 1, 1), (10, 500), (10, 400)),
    ],
)
def test_field_of_view_is_the_plane_or_the_area_of_a_square(shape, voxel, within, expected):
    assert field_of_view(Grid(shape, voxel, "micrometer"), 0, 256, within) == pytest.approx(expected)
