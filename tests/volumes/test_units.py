import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.grid import UNITS
from mesofuse.volumes.units import METRES, Said, convert, parse_voxel_size, understand


def test_convert_is_exact_for_decimal_steps():
    assert convert(0.4, "micrometer", "nanometer") == 400
    assert convert(3.0, "nanometer", "micrometer") == 0.003
    assert convert(7.0, "pixel", "pixel") == 7.0


@pytest.mark.parametrize(
    ("text", "unit", "size"),
    [
        ("0.4", None, ((0.4, 0.4, 0.4), "micrometer")),
        ("1.0, 0.4,0.4", "nm", ((1.0, 0.4, 0.4), "nanometer")),
        (2.5, "mm", ((2.5, 2.5, 2.5), "millimeter")),
    ],
)
def test_voxel_sizes(text, unit, size):
    assert parse_voxel_size(text, unit) == size


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "small", "", "1,2", "1,2,0", "1,2,3,4"])
def test_bad_voxel_sizes_are_refused(text):
    with pytest.raises(UserError, match=r"voxel size .* above 0"):
        parse_voxel_size(text)


def test_a_bad_unit_is_refused():
    with pytest.raises(UserError, match="not a unit of length"):
        parse_voxel_size("1", "parsnip")


def test_every_unit_of_length_converts():
    assert {*METRES, "pixel"} == set(UNITS)
    assert convert(1.0, "inch", "millimeter") == 25.4
    assert convert(250.0, "picometer", "angstrom") == 2.5


# --- what a file says of its axes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "words", "size", "unit"),
    [
        ((2, 0.4, 0.5), ("um", "um", "um"), (2, 0.4, 0.5), "micrometer"),
        ((2, 400, 0.5), ("µm", "nm", "microns"), (2, 0.4, 0.5), "micrometer"),
        ((0.002, 4000, 500), ("mm", "Å", "nanometers"), (2000, 400, 500), "nanometer"),
    ],
)
def test_axes_in_unlike_units_are_brought_to_that_of_x(sizes, words, size, unit):
    assert understand(sizes, words, 5) == Said(size, unit)


@pytest.mark.parametrize(
    "z", [(None, "um"), (float("nan"), "um"), (0.0, "um"), (-1.0, ""), (1.0, "pixel"), (1.0, None)]
)
def test_a_spacing_of_planes_that_no_file_says_is_assumed_with_a_word(z):
    (size, word) = z
    said = understand((size, 400, 0.5), (word, "nm", "um"), 5)
    assert said[:2] == ((0.4, 0.4, 0.5), "micrometer")
    assert said.notes == (
        "it does not say how far its planes lie apart, so that is taken to be as between its rows, 0.4 µm",
    )
    assert understand((size, 400, 0.5), (word, "nm", "um"), 1).notes == ()  # one image


@pytest.mark.parametrize(
    ("sizes", "words", "why"),
    [
        ((1, 1, 1), ("um", "um", "furlongs"), "its unit 'furlongs' is not a known unit of length"),
        ((1, 1, 1), ("\x1b[31mum", "um", "um"), r"its unit '\x1b[31mum' is not a known unit of length"),
        ((1, None, 1), ("um", "um", "um"), "it says no length of a voxel along y"),
        ((1, 1, 1), ("um", "px", "px"), "it says no length of a voxel along y and x"),
        ((2, 0.4, 0.4), ("", "", ""), "it gives its voxels as 2 × 0.4 × 0.4 (z, y, x) without a unit of length"),
        (
            (None, 0.4, 0.4),
            ("px", None, " "),
            "it gives its voxels as ? × 0.4 × 0.4 (z, y, x) without a unit of length",
        ),
    ],
)
def test_what_is_not_understood_is_said(sizes, words, why):
    assert understand(sizes, words, 5) == Said(None, None, (f"{why}, so its voxel size is unknown",))


@pytest.mark.parametrize(
    ("sizes", "words"), [((None, None, None), ("um",) * 3), ((1, 1, 1), ("pixel",) * 3), ((None, 1, 1), ("",) * 3)]
)
def test_where_a_file_says_nothing_there_is_nothing_to_say(sizes, words):
    assert understand(sizes, words, 5) == Said()
