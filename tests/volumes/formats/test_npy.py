import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw
from mesofuse.volumes.formats.npy import read

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


def header(text: str, body: bytes = b"") -> bytes:
    """Return an npy file with a header of our own."""
    data = text.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(data).to_bytes(2, "little") + data + body


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2"), "damaged"),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }", bytes(5)), "ends at byte"),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }", bytes(3)), "damaged"),
        (
            header("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", bytes(5)),
            "damaged",
        ),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (-2, -2), }", bytes(4)), "damaged"),
        (header("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", bytes(16)), "pickled"),
        (header("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (2, 2), }", bytes(16)), "array of numbers"),
        (header("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (2, 2), }", bytes(32)), "array of numbers"),
        (header("[" * 9000), "damaged"),
        (b"\x93NUMPY\x01\x00\xff\xff{'descr'", "damaged"),
    ],
)
def test_a_hostile_header_is_refused_in_a_sentence(tmp_path, content, said):
    path = tmp_path / "hostile.npy"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"hostile\.npy.*{said}") as refused:
        read_raw(path)
    assert "\n" not in str(refused.value)


def test_fortran_order_and_byte_order_are_those_of_the_header(tmp_path):
    values = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    np.save(tmp_path / "a.npy", np.asfortranarray(values))
    assert np.array_equal(read(str(tmp_path / "a.npy")).array, values)
