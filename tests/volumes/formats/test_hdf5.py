import json

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw, write_labels
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

h5py = pytest.importorskip("h5py")
LABELS = np.random.default_rng(0).integers(0, 3, (6, 5, 7), dtype=np.uint8)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.h5")


def test_the_one_volume_is_read_with_the_size_that_fiji_writes(path):
    with h5py.File(path, "w") as file:
        file["meta/name"] = "x"
        file["meta/lines"] = np.zeros((3, 4))
        file.create_dataset("t0/channel0", data=LABELS, chunks=(4, 2, 3), compression="gzip")
        file["t0/channel0"].attrs["element_size_um"] = [2.0, 0.4, 0.5]
    raw = read_raw(path)
    np.testing.assert_array_equal(raw.array, LABELS)
    assert (raw.voxel_size, raw.unit) == ((2.0, 0.4, 0.5), "micrometer")
    assert raw.said() == ("its array '/t0/channel0' is read, the only one that could be meant of 3",)


def test_several_datasets_are_named_and_a_path_chooses(path):
    with h5py.File(path, "w") as file:
        file["scan"], file["deep/er/truth"] = LABELS, LABELS[::-1]
        file["link"] = h5py.SoftLink("/deep/er/truth")
    with pytest.raises(
        UserError, match=r"holds 2 arrays .*/deep/er/truth 6×5×7, /scan 6×5×7\); name one, as in .*a\.h5:/"
    ):
        read_raw(path)
    for name in ("/deep/er/truth", "deep/er/truth", "/link"):
        np.testing.assert_array_equal(read_raw(f"{path}:{name}").array, LABELS[::-1])
    with pytest.raises(UserError, match=r"holds no array '/nothing'"):
        read_raw(f"{path}:/nothing")
    with pytest.raises(UserError, match="holds no array '/deep'"):
        read_raw(f"{path}:/deep")


@pytest.mark.parametrize("dtype", [">u2", "<i8", "bool", "f4", "f2"])
def test_types_of_values(path, dtype):
    with h5py.File(path, "w") as file:
        file["x"] = (LABELS % 2).astype(dtype)
    np.testing.assert_array_equal(read_raw(path).array, LABELS % 2)


@pytest.mark.parametrize("order", ["zyxc", "tzyxc", "xyz", "czxy"])
def test_axes_that_ilastik_names(path, order):
    space = [a for a in order if a in "zyx"]
    array = LABELS.transpose(["zyx".index(a) for a in space])
    array = array.reshape([array.shape[space.index(a)] if a in space else 1 for a in order])
    with h5py.File(path, "w") as file:
        file["exported_data"] = array
        file["exported_data"].attrs["axistags"] = json.dumps({"axes": [{"key": a, "typeFlags": 2} for a in order]})
    np.testing.assert_array_equal(read_raw(path).array, LABELS)
    with h5py.File(path, "w") as file:  # the same by the format's own labels
        file["x"] = array
        for dimension, a in zip(file["x"].dims, order, strict=True):
            dimension.label = a
    np.testing.assert_array_equal(read_raw(path).array, LABELS)


def test_channels_and_axes_that_are_not_understood_are_refused(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.stack([LABELS] * 2)
        file["x"].attrs["axistags"] = json.dumps({"axes": [{"key": a} for a in "czyx"]})
    with pytest.raises(UserError, match=r"more axes than a volume \(c = 2"):
        read_raw(path)
    with h5py.File(path, "r+") as file:
        file["x"].attrs["axistags"] = json.dumps({"axes": [{"key": a} for a in "abyx"]})
    with pytest.raises(UserError, match=r"more axes than a volume \(a = 2, b = 6"):
        read_raw(path)


@pytest.mark.parametrize("size", [[1.0, 2.0], "x", [0.0, 0.0, 0.0], [float("nan"), 1, 1]])
def test_a_size_that_is_none_is_said_or_left(path, size):
    with h5py.File(path, "w") as file:
        file["x"] = LABELS
        file["x"].attrs["element_size_um"] = size
    raw = read_raw(path)
    assert raw.voxel_size in (None, (1.0, 1.0, 1.0))
    assert bool(raw.said()) == (size != [0.0, 0.0, 0.0])


def test_values_in_other_files_are_not_followed(tmp_path, path):
    (tmp_path / "bytes").write_bytes(LABELS.tobytes())
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = LABELS
    layout = h5py.VirtualLayout(shape=LABELS.shape, dtype="u1")
    layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape=LABELS.shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("external", LABELS.shape, "u1", external=[(str(tmp_path / "bytes"), 0, LABELS.size)])
        file["linked"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    for name in ("virtual", "external", "linked"):
        with pytest.raises(UserError, match=rf"a\.h5:/{name} refers to values in other files"):
            read_raw(f"{path}:/{name}")


def test_what_was_never_written_is_said(path):
    with h5py.File(path, "w") as file:
        made = file.create_dataset("x", LABELS.shape, "u1", chunks=(3, 5, 7))
        made[:3] = LABELS[:3]
    raw = read_raw(path)
    np.testing.assert_array_equal(raw.array[:3], LABELS[:3])
    assert raw.said() == ("1 of its 2 chunks were never written and are read as 0",)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", LABELS.shape, "u1", chunks=(3, 5, 7))
    with pytest.raises(UserError, match="no value of it was ever written"):
        read_raw(path)


def test_a_shape_beyond_the_memory_is_refused_before_it_is_made(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10**5,) * 3, "u1", chunks=(64,) * 3)[0, 0, 0] = 1
    with pytest.raises(UserError, match=r"says that it holds 100000 × 100000 × 100000 values, 1e\+06 GB"):
        read_raw(path)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_cut_file_is_one_sentence(path, keep):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=LABELS, chunks=(2, 5, 7), compression="gzip")
    with open(path, "r+b") as file:
        file.truncate(int(file.seek(0, 2) * keep))
    with pytest.raises(UserError, match=r"a\.h5 can't be read"):
        read_raw(path)


def test_text_and_compounds_are_no_images(path):
    with h5py.File(path, "w") as file:
        file["text"] = np.array([[b"a", b"b"]])
        file["pairs"] = np.zeros((3, 4, 5), [("a", "u1"), ("b", "u1")])
    with pytest.raises(UserError, match="holds no array of numbers with two axes or more, but 'pairs', 'text'"):
        read_raw(path)
    with pytest.raises(UserError, match=r"holds .* values; an image of whole numbers is expected"):
        read_raw(f"{path}:/pairs")


def test_labels_are_written_with_sizes_for_fiji_and_read_back_exactly(path):
    grid = Grid(LABELS.shape, (1300.0, 370.0, 400.0), "nanometer", (1, 0, 2))
    volume = LabelArray(LABELS, grid, default_phases(3, ("a", "b", "c")))
    write_labels(volume, path)
    with h5py.File(path) as file:
        assert file["labels"].attrs["element_size_um"].tolist() == [1.3, 0.37, 0.4]
        np.testing.assert_array_equal(file["labels"], LABELS)
    again, _ = read_labels(path)
    assert (again.grid, again.phases) == (volume.grid, volume.phases)
    with h5py.File(path, "r+") as file:
        file["labels"].attrs["element_size_um"] = [1.0, 1.0, 1.0]
    assert read_labels(path)[0].grid == Grid(LABELS.shape, (1, 1, 1), "micrometer")
