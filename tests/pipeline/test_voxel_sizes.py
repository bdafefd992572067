import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.pipeline.voxel_sizes import settle
from mesofuse.volumes.grid import Grid

SCAN = Grid((9, 9, 9), (0.52, 0.26, 0.26), "micrometer")
CUBES = Grid((9, 9, 9), (0.8, 0.8, 0.8), "micrometer")


def image(rows, columns=None, unit="nanometer"):
    return Grid((1, 40, 40), (1.0, rows, columns or rows), unit)


def settled(given, scan=SCAN, **images):
    return settle(given, "scan.tif", scan, {axes: (f"{axes}.tif", grid) for axes, grid in images.items()})


def test_the_scale_is_derived_and_said():
    sizes = settled(None, zyx=image(65))
    assert sizes.scale == (8, 4, 4)
    (note,) = sizes.notes
    assert note == (
        "the scale factor is 8,4,4: the scan's voxels are 0.52 × 0.26 × 0.26 µm, the image's pixels 0.065 µm"
    )
    assert sizes.scan.refined(sizes.scale).voxel_size == pytest.approx((0.065, 0.065, 0.065))


def test_a_scale_that_leaves_out_the_normal_axis_is_seen():
    sizes = settled((4.0, 4.0, 4.0), zyx=image(65))
    assert sizes.scale == (4, 4, 4)
    (note,) = sizes.notes
    assert "the scale is 8,4,4 (along z 8, not 4)" in note
    assert "the result's voxels are 0.13 × 0.065 × 0.065 µm" in note
    assert settled((8.0, 4.0, 4.0), zyx=image(65)).notes == ()


def test_small_differences_are_let_pass_in_any_unit():
    for pixels in (image(0.2, unit="micrometer"), image(200, 202), Grid((1, 40, 40))):
        assert settled((4.0,) * 3, CUBES, zyx=pixels).notes == ()
    (note,) = settled((4.0,) * 3, CUBES, zyx=image(100)).notes
    assert "the scale is 8 (along z, y and x 8, not 4)" in note


def test_what_the_normals_size_is_several_images_say():
    sizes = settled(None, zy=image(65), x=image(65))
    assert sizes.scale == (8, 4, 4)
    stretched = Grid((9, 9, 9), (0.8, 0.8, 0.4), "micrometer")
    sizes = settled(None, stretched, zy=image(200, 100), x=image(200, 200))
    assert sizes.scale == (4, 4, 4)
    assert sizes.images["x"].voxel_size == (100, 200, 200)
    with pytest.raises(UserError, match=r"along y 0.2 and 0.3 µm"):
        settled(None, stretched, zy=image(200, 100), x=image(200, 300))


def test_pixels_that_are_no_squares_say_two_sizes():
    with pytest.raises(UserError, match=r"Missing option '--scale'.*square pixels"):
        settled(None, CUBES, zyx=image(100, 200))
    (note,) = settled((4.0,) * 3, CUBES, zyx=image(100, 200)).notes
    assert "along z 0.1 and 0.2 µm" not in note
    assert "along y 0.1 and 0.2 µm" in note
    # A scan one voxel thick has planes normal to z alone.
    planar = Grid((1, 9, 9), (0.8, 0.8, 0.8), "micrometer")
    assert settled(None, planar, zyx=image(100, 200)).scale == (1, 8, 4)


def test_no_sizes_no_scale():
    with pytest.raises(UserError, match=r"Missing option '--scale'.*scan.tif and zyx.tif state none"):
        settled(None, Grid((9, 9, 9)), zyx=Grid((1, 40, 40)))
    with pytest.raises(UserError, match=r"but zyx.tif states none: .*--image-pixel-size"):
        settled(None, SCAN, zyx=Grid((1, 40, 40)))
    with pytest.raises(UserError, match="Along y and x the scan's voxels are smaller"):
        settled(None, SCAN, zyx=image(300))


def test_a_scan_without_a_size_has_that_of_the_pixels_times_the_scale():
    sizes = settled((8.0, 4.0, 4.0), Grid((9, 9, 9)), zyx=image(65))
    assert sizes.scan.voxel_size == pytest.approx((520, 260, 260))
    assert sizes.scan.unit == "nanometer"
    assert "taken to be 520 × 260 × 260 nm" in sizes.notes[0]


def test_an_image_without_a_size_has_that_of_the_scan_over_the_scale():
    sizes = settled((8.0, 4.0, 4.0), zyx=Grid((1, 40, 40)))
    assert sizes.images["zyx"].voxel_size == pytest.approx((0.065, 0.065, 0.065))
    assert sizes.notes == ()
    (note,) = settled((4.0, 4.0, 4.0), zyx=Grid((1, 40, 40))).notes
    assert "0.13 × 0.065 × 0.065 µm" in note
    assert note.endswith("the scale is 8,4,4")
    assert settled((4.0, 4.0, 4.0), z=Grid((1, 40, 40)), y=Grid((1, 40, 40)), x=Grid((1, 40, 40))).notes == ()


def test_where_nothing_is_known_the_results_voxels_are_cubes():
    sizes = settled((8.0, 4.0, 4.0), Grid((9, 9, 9)), zyx=Grid((1, 40, 40)))
    assert not sizes.scan.known
    assert len(set(sizes.scan.refined(sizes.scale).voxel_size)) == 1
    assert "2 × 1 × 1 in proportion" in sizes.notes[0]
    assert settled((4.0,) * 3, Grid((9, 9, 9)), zyx=Grid((1, 40, 40))).notes == ()


@given(st.tuples(*[st.integers(2, 80)] * 3), st.floats(0.01, 5))
def test_whole_factors_are_found_whatever_the_rounding_of_sizes(scale, pixel):
    pixel = float(f"{pixel:.4g}")
    scan = Grid((9, 9, 9), tuple(float(f"{s * pixel:.6g}") for s in scale), "micrometer")
    assert settled(None, scan, zyx=image(pixel, unit="micrometer")).scale == scale
