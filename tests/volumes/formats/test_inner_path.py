import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.formats.inner_path import choose, split, squeezed


@pytest.mark.parametrize(
    ("path", "file", "inner"),
    [
        ("a.npz", "a.npz", ""),
        ("a.npz:labels", "a.npz", "labels"),
        ("dir/A.H5:/entry/data", "dir/A.H5", "/entry/data"),
        (r"C:\data\a.h5:/x", r"C:\data\a.h5", "/x"),
        (r"C:\data\a.tif", r"C:\data\a.tif", ""),
        ("s3://bucket/a.h5:/x", "s3://bucket/a.h5:/x", ""),
        ("a.tif:x", "a.tif:x", ""),
        ("a.h5:/odd:name", "a.h5", "/odd:name"),
        ("a.mat:", "a.mat", ""),
    ],
)
def test_a_colon_counts_after_a_file_that_holds_arrays(path, file, inner):
    assert split(path) == (file, inner)


def test_a_file_with_a_colon_in_its_name_is_that_file(tmp_path):
    odd = tmp_path / "a.npz:b.npz"
    odd.write_bytes(b"x")
    assert split(str(odd)) == (str(odd), "")


@pytest.mark.parametrize(
    ("shapes", "name"),
    [
        ({"x": (5, 6, 7)}, "x"),
        ({"x": (5, 6, 7), "size": (3,), "mean": ()}, "x"),
        ({"x": (5, 6, 7), "thumb": (6, 7)}, "x"),
        ({"x": (1, 1, 5, 6, 7), "thumb": (1, 6, 7)}, "x"),
        ({"photo": (6, 7), "size": (3,)}, "photo"),
    ],
)
def test_the_only_volume_or_image_is_meant(shapes, name):
    found, notes = choose("a.npz", shapes)
    assert found == name
    assert bool(notes) == (len(shapes) > 1)


def test_several_are_named_and_a_name_chooses():
    shapes = {"/a/x": (5, 6, 7), "/b/x": (5, 6, 7)}
    with pytest.raises(UserError, match=r"2 arrays .*/a/x 5×6×7, /b/x 5×6×7\); name one, as in a\.h5:/a/x"):
        choose("a.h5", shapes)
    assert choose("a.h5:/b/x", shapes)[0] == "/b/x"
    assert choose("a.h5:b/x", shapes)[0] == "/b/x"
    with pytest.raises(UserError, match=r"a\.h5 holds no array '/b/y'\. Did you mean '/b/x'"):
        choose("a.h5:/b/y", shapes)
    with pytest.raises(UserError, match="no plain array of numbers"):
        choose("a.h5:text", shapes, ["text"])


def test_where_no_array_could_be_meant_what_is_there_is_named():
    with pytest.raises(UserError, match=r"but size 3, mean\."):
        choose("a.npz", {"size": (3,), "mean": ()})
    with pytest.raises(UserError, match="but 'text'"):
        choose("a.npz", {}, ["text"])
    with pytest.raises(UserError, match="but nothing"):
        choose("a.npz", {})


@pytest.mark.parametrize(
    ("shape", "left"),
    [((1, 1, 5, 6, 7), (5, 6, 7)), ((5, 6, 7, 1), (5, 6, 7)), ((1, 5, 6), (1, 5, 6)), ((2, 3, 4, 5), (2, 3, 4, 5)),
     ((1, 1, 1, 6, 7), (6, 7)), ((1, 1, 1, 1, 7), (1, 7))],
)  # fmt: skip
def test_axes_of_length_one_are_left_out_of_more_than_three(shape, left):
    assert squeezed(np.empty(shape)).shape == left
