import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid, Region, parse_scale, parse_unit

LAW = settings(max_examples=50, deadline=None)
sizes = st.integers(1, 12)
triples = st.tuples(sizes, sizes, sizes)
factor = st.sampled_from([1.0, 1.6, 2.0, 3.0, 4.0, 5.33, 16 / 3, 8.0]) | st.floats(1, 16, allow_nan=False)
factors = st.tuples(factor, factor, factor)


@st.composite
def regions(draw):
    start = draw(triples)
    return Region(start, tuple(a + n for a, n in zip(start, draw(triples), strict=True)))


@LAW
@given(regions(), triples, triples)
def test_blocks_tile_a_region(region, shape, origin):
    count = np.zeros(region.shape, int)
    for block in region.blocks(shape, origin):
        assert all(0 < n <= m for n, m in zip(block.shape, shape, strict=True))
        # a block never crosses a line of its grid
        assert all(
            (a - o) // n == (b - 1 - o) // n for a, b, n, o in zip(block.start, block.stop, shape, origin, strict=True)
        )
        count[block.within(region)] += 1
    assert (count == 1).all()


@LAW
@given(regions(), triples, factors)
def test_scaled_blocks_meet_without_gap_or_overlap(region, shape, scale):
    fine = region.scaled(scale)
    count = np.zeros(fine.shape, int)
    for block in region.blocks(shape):
        count[block.scaled(scale).within(fine)] += 1
    assert (count == 1).all()


@LAW
@given(triples, factors, st.tuples(*[st.floats(0.01, 10)] * 3), st.tuples(*[st.floats(-50, 50)] * 3))
def test_a_refined_grid_keeps_the_physical_corner(shape, scale, voxel, origin):
    coarse = Grid(shape, voxel, "micrometer", origin)
    fine = coarse.refined(scale)
    for axis in range(3):
        corner = coarse.origin[axis] - coarse.voxel_size[axis] / 2
        assert fine.origin[axis] - fine.voxel_size[axis] / 2 == pytest.approx(corner, abs=1e-9)
        missing = coarse.extent[axis] - fine.extent[axis]
        assert -1e-4 < missing < fine.voxel_size[axis] * (1 + 1e-4)  # what floor cuts off: less than a voxel


@LAW
@given(regions(), regions())
def test_intersection_is_the_common_voxels(a, b):
    grid = np.zeros((2, 24, 24, 24), bool)
    grid[0][a.slices], grid[1][b.slices] = True, True
    common = a.intersect(b)
    assert (common.size if common else 0) == np.logical_and(*grid).sum()
    assert common is None or (grid[0] & grid[1])[common.slices].all()


@LAW
@given(regions())
def test_a_region_reads_back_what_it_prints(region):
    assert Region.parse(str(region), region.stop) == region


def test_region_parse_fills_in_open_ends():
    assert Region.parse(":4, 2:,:", (8, 8, 8)) == Region((0, 2, 0), (4, 8, 8))


@pytest.mark.parametrize(
    "text", ["", "0:4", "0:4,0:4", "a:b,0:1,0:1", "0:4,0:4,0:4,0:4", "0:1:2,0:4,0:4", "1.5:2,0:4,0:4"]
)
def test_a_malformed_region_is_refused(text):
    with pytest.raises(UserError, match="not of the form"):
        Region.parse(text, (8, 8, 8))


@pytest.mark.parametrize("text", ["4:4,0:8,0:8", "5:4,0:8,0:8", "0:9,0:8,0:8", "-1:4,0:8,0:8"])
def test_an_empty_or_outside_region_is_refused(text):
    with pytest.raises(UserError, match=r"empty or reaches outside .* \(8, 8, 8\)"):
        Region.parse(text, (8, 8, 8))


def test_grown_ends_at_the_volume():
    assert Region((1, 4, 4), (3, 6, 8)).grown((2, 2, 2), (8, 8, 8)) == Region((0, 2, 2), (5, 8, 8))


def test_cropped_moves_the_origin():
    grid = Grid((8, 8, 8), (0.5, 1.0, 2.0), "micrometer", (1.0, 0.0, 0.0))
    assert grid.cropped(Region((2, 1, 3), (4, 8, 8))) == Grid((2, 7, 5), (0.5, 1.0, 2.0), "micrometer", (2.0, 1.0, 6.0))


@pytest.mark.parametrize(
    ("given_", "expected"),
    [("4", (4, 4, 4)), (4, (4, 4, 4)), ("4, 4,2", (4, 4, 2)), ((1.6, 2, 3), (1.6, 2, 3)), (1, (1, 1, 1))],
)
def test_scale_factors(given_, expected):
    assert parse_scale(given_) == expected


@pytest.mark.parametrize("bad", ["0", "-4", "nan", "inf", "four", "", "4,4", "4,4,0.5", 0, math.nan, (1, 2), "0.99"])
def test_bad_scale_factors_are_refused(bad):
    with pytest.raises(UserError, match=r"scale factor .* at least 1"):
        parse_scale(bad)


@pytest.mark.parametrize(
    ("text", "unit"), [("um", "micrometer"), ("µm", "micrometer"), (" NM ", "nanometer"), ("px", "pixel")]
)
def test_units(text, unit):
    assert parse_unit(text) == unit


SPELLINGS = {
    "micrometer": "µm μm um Um micron microns Micron(s) micrometer micrometers micrometre micrometres micro-meter "
    "\\u00B5m \\u00b5m Âµm Î¼m &micro;m &#181;m ㎛ [µm] (um) µm/px um/pixel µm. mikrometer micromètres",
    "nanometer": "nm NM nanometer nanometers nanometre nanometres ㎚",
    "angstrom": "Å \N{ANGSTROM SIGN} A A\N{COMBINING RING ABOVE} angstrom angstroms Angstrom Ångström ångströms Ã…",
    "millimeter": "mm millimeter millimetres ㎜ mm/voxel",
    "centimeter": "cm centimeter centimetres",
    "meter": "m meter metres",
    "inch": "in inch inches",
    "pixel": "pixel pixels px voxel voxels Pixel",
}


@pytest.mark.parametrize(("unit", "text"), [(u, t) for u, texts in SPELLINGS.items() for t in texts.split(" ")])
def test_spellings_of_units(unit, text):
    text = text.replace("(s)", "s")
    assert parse_unit(text) == unit
    assert parse_unit(f" {text}\t\0") == unit


@pytest.mark.parametrize(
    "text", ["?m", "\N{REPLACEMENT CHARACTER}m", "Mm", "Pm", "s", "ms", "", "au", "reference frame", "µ"]
)
def test_what_may_mean_something_else_is_no_unit(text):
    with pytest.raises(UserError, match="is not a unit of length"):
        parse_unit(text)


def test_a_long_text_is_refused_in_a_short_sentence():
    with pytest.raises(UserError) as error:
        parse_unit("micron " * 10**6)
    assert len(str(error.value)) < 600


def test_an_unknown_unit_names_the_nearest():
    with pytest.raises(UserError, match=r"'micronn' is not a unit.*Did you mean 'micron'"):
        parse_unit("micronn")


def test_known_and_symbol():
    assert not Grid((1, 1, 1)).known
    assert Grid((1, 1, 1), unit="micrometer").symbol == "µm"


def test_the_coarse_grid_refines_to_the_volumes():
    fine = Grid((24, 20, 32), (0.1, 0.2, 0.3), "micrometer", (5.0, 6.0, 7.0))
    coarse = fine.coarsened((4.0, 5.0, 2.0))
    assert coarse.shape == (6, 4, 16)
    again = coarse.refined((4.0, 5.0, 2.0))
    assert again.shape == fine.shape
    np.testing.assert_allclose(again.voxel_size + again.origin, fine.voxel_size + fine.origin)


@given(st.integers(1, 60), st.sampled_from([1.0, 1.6, 2.0, 2.5, 3.0, 5.33, 16.0]))
@settings(max_examples=60, deadline=None)
def test_as_many_scan_voxels_as_fit(length, scale):
    fits = [n for n in range(1, length + 1) if Region.whole((1, 1, n)).scaled((1.0, 1.0, scale)).stop[2] <= length]
    if fits:
        assert Grid((1, 1, length)).coarsened((1.0, 1.0, scale)).shape == (1, 1, fits[-1])
    else:
        with pytest.raises(UserError, match="smaller than one scan voxel"):
            Grid((1, 1, length)).coarsened((1.0, 1.0, scale))
