from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesofuse.volumes.grid import Grid
from mesofuse.volumes.quantities import conversion, power_unit


@pytest.mark.parametrize(
    ("power", "text"), [(1, "µm"), (2, "µm²"), (3, "µm³"), (-1, "µm⁻¹"), (-2, "µm⁻²"), (-3, "µm⁻³")]
)
def test_units_are_written_for_people(power, text):
    assert power_unit(Grid((1, 1, 1), unit="micrometer"), power) == text


def test_unknown_voxel_size():
    assert power_unit(Grid((1, 1, 1)), -1) == "voxel⁻¹"


@pytest.mark.parametrize(
    ("unit", "to", "factor"),
    [("nm⁻¹", "µm⁻¹", 1e3), ("nm", "µm", 1e-3), ("mm⁻²", "µm⁻²", 1e-6), ("Å³", "nm³", 1e-3), ("", "", 1),
     ("voxel", "voxel", 1), ("voxel", "µm", None), ("µm", "µm²", None), ("", "µm", None)],
)  # fmt: skip
def test_conversion(unit, to, factor):
    assert conversion(unit, to) == (None if factor is None else pytest.approx(factor))


@given(
    st.sampled_from(["nm", "µm", "mm", "m", "Å", "cm"]),
    st.sampled_from(["nm", "µm", "mm"]),
    st.sampled_from(["", "⁻²", "³"]),
)
def test_there_and_back(one, other, power):
    assert conversion(one + power, other + power) * conversion(other + power, one + power) == pytest.approx(1)
