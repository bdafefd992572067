import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.label_values import different_values
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.raw import RawImage

BASE = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.uint8)


def raw(array, **more):
    return RawImage(np.asarray(array), "img.tif", **more)


@pytest.mark.parametrize("dtype", ["int8", "uint8", ">i2", "uint16", "int32", "int64", "float32"])
def test_values_are_counted_outside_of_a_mask(dtype):
    array = (BASE.astype(int) * 40 + 3).astype(dtype)
    values, counts = np.unique(array, return_counts=True)
    assert different_values(array, "a", 32, "") == (values.tolist(), counts.tolist())
    mask = array == array.flat[0]
    assert array.flat[0] not in different_values(array, "a", 32, "", mask)[0]


@pytest.mark.parametrize(
    ("values", "counts", "names", "said"),
    [
        ([0, 64, 127, 254], [500, 1, 400, 99], 3, r"Too many: 64 in 1 voxel \(0.10 %\)"),
        ([0, 1, 2, 255], [500, 401, 49, 50], 3, r"Too many: 255 in 50 voxels \(5.00 %\)"),
        ([0, 1, 2, 255], [500, 401, 9, 90], 3, r"Too many: 255 in 90 voxels"),  # what is out of range, though not rare
        ([5, 6, 7], [500, 400, 100], 2, r"Too many: 7 in 100 voxels \(10.00 %\)"),
        (list(range(9)), [996, *[1] * 4, 500, 498, 1, 1], 3, r"in 1 voxel .* and 2 more"),
    ],
)
def test_more_values_than_names_are_refused_and_never_shift_names(values, counts, names, said):
    array = np.repeat(np.array(values, np.uint8), counts).reshape(1, 20, -1)
    with pytest.raises(UserError, match=rf"img\.tif.*{names} phases are named \(p0.*{said}") as error:
        to_labels(raw(array), phase_names=[f"p{i}" for i in range(names)])
    assert "\n" not in str(error.value)
    assert len(to_labels(raw(array), phase_names=[f"p{i}" for i in values])[0].phases) == len(values)


def test_more_colours_than_names_are_refused():
    palette = np.array([[0, 0, 255], [255, 0, 0], [255, 255, 0]], np.uint8)
    with pytest.raises(UserError, match=r"3 different values \(#0000ff, #ff0000, #ffff00\).*Too many: #"):
        to_labels(raw(palette[BASE], color=True), phase_names=["a", "b"])


def test_a_stray_value_is_asked_about_unless_it_is_named():
    array = np.zeros((1, 100, 100), np.uint8)
    array[:, 50:] = 127
    array[0, 3, 3] = 64
    assert "the value 64 occurs in 1 of 10000 voxels (0.01 %)" in to_labels(raw(array))[1].notes[0]
    assert to_labels(raw(array), phase_names=["a", "b", "c"])[1].notes == ()
    assert to_labels(raw(np.where(array == 64, 0, array)))[1].notes == ()


def test_many_values_that_nobody_named_are_asked_about():
    many = np.arange(220, dtype=np.uint8).reshape(20, 11) % 11
    assert "11 different values: has it so many phases?" in to_labels(raw(many))[1].notes[0]
    assert to_labels(raw(many), phase_names=[f"p{i}" for i in range(11)])[1].notes == ()
    assert to_labels(raw(many % 10))[1].notes == ()
