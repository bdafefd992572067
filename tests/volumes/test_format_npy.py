import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.format_npy import read

STACK = np.random.default_rng(0).integers(0, 3, (4, 5, 7), dtype=np.uint8)


def test_arrays_are_mapped(tmp_path):
    np.save(tmp_path / "a.npy", STACK)
    raw = read(str(tmp_path / "a.npy"))
    assert isinstance(raw.array, np.memmap)
    np.testing.assert_array_equal(raw.array, STACK)
    np.save(tmp_path / "a.npy", np.asfortranarray(STACK))
    np.testing.assert_array_equal(read(str(tmp_path / "a.npy")).array, STACK)


def test_pickles_are_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"pickled objects, which are never loaded|not an npy file"):
        read(str(tmp_path / "a.npy"))


def test_archives_and_cut_files_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", STACK)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(UserError, match="npz"):
        read(str(tmp_path / "a.npy"))
    np.save(tmp_path / "b.npy", STACK)
    whole = (tmp_path / "b.npy").read_bytes()
    for keep in (3, 20, len(whole) - 1):
        (tmp_path / "b.npy").write_bytes(whole[:keep])
        with pytest.raises(UserError, match=r"b\.npy is damaged"):
            read(str(tmp_path / "b.npy"))
