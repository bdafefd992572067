import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.scale import scale_text, seen_note, seen_region, shapes_differ, times

FACTORS = st.tuples(*[st.floats(1, 9).map(lambda s: round(s, 2))] * 3)
SHAPES = st.tuples(*[st.integers(10, 60)] * 3)


@given(SHAPES, FACTORS)
def test_a_scan_shows_the_volume_that_it_was_made_of(shape, scale):
    scan = Grid(shape).coarsened(scale)
    seen = seen_region(shape, scan.shape, scale)
    assert seen == scan.region.scaled(scale)
    assert all(n - m < s for n, m, s in zip(shape, seen.shape, scale, strict=True))


def test_what_is_short_of_the_scan_or_a_scan_voxel_more_is_not_shown_by_it():
    assert seen_region((34, 134, 50), (8, 33, 12), (4.0,) * 3) == Region((0, 0, 0), (32, 132, 48))
    assert seen_region((31, 134, 50), (8, 33, 12), (4.0,) * 3) is None
    assert seen_region((36, 134, 50), (8, 33, 12), (4.0,) * 3) is None


def test_what_is_compared_is_said():
    note = seen_note((34, 134, 50), (8, 33, 12), (4.0,) * 3)
    assert "of its 34 × 134 × 50 voxels 32 × 132 × 48 (0:32,0:132,0:48) are compared" in note
    assert seen_note((32, 132, 48), (8, 33, 12), (4.0,) * 3) == ""
    assert seen_note((99, 132, 48), (8, 33, 12), (4.0,) * 3) == ""
    assert "34 × 134 × 50 voxels, but the scan's 8 × 33 × 12 times the scale factor 5 are 40 × 165 × 60" in (
        shapes_differ((34, 134, 50), (8, 33, 12), (5.0,) * 3)
    )


@pytest.mark.parametrize(("scale", "text"), [((4.0, 4.0, 4.0), "4"), ((8.0, 4.0, 4.0), "8,4,4"), ((2.5,) * 3, "2.5")])
def test_a_scale_is_written_as_it_is_given(scale, text):
    assert scale_text(scale) == text


def test_times():
    assert times((0.52, 0.26, 0.26)) == "0.52 × 0.26 × 0.26"
