import json

import pytest
import yaozarrs
from hypothesis import given, settings
from hypothesis import strategies as st
from yaozarrs import v05

from mesofuse.errors import UserError
from mesofuse.volumes.grid import UNITS, Grid
from mesofuse.volumes.levels import pyramid
from mesofuse.volumes.ome import dataset_paths, find_ome, ome_metadata, read_grid, read_phases
from mesofuse.volumes.phases import Phase, default_phases

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


def test_a_channel_axis_is_refused():
    with pytest.raises(UserError, match="axes c, y, x"):
        read_grid(foreign([{"name": "c", "type": "channel"}, *ZYX[1:]], [SCALE]), 0, (1, 1, 1), "img.zarr")


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
