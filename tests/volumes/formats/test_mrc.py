import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw

mrcfile = pytest.importorskip("mrcfile")
LABELS = np.random.default_rng(0).integers(0, 3, (6, 5, 7), dtype=np.uint8)


def write(path, array=LABELS, size=(4000.0, 5000.0, 20000.0), **header):
    """Write voxels with sizes (x, y, z) in Å and other fields of the header."""
    with mrcfile.new(str(path)) as mrc:
        mrc.set_data(array)
        if size is not None:
            mrc.voxel_size = size
        for key, value in header.items():
            setattr(mrc.header, key, value)
    return path


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f4", "f2"])
@pytest.mark.parametrize("suffix", [".mrc", ".rec", ".st", ".map"])
def test_voxels_and_sizes(tmp_path, dtype, suffix):
    raw = read_raw(write(tmp_path / f"a{suffix}", LABELS.astype(dtype)))
    np.testing.assert_array_equal(raw.array, LABELS)
    assert (raw.voxel_size, raw.unit) == (pytest.approx((20000, 5000, 4000)), "angstrom")
    assert isinstance(raw.array.base, np.memmap)


def test_big_endian_files_and_extended_headers(tmp_path):
    with mrcfile.new(str(tmp_path / "a.mrc")) as mrc:
        mrc.set_data(LABELS.astype(">i2"))
        mrc.set_extended_header(np.zeros(100, "u1"))
        mrc.voxel_size = 10.0
    raw = read_raw(tmp_path / "a.mrc")
    np.testing.assert_array_equal(raw.array, LABELS)
    assert raw.voxel_size == pytest.approx((10, 10, 10))


def test_axes_by_what_the_header_says_of_columns_rows_and_sections(tmp_path):
    stored = np.ascontiguousarray(LABELS.astype("i1").transpose(2, 0, 1))  # sections along x, rows along z, columns y
    raw = read_raw(write(tmp_path / "a.mrc", stored, None, mapc=2, mapr=3, maps=1))
    np.testing.assert_array_equal(raw.array, LABELS)
    np.testing.assert_array_equal(
        read_raw(write(tmp_path / "b.mrc", LABELS.astype("i1"), None, mapc=0, mapr=0, maps=0)).array, LABELS
    )
    with pytest.raises(UserError, match="does not say which of its axes are x, y and z"):
        read_raw(write(tmp_path / "c.mrc", LABELS.astype("i1"), mapc=1, mapr=1, maps=3))


def test_unsigned_bytes_of_imod(tmp_path):
    values = (LABELS * 100).view("i1")
    assert read_raw(write(tmp_path / "a.mrc", values)).array.min() < 0
    path = write(tmp_path / "b.mrc", values)
    data = bytearray(path.read_bytes())
    data[152:160] = np.array([1146047817, 0], "<i4").tobytes()
    path.write_bytes(data)
    np.testing.assert_array_equal(read_raw(path).array, LABELS * 100)
    data[156:160] = np.array([1], "<i4").tobytes()
    path.write_bytes(data)
    assert read_raw(path).array.min() < 0


def test_a_size_that_is_not_set_is_unknown(tmp_path):
    path = write(tmp_path / "a.mrc", LABELS.astype("i1"), None, cella=(0, 0, 0))
    assert (read_raw(path).voxel_size, read_raw(path).said()) == (None, ())


def test_damaged_files_are_one_sentence(tmp_path):
    path = write(tmp_path / "a.mrc", LABELS.astype("i1"))
    whole = path.read_bytes()
    for data in (whole[:-1], whole + b"x", whole[:1100], whole[:500], b"\x1f\x8b" + whole, bytes(2000)):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"a\.mrc"):
            read_raw(path)
    with pytest.raises(UserError, match="stack of several volumes"):
        read_raw(write(tmp_path / "b.mrc", LABELS.astype("i1"), ispg=401))
    huge = bytearray(whole)
    huge[0:12] = np.array([10**6] * 3, "<i4").tobytes()
    path.write_bytes(huge)
    with pytest.raises(UserError, match="cut off or damaged"):
        read_raw(path)
