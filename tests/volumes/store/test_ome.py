import itertools
import json

import pytest
import yaozarrs
from hypothesis import given, settings
from hypothesis import strategies as st
from yaozarrs import v05

from mesofuse.errors import UserError
from mesofuse.volumes.grid import UNITS, Grid
from mesofuse.volumes.phases import Phase, default_phases
from mesofuse.volumes.store.levels import pyramid
from mesofuse.volumes.store.ome import (
    arrangement,
    dataset_paths,
    find_ome,
    ome_metadata,
    read_grid,
    read_phases,
    size_notes,
)

PHASES = (Phase(0, "pore", "#000000"), Phase(1, "Ni", "#ff8001"))
length = st.floats(1e-3, 1e3)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.integers(1, 400)] * 3),
    st.tuples(length, length, length),
    st.sampled_from(sorted(UNITS)),
    st.tuples(*[st.floats(-1e3, 1e3)] * 3),
    st.integers(1, 20),
)
def test_metadata_are_valid_and_read_back(shape, voxel, unit, origin, count):
    grids = pyramid(Grid(shape, voxel, unit, origin))
    meta = json.loads(json.dumps(ome_metadata(grids, default_phases(count), "x")))
    yaozarrs.validate_ome_object(meta, v05.LabelImage)
    assert dataset_paths(meta) == [str(i) for i in range(len(grids))]
    for level, grid in enumerate(grids):
        assert read_grid(meta, level, grid.shape, "x") == grid
    assert read_phases(meta, None) == default_phases(count)


def test_label_values_stay_integers_and_an_unknown_unit_is_left_out():
    meta = ome_metadata([Grid((2, 3, 4))], PHASES, "x")
    assert json.dumps(meta["image-label"]["colors"][1]) == '{"label-value": 1, "rgba": [255, 128, 1, 255]}'
    assert meta["image-label"]["properties"][1] == {"label-value": 1, "name": "Ni"}
    assert all("unit" not in axis for axis in meta["multiscales"][0]["axes"])


def foreign(axes, steps, **more):
    return {"multiscales": [{"axes": axes, "datasets": [{"path": "s0", "coordinateTransformations": steps}], **more}]}


ZYX = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
SCALE = {"type": "scale", "scale": [2.0, 1.0, 1.0]}


def test_unlike_units_and_a_global_transformation_are_combined():
    axes = [{**ZYX[0], "unit": "nanometer"}, *ZYX[1:]]
    outer = [{"type": "scale", "scale": [500.0, 1.0, 3.0]}]
    step = {"type": "translation", "translation": [4.0, 5.0, 6.0]}
    grid = read_grid(foreign(axes, [SCALE, step], coordinateTransformations=outer), 0, (1, 1, 1), "x")
    assert grid == Grid((1, 1, 1), (1.0, 1.0, 3.0), "micrometer", (2.0, 5.0, 18.0))


def test_axes_without_units_or_types_are_pixels():
    meta = foreign([{"name": n} for n in "zyx"], [SCALE])
    assert read_grid(meta, 0, (5, 5, 5), "x") == Grid((5, 5, 5), (2.0, 1.0, 1.0), "pixel")


@pytest.mark.parametrize("order", list(itertools.permutations("tczyx"))[::7])
def test_scales_translations_and_units_belong_to_axes_by_name(order):
    by_name = {"t": (7.0, 9.0, "time"), "c": (3.0, 8.0, "channel"), "z": (2.0, 4.0, "space"), "y": (1.0, 5.0, "space"),
               "x": (400.0, 600.0, "space")}  # fmt: skip
    units = {"z": "micrometer", "y": "micrometer", "x": "nanometer", "t": "second"}
    axes = [{"name": a, "type": by_name[a][2], **({"unit": units[a]} if a in units else {})} for a in order]
    steps = [
        {"type": "scale", "scale": [by_name[a][0] for a in order]},
        {"type": "translation", "translation": [by_name[a][1] for a in order]},
    ]
    outer = [{"type": "scale", "scale": [0.5 if a == "z" else 1.0 for a in order]}]
    grid = read_grid(foreign(axes, steps, coordinateTransformations=outer), 0, (8, 4, 4), "x")
    assert grid == Grid((8, 4, 4), (1000.0, 1000.0, 400.0), "nanometer", (2000.0, 5000.0, 600.0))


def test_versions_before_axes_had_types_and_transformations():
    assert arrangement({"multiscales": [{"datasets": [{"path": "0"}]}]}, "x").names == ("t", "c", "z", "y", "x")
    early = {"multiscales": [{"datasets": [{"path": "0"}], "axes": ["y", "x"]}]}
    assert read_grid(early, 0, (1, 5, 6), "x") == Grid((1, 5, 6))


@pytest.mark.parametrize(
    "axes",
    [
        [{"name": "depth", "type": "space"}, *ZYX[1:]],
        [*ZYX, {"name": "x", "type": "space"}],
        [{"name": "x", "type": "channel"}, *ZYX[:2]],
        [{"name": "t", "type": "space"}, *ZYX[1:]],
        [{"name": "z", "type": "space"}, {"name": "c", "type": "channel"}],
        [{"name": "dim_0"}, {"name": "dim_1"}, {"name": "dim_2"}],
    ],
)
def test_axes_that_are_not_understood_are_refused(axes):
    with pytest.raises(UserError, match=r"img\.zarr has the axes .*z"):
        read_grid(foreign(axes, [SCALE]), 0, (1, 1, 1), "img.zarr")


@pytest.mark.parametrize("axes", [[7], ["z", 7], [{}], 7, None, [{"type": "space"}]])
def test_malformed_axes_are_one_sentence(axes):
    with pytest.raises(UserError, match=r"img\.zarr (is malformed|has the axes)"):
        read_grid(foreign(axes, [SCALE]), 0, (1, 1, 1), "img.zarr")


@pytest.mark.parametrize(
    "step",
    [{"type": "affine", "affine": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]}, {"type": "scale", "path": "0/scale"},
     {"type": "rotation"}],
)  # fmt: skip
def test_transformations_of_other_kinds_are_refused(step):
    with pytest.raises(UserError, match="that is not understood"):
        read_grid(foreign(ZYX, [SCALE, step]), 0, (1, 1, 1), "img.zarr")
    same = [SCALE, {"type": "identity"}]
    assert read_grid(foreign(ZYX, same), 0, (1, 1, 1), "x").voxel_size == (2, 1, 1)


@pytest.mark.parametrize(
    ("units", "size", "note"),
    [
        (("furlong",) * 3, (2.0, 1.0, 1.0), "its unit 'furlong' is not a known unit of length"),
        (("", "", ""), (2.0, 1.0, 1.0), "without a unit of length"),
        (("", "micrometer", "micrometer"), (2.0, 1.0, 1.0), "it gives the distance of its planes, 2, without a unit"),
        (("nanometer", "micrometer", "micrometer"), (0.002, 1.0, 1.0), ""),
    ],
)
def test_units_that_are_not_understood_are_said(units, size, note):
    axes = [{**axis, "unit": unit} for axis, unit in zip(ZYX, units, strict=True)]
    meta = foreign(axes, [SCALE])
    assert read_grid(meta, 0, (5, 5, 5), "x").voxel_size == size
    assert read_grid(meta, 0, (5, 5, 5), "x").known == (not note)
    assert note in "".join(size_notes(meta, (5, 5, 5), "x"))
    assert bool(size_notes(meta, (5, 5, 5), "x")) == bool(note)


@pytest.mark.parametrize(
    "step",
    [{"type": "scale", "scale": [1.0]}, {"type": "scale"}, {"scale": [1, 1, 1]}, {"type": "scale", "scale": "abc"}, 5],
)
def test_malformed_transformations_are_one_sentence(step):
    with pytest.raises(UserError, match=r"img\.zarr is malformed"):
        read_grid(foreign(ZYX, [step]), 0, (1, 1, 1), "img.zarr")


def test_a_voxel_size_of_zero_is_refused():
    with pytest.raises(UserError, match="above 0"):
        read_grid(foreign(ZYX, [{"type": "scale", "scale": [0, 1, 1]}]), 0, (1, 1, 1), "img.zarr")


@pytest.mark.parametrize(
    "attributes", [{}, {"ome": {}}, {"ome": 3}, {"multiscales": []}, {"multiscales": [{"datasets": [{}]}]}]
)
def test_a_group_without_an_image_is_refused(attributes):
    with pytest.raises(UserError, match=r"img.zarr is a zarr group without OME-Zarr metadata"):
        find_ome(attributes, "img.zarr")


def test_broken_label_properties_fall_back_to_defaults():
    label = {
        "properties": [7, {"label-value": 0}, {"label-value": 1, "name": "Ni"}],
        "colors": [{"label-value": 1, "rgba": [1]}],
    }
    found = read_phases({"image-label": label}, 2)
    assert [p.name for p in found] == ["phase 0", "Ni"]
    assert read_phases({"image-label": label}, None) is None
    assert read_phases({}, None) is None
