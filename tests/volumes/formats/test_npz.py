import io
import zipfile

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw

LABELS = np.random.default_rng(0).integers(0, 3, (6, 5, 7), dtype=np.uint8)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_one_array_is_read(tmp_path, save):
    save(tmp_path / "a.npz", labels=LABELS, size=[1.0, 2.0, 3.0], name="x")
    raw = read_raw(tmp_path / "a.npz")
    np.testing.assert_array_equal(raw.array, LABELS)
    assert raw.said() == ("its array 'labels' is read, the only one that could be meant of 3",)
    np.testing.assert_array_equal(read_raw(f"{tmp_path}/a.npz:labels").array, LABELS)
    save(tmp_path / "b.npz", LABELS)
    assert read_raw(tmp_path / "b.npz").said() == ()


def test_several_arrays_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", scan=LABELS, truth=LABELS[::-1].astype(">u2"), fortran=np.asfortranarray(LABELS))
    with pytest.raises(UserError, match=r"scan 6×5×7, truth 6×5×7, fortran 6×5×7\); name one, as in .*a\.npz:scan"):
        read_raw(tmp_path / "a.npz")
    np.testing.assert_array_equal(read_raw(f"{tmp_path}/a.npz:truth").array, LABELS[::-1])
    np.testing.assert_array_equal(read_raw(f"{tmp_path}/a.npz:fortran").array, LABELS)


def test_pickled_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", labels=LABELS, objects=np.array([{}, []], object))
    np.testing.assert_array_equal(read_raw(tmp_path / "a.npz").array, LABELS)
    with pytest.raises(UserError, match="is no plain array of numbers"):
        read_raw(f"{tmp_path}/a.npz:objects")


def member(shape, values=b""):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue() + values


@pytest.mark.parametrize("shape", [(10**6, 10**6, 10**6), (2, 3, 4), (2, 3, 6)])
def test_a_header_that_promises_other_than_there_is_is_refused(tmp_path, shape):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("labels.npy", member(shape, bytes(30)))
    with pytest.raises(UserError, match=r"a\.npz is damaged: its array 'labels' should take \d+ bytes, but takes 30"):
        read_raw(tmp_path / "a.npz")


@pytest.mark.parametrize("keep", [10, 0.3, 0.7, 0.99])
def test_a_cut_or_damaged_archive_is_one_sentence(tmp_path, keep):
    np.savez_compressed(tmp_path / "a.npz", LABELS)
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[: keep if keep > 1 else int(len(data) * keep)])
    with pytest.raises(UserError, match=r"a\.npz can't be read as npz"):
        read_raw(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(data[:60] + bytes(20) + data[80:])
    with pytest.raises(UserError, match=r"a\.npz"):
        read_raw(tmp_path / "a.npz")


def test_an_archive_of_very_many_files_is_no_archive_of_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for i in range(1001):
            archive.writestr(f"{i}.npy", b"")
    with pytest.raises(UserError, match="holds 1001 files"):
        read_raw(tmp_path / "a.npz")
