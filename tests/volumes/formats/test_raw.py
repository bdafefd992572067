import numpy as np
import pytest

from mesofuse.cli.main import main
from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw, write_labels
from mesofuse.volumes.formats.raw import parse_dtype, read_headerless
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume

LABELS = np.random.default_rng(0).integers(0, 3, (6, 5, 7), dtype=np.uint8)
VOLUME = LabelArray(
    LABELS, Grid(LABELS.shape, (1.3, 0.37, 0.4), "nanometer", (1, 0, 2)), default_phases(3, ("a", "b", "c d"))
)


@pytest.mark.parametrize("dtype", ["uint8", "i1", ">u2", "<u2", "uint16", ">int32", "float32", ">f8", "u8"])
@pytest.mark.parametrize("skip", [0, 13])
def test_bytes_are_read_as_they_are_described(tmp_path, dtype, skip):
    kind = parse_dtype(dtype)
    (tmp_path / "a.raw").write_bytes(b"?" * skip + LABELS.astype(kind).tobytes())
    raw = read_headerless(str(tmp_path / "a.raw"), LABELS.shape, dtype, skip)
    np.testing.assert_array_equal(raw.array, LABELS)
    assert isinstance(raw.array, np.memmap)


def test_the_byte_order_is_what_is_said_on_every_machine():
    assert parse_dtype("uint16").newbyteorder("<") == np.dtype("<u2") == parse_dtype("<uint16")
    assert parse_dtype(">uint16") == np.dtype(">u2")


@pytest.mark.parametrize(
    "text", ["", ">", "u3", "complex64", "object", "O", "S4", "bool", "u2,u2", "(2,)u1", "uint8" * 9]
)
def test_what_is_no_type_of_numbers_is_refused(text):
    with pytest.raises(UserError, match="is not a type that voxels can have: use uint8"):
        parse_dtype(text)


def test_a_size_that_is_not_that_of_the_voxels_is_refused_with_what_it_should_be(tmp_path):
    path = str(tmp_path / "a.raw")
    LABELS.tofile(path)
    with pytest.raises(UserError, match=r"has 210 bytes, but 6 × 5 × 8 voxels of uint8 take 240: check --shape"):
        read_headerless(path, (6, 5, 8))
    with pytest.raises(UserError, match=r"has 200 bytes after the 10 that are skipped"):
        read_headerless(path, (6, 5, 7), None, 10)
    with pytest.raises(UserError, match=r"has 210 bytes, so 210 of them can't be skipped"):
        read_headerless(path, (6, 5, 7), None, 210)
    with pytest.raises(UserError, match=r"\(10+, 10+, 10+\)|× 1000000 voxels"):
        read_headerless(path, (10**6,) * 3)
    with pytest.raises(UserError, match="does not exist"):
        read_headerless(f"{path}x", (6, 5, 7))


def test_the_type_of_wider_voxels_is_asked_for_not_guessed(tmp_path):
    LABELS.astype("<u2").tofile(tmp_path / "a.raw")
    with pytest.raises(UserError, match=r"has 2 bytes a voxel: say their type with --dtype: .*>uint16"):
        read_headerless(str(tmp_path / "a.raw"), LABELS.shape)


@pytest.mark.parametrize(
    ("name", "count", "hint"),
    [
        ("berea_7x5x6_uint8.raw", 210, r"by its name perhaps --shape 6,5,7 --dtype uint8"),
        ("scan_7x5x6_uint16.raw", 420, r"by its name perhaps --shape 6,5,7 --dtype uint16"),
        ("scan.raw", 1000, r"perhaps 10,10,10 of uint8"),
        ("scan.raw", 2000, r"perhaps 10,10,10 of uint16"),
        ("scan.raw", 210, r"--dtype TYPE`\."),
    ],
)
def test_a_file_without_header_says_how_to_import_it(tmp_path, name, count, hint):
    (tmp_path / name).write_bytes(bytes(count))
    for take in (read_raw, read_labels):
        with pytest.raises(UserError, match=rf"{count} bytes: import it with `mesofuse import .*{hint}"):
            take(tmp_path / name)


def test_what_is_written_reads_back_without_options(tmp_path):
    write_labels(VOLUME, tmp_path / "a.raw")
    assert (tmp_path / "a.raw").read_bytes() == LABELS.tobytes()
    again, _ = read_labels(tmp_path / "a.raw")
    np.testing.assert_array_equal(again.array, LABELS)
    assert (again.grid, again.phases) == (VOLUME.grid, VOLUME.phases)


def test_the_header_goes_with_its_file(tmp_path):
    write_labels(VOLUME, tmp_path / "a.raw")
    with pytest.raises(UserError, match=r"a\.raw exists already"):
        write_labels(VOLUME, tmp_path / "a.raw")
    small = LabelArray(LABELS[:2], Grid((2, 5, 7)), VOLUME.phases)
    write_labels(small, tmp_path / "a.raw", overwrite=True)
    assert read_labels(tmp_path / "a.raw")[0].grid == small.grid
    (tmp_path / "a.raw").rename(tmp_path / "b.raw")  # a header that names another file is not this one's
    (tmp_path / "a.mhd").rename(tmp_path / "b.mhd")
    with pytest.raises(UserError, match="no header that says its shape"):
        read_raw(tmp_path / "b.raw")
    (tmp_path / "c.mhd").write_text("someone's")
    with pytest.raises(UserError, match=r"c\.mhd exists already"):
        write_labels(VOLUME, tmp_path / "c.raw")
    assert (tmp_path / "c.mhd").read_text() == "someone's"
    assert not (tmp_path / "c.raw").exists()


def test_a_data_file_that_was_cut_off_is_refused(tmp_path):
    write_labels(VOLUME, tmp_path / "a.raw")
    (tmp_path / "a.raw").write_bytes(LABELS.tobytes()[:-1])
    with pytest.raises(UserError, match=r"a\.raw has 209 bytes, but by .*a\.mhd it holds 6 × 5 × 7"):
        read_raw(tmp_path / "a.raw")


def test_import_takes_shape_type_and_bytes_to_skip(tmp_path, capsys):
    (tmp_path / "a.vol").write_bytes(b"#" * 8 + LABELS.astype(">u2").tobytes())
    args = [str(tmp_path / "a.vol"), str(tmp_path / "a.zarr"), "--shape", "6,5,7", "--dtype", ">uint16"]
    assert main(["import", *args]) == 2
    assert "has 428 bytes" in capsys.readouterr().err
    assert main(["import", *args, "--header-bytes", "8", "--voxel-size", "2", "--unit", "um"]) == 0
    volume = LabelVolume.open(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.read(volume.grid.region), LABELS)
    assert volume.grid.voxel_size == (2, 2, 2)
    assert volume.provenance["source"] == "a.vol"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("a.raw", ["--dtype", "uint8"], "need --shape z,y,x too"),
        ("a.raw", ["--shape", "210"], "give the voxels along z, y and x"),
        ("a.raw", ["--shape", "6,5,x"], "not usable"),
        ("a.tif", ["--shape", "6,5,7"], "is of the format tiff, which says its own shape"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(tmp_path, capsys, name, options, said):
    LABELS.tofile(tmp_path / name)
    assert main(["import", str(tmp_path / name), str(tmp_path / "a.zarr"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "a.zarr").exists()


def test_a_headerless_file_of_another_ending_may_be_said_to_be_raw(tmp_path):
    LABELS.tofile(tmp_path / "a.tif")
    options = ["--shape", "6,5,7", "--format", "raw"]
    assert main(["import", str(tmp_path / "a.tif"), str(tmp_path / "a.zarr"), *options]) == 0
