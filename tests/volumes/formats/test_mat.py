import numpy as np
import pytest
from scipy.io import savemat

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw

LABELS = np.random.default_rng(0).integers(0, 3, (6, 5, 7), dtype=np.uint8)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "double", "int16", "bool"])
def test_the_one_array_of_version_5_is_read(tmp_path, compressed, dtype):
    array = (LABELS % 2 if dtype == "bool" else LABELS).astype(dtype)
    savemat(tmp_path / "a.mat", {"labels": array, "s": {"x": 1}, "name": "x"}, do_compression=compressed)
    raw = read_raw(tmp_path / "a.mat")
    np.testing.assert_array_equal(raw.array, array)
    assert "its axes are taken as A(z, y, x)" in raw.said()[-1]


def test_an_image_has_rows_and_columns(tmp_path):
    savemat(tmp_path / "a.mat", {"sem": LABELS[0]})
    raw = read_raw(tmp_path / "a.mat")
    np.testing.assert_array_equal(raw.array, LABELS[0])
    assert raw.said() == ()


def test_several_arrays_are_named(tmp_path):
    savemat(tmp_path / "a.mat", {"scan": LABELS, "truth": LABELS[::-1]})
    with pytest.raises(UserError, match=r"scan 6×5×7, truth 6×5×7\); name one, as in .*a\.mat:scan"):
        read_raw(tmp_path / "a.mat")
    np.testing.assert_array_equal(read_raw(f"{tmp_path}/a.mat:truth").array, LABELS[::-1])
    with pytest.raises(UserError, match=r"holds no array 'cells'"):
        read_raw(f"{tmp_path}/a.mat:cells")


def test_cells_and_structs_are_no_arrays(tmp_path):
    cells = np.empty((2, 2), object)
    cells[:] = [[1, 2], [3, 4]]
    savemat(tmp_path / "a.mat", {"cells": cells, "s": {"x": 1}})
    with pytest.raises(UserError, match="holds no array of numbers with two axes or more, but 'cells', 's'"):
        read_raw(tmp_path / "a.mat")


@pytest.mark.parametrize("keep", [50, 130, 0.5, 0.95])
def test_a_cut_file_is_one_sentence(tmp_path, keep):
    savemat(tmp_path / "a.mat", {"labels": LABELS})
    data = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(data[: keep if keep > 1 else int(len(data) * keep)])
    with pytest.raises(UserError, match=r"a\.mat"):
        read_raw(tmp_path / "a.mat")


def test_a_length_beyond_the_end_is_damage_not_want_of_memory(tmp_path, monkeypatch):
    savemat(tmp_path / "a.mat", {"labels": LABELS})

    def whosmat(*args, **more):
        raise MemoryError

    monkeypatch.setattr("scipy.io.whosmat", whosmat)
    with pytest.raises(UserError, match=r"a\.mat is damaged: a length in it"):
        read_raw(tmp_path / "a.mat")


def test_version_7_3_is_read_with_its_axes_as_matlab_has_them(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        made = file.create_dataset("labels", data=LABELS.T)  # MATLAB stores the first axis as the fastest
        made.attrs["MATLAB_class"] = np.bytes_("uint8")
        file.create_dataset("empty", data=np.array([0, 0], np.uint64)).attrs["MATLAB_empty"] = 1
        file.create_dataset("#refs#/a", data=LABELS)
    with open(tmp_path / "a.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    raw = read_raw(tmp_path / "a.mat")
    np.testing.assert_array_equal(raw.array, LABELS)
    np.testing.assert_array_equal(read_raw(f"{tmp_path}/a.mat:labels").array, LABELS)
