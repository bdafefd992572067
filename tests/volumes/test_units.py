import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.units import convert, parse_voxel_size


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
