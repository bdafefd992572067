import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import LabelMapping, read_labels, to_labels
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.store.labels import LabelVolume

BASE = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.uint8)
DTYPES = [
    "bool",
    "int8",
    "uint8",
    "int16",
    ">u2",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
    "float16",
]


def raw(array, **more):
    return RawImage(np.asarray(array), "img.tif", **more)


@pytest.mark.parametrize("dtype", DTYPES)
def test_labels_of_any_type_pass_unchanged(dtype):
    array = (BASE % 2 if dtype == "bool" else BASE).astype(dtype)
    labels, mapping = to_labels(raw(array))
    assert labels.array.dtype == np.uint8
    np.testing.assert_array_equal(labels.array, BASE % 2 if dtype == "bool" else BASE)
    assert not mapping.changed
    assert labels.grid == Grid(BASE.shape)
    assert len(labels.phases) == (2 if dtype == "bool" else 3)


@pytest.mark.parametrize("true", [1, 255])
def test_booleans_are_0_and_1_whatever_byte_stands_for_true(true):
    bits = BASE % 2
    labels, mapping = to_labels(raw((bits * np.uint8(true)).view(bool)))
    np.testing.assert_array_equal(labels.array, bits)
    assert not mapping.changed


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-128, 32000), min_size=2, max_size=32, unique=True),
    st.sampled_from(["int16", "int32", ">i4", "int64", "float32", "float64"]),
    st.integers(0, 2**31),
)
def test_values_are_mapped_in_their_order_and_can_be_mapped_back(values, dtype, seed):
    ranks = np.random.default_rng(seed).integers(0, len(values), 200).astype(np.uint8)
    ranks[: len(values)] = np.arange(len(values))
    originals = np.array(sorted(values))
    labels, mapping = to_labels(raw(originals[ranks].astype(dtype).reshape(10, 20)))
    assert mapping.originals == tuple(sorted(values))
    np.testing.assert_array_equal(labels.array.ravel(), ranks)
    np.testing.assert_array_equal(np.array(mapping.originals)[labels.array.ravel()], originals[ranks])


def test_a_mapping_says_what_it_did():
    labels, mapping = to_labels(raw(np.array([[0, 128], [128, 0]], np.uint8)))
    assert str(mapping) == "0→0, 128→1"
    assert mapping.changed
    assert labels.array.tolist() == [[[0, 1], [1, 0]]]
    assert not LabelMapping((0, 1)).changed


def test_a_mapped_file_is_not_copied_where_nothing_changes():
    array = BASE.copy()
    assert np.shares_memory(to_labels(raw(array))[0].array, array)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[0, 1], [np.nan, 1]]), "NaN or infinite"),
        (np.array([[0, 1], [np.inf, 1]]), "NaN or infinite"),
        (np.array([[0, 1], [0.25, 1]]), "fractions such as 0.25.*segment it first"),
        (np.arange(256, dtype=np.uint8).reshape(16, 16), "more than 32 different values.*grey-level"),
        (np.arange(300, dtype=np.int32).reshape(20, 15), "grey-level"),
        (np.zeros((4, 4), np.uint8), "one phase only: every voxel has the value 0"),
        (np.full((4, 4), 7), "every voxel has the value 7"),
        (np.zeros((0, 4)), "empty"),
        (np.zeros((4, 0, 4)), "empty"),
        (np.zeros((4, 4), complex), "complex numbers"),
        (np.array([["a", "b"]]), "whole numbers is expected"),
        (np.array([[None, 1]]), "object"),
        (np.arange(4), "1 axes"),
        (np.zeros((2, 2, 2, 2)), "4 axes"),
        (np.float32(1), "0 axes"),
    ],
)
def test_what_is_not_a_segmented_image_is_one_sentence(array, message):
    with pytest.raises(UserError, match=rf"img.tif.*{message}") as error:
        to_labels(raw(array))
    assert "\n" not in str(error.value)


def test_one_phase_may_be_allowed():
    labels, mapping = to_labels(raw(np.zeros((2, 3))), allow_single_phase=True)
    assert (len(labels.phases), labels.grid.shape, mapping.changed) == (1, (1, 2, 3), False)


def test_many_phases_pass_when_they_are_named():
    many = np.arange(40, dtype=np.uint8).reshape(5, 8)
    labels, _ = to_labels(raw(many), phase_names=[f"p{i}" for i in range(40)])
    assert len(labels.phases) == 40
    huge = np.arange(400).reshape(20, 20)
    with pytest.raises(UserError, match="more than 255"):
        to_labels(raw(huge), phase_names=[f"p{i}" for i in range(400)])


def test_names_keep_the_values_of_a_part_that_lacks_a_phase():
    part = np.array([[0, 2], [2, 0]], np.uint8)
    names = ("pore", "active", "binder")
    for labels, mapping in [to_labels(raw(part), phase_names=names), to_labels(raw(part, phase_names=names))]:
        assert labels.array.max() == 2
        assert not mapping.changed
        assert [p.name for p in labels.phases] == list(names)
    assert to_labels(raw(part))[0].array.max() == 1
    assert str(to_labels(raw(part), phase_names=("a", "b"))[1]) == "0→0, 2→1"


def test_names_of_the_file_itself_give_way_to_its_values():
    labels, _ = to_labels(raw(BASE, phase_names=("a", "b")))
    assert [p.name for p in labels.phases] == ["phase 0", "phase 1", "phase 2"]


def test_too_many_names_are_refused():
    with pytest.raises(UserError, match="4 phase names were given"):
        to_labels(raw(BASE * 9), phase_names=["a", "b", "c", "d"])


def test_transparent_pixels_are_no_material():
    mask = np.zeros(BASE.shape, bool)
    assert to_labels(raw(BASE, mask=mask))[0].array.max() == 2
    mask[0, :2, :3] = True
    labels, mapping = to_labels(raw(BASE, mask=mask))
    assert labels.masked
    np.testing.assert_array_equal(labels.array == 255, mask)
    assert mapping.notes == ("6 voxels (5.00%) are transparent, or marked as no material, in the file and so ignored",)


# --- colours ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [3, 4])
def test_a_grey_image_saved_in_colour_is_its_grey(channels):
    array = np.repeat(BASE[0][..., None] * 100, channels, axis=-1)
    array[..., 3:] = 255
    labels, mapping = to_labels(raw(array, color=True))
    np.testing.assert_array_equal(labels.array[0], BASE[0])
    assert str(mapping) == "0→0, 100→1, 200→2"


@pytest.mark.parametrize("dims", [2, 3])
def test_few_colours_are_labels_by_luminance(dims):
    palette = np.array([[0, 0, 255], [255, 0, 0], [255, 255, 0]], np.uint8)  # dark to bright
    want = BASE[0] if dims == 2 else BASE
    labels, mapping = to_labels(raw(palette[want], color=True))
    np.testing.assert_array_equal(labels.array, want.reshape(labels.array.shape))
    assert str(mapping) == "#0000ff→0, #ff0000→1, #ffff00→2"
    assert [p.color for p in labels.phases] == ["#0000ff", "#ff0000", "#ffff00"]


def test_a_volume_three_voxels_wide_is_not_taken_for_colours():
    with pytest.raises(UserError, match=r"nearly black: is it a volume 3 voxels wide.*photometric='minisblack'"):
        to_labels(raw(BASE[..., :3] % 2, color=True))


def test_a_photograph_is_refused():
    photo = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    with pytest.raises(UserError, match="colour image with more than 16 colours"):
        to_labels(raw(photo, color=True))
    with pytest.raises(UserError, match="colour image of uint16"):
        to_labels(raw(photo.astype(np.uint16), color=True))


# --- voxel size -------------------------------------------------------------------------------------------------------


def test_what_the_user_says_goes_before_what_the_file_says():
    file = {"voxel_size": (3.0, 2.0, 1.0), "unit": "nanometer", "origin": (1.0, 1.0, 1.0)}
    assert to_labels(raw(BASE, **file))[0].grid == Grid(BASE.shape, (3, 2, 1), "nanometer", (1, 1, 1))
    assert to_labels(raw(BASE, **file), voxel_size="0.4")[0].grid.voxel_size == (0.4, 0.4, 0.4)
    assert to_labels(raw(BASE, **file), voxel_size=0.4)[0].grid.unit == "micrometer"
    assert to_labels(raw(BASE, **file), voxel_size=(1, 2, 3), unit="mm")[0].grid.voxel_size == (1, 2, 3)
    assert to_labels(raw(BASE, **file), unit="um")[0].grid.unit == "micrometer"


def test_a_unit_alone_needs_a_voxel_size():
    with pytest.raises(UserError, match="needs --voxel-size"):
        to_labels(raw(BASE), unit="um")
    with pytest.raises(UserError, match="above 0"):
        to_labels(raw(BASE), voxel_size=(0, 1, 1))


# --- read_labels ------------------------------------------------------------------------------------------------------


def test_read_labels_opens_volumes_unread_and_files_as_arrays(tmp_path):
    volume = LabelVolume.create(tmp_path / "v.zarr", Grid(BASE.shape), default_phases(3))
    found, mapping = read_labels(tmp_path / "v.zarr")
    assert isinstance(found, LabelVolume)
    assert (found.path, mapping.changed) == (volume.path, False)
    np.save(tmp_path / "a.npy", BASE * 5)
    array, mapping = read_labels(tmp_path / "a.npy", voxel_size="2", phase_names=["a", "b", "c"])
    np.testing.assert_array_equal(array.read(array.grid.region), BASE)
    assert str(mapping) == "0→0, 5→1, 10→2"
    assert (array.grid.voxel_size, [p.name for p in array.phases]) == ((2, 2, 2), ["a", "b", "c"])


def test_read_labels_applies_what_the_user_says_to_volumes_too(tmp_path):
    LabelVolume.create(tmp_path / "v.zarr", Grid(BASE.shape), default_phases(3))
    volume, _ = read_labels(tmp_path / "v.zarr", voxel_size=0.5, unit="nm", phase_names=["x"])
    assert volume.grid == Grid(BASE.shape, (0.5, 0.5, 0.5), "nanometer")
    assert [p.name for p in volume.phases] == ["x", "phase 1", "phase 2"]
    LabelVolume.create(tmp_path / "one.zarr", Grid(BASE.shape), default_phases(1))
    with pytest.raises(UserError, match="one phase only"):
        read_labels(tmp_path / "one.zarr")


def test_what_a_file_leaves_to_say_comes_with_its_mapping():
    told = {"notes": ("its series 0 of 2",), "size_notes": ("no z spacing",)}
    _, mapping = to_labels(raw(BASE * 3, **told))
    assert mapping.remarks("f")[:2] == ["f: its series 0 of 2", "f: no z spacing"]
    assert mapping.remarks("f")[2].startswith("f: values mapped to labels: 0→0, 3→1")
    _, mapping = to_labels(raw(BASE, **told), voxel_size=1)
    assert mapping.remarks("f") == ["f: its series 0 of 2"]
