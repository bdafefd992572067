import bz2
import gzip

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw, write_labels
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

nrrd = pytest.importorskip("nrrd")
LABELS = np.random.default_rng(0).integers(0, 3, (6, 5, 7), dtype=np.uint8)


def write(path, data=None, **fields):
    head = {"type": "uint8", "dimension": 3, "sizes": "7 5 6", "encoding": "raw", **fields}
    text = "NRRD0005\n" + "".join(f"{k.replace('_', ' ')}: {v}\n" for k, v in head.items()) + "\n"
    path.write_bytes(text.encode() + (LABELS.tobytes() if data is None else data))
    return path


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">u2", "<f4"])
def test_what_pynrrd_writes(tmp_path, encoding, dtype):
    array = LABELS.astype(dtype)
    nrrd.write(str(tmp_path / "a.nrrd"), array, {"encoding": encoding}, index_order="C")
    np.testing.assert_array_equal(read_raw(tmp_path / "a.nrrd").array, LABELS)
    nrrd.write(str(tmp_path / "b.nhdr"), array, {"encoding": encoding}, index_order="C", detached_header=True)
    np.testing.assert_array_equal(read_raw(tmp_path / "b.nhdr").array, LABELS)


def test_raw_encoding_is_mapped_not_loaded(tmp_path):
    assert isinstance(read_raw(write(tmp_path / "a.nrrd")).array.base, np.memmap)


@pytest.mark.parametrize("word", ["uchar", "unsigned char", "uint8_t", "signed char", "short int", "unsigned short int",
                                  "signed long long int", "double", "ulonglong"])  # fmt: skip
def test_every_word_for_a_type(tmp_path, word):
    kinds = {"uchar": "u1", "unsigned char": "u1", "uint8_t": "u1", "signed char": "i1", "short int": "i2",
             "unsigned short int": "u2", "signed long long int": "i8", "double": "f8", "ulonglong": "u8"}  # fmt: skip
    data = LABELS.astype(f"<{kinds[word]}").tobytes()
    raw = read_raw(write(tmp_path / "a.nrrd", data, type=word, endian="little"))
    np.testing.assert_array_equal(raw.array, LABELS)


@pytest.mark.parametrize(
    ("fields", "size", "unit", "note"),
    [
        ({"spacings": "0.4 0.5 2", "units": '"um" "um" "um"'}, (2, 0.5, 0.4), "micrometer", ""),
        ({"spacings": "0.4 500 0.002", "units": '"µm" "nm" "mm"'}, (2, 0.5, 0.4), "micrometer", ""),
        ({"spacings": "0.4 0.5 2"}, None, None, "it gives its voxels as 2 × 0.5 × 0.4 (z, y, x) without a unit"),
        ({"spacings": "0.4 0.5 NaN", "units": '"um" "um" ""'}, (0.5, 0.5, 0.4), "micrometer", "how far its planes"),
        ({"space_dimension": 3, "space_directions": "(0.4,0,0) (0,0.5,0) (0,0,2)", "space_units": '"µm" "µm" "µm"'},
         (2, 0.5, 0.4), "micrometer", ""),
        ({"space": "left-posterior-superior", "space_directions": "(-0.3,0.4,0) (0,0.5,0) (0,0,2)",
          "space_units": '"mm" "mm" "mm"'}, (2, 0.5, 0.5), "millimeter", "its axes are turned in space"),
        ({"spacings": "1 1 1", "units": '"furlongs" "um" "um"'}, None, None, "'furlongs' is not a known unit"),
        ({}, None, None, ""),
    ],
)  # fmt: skip
def test_spacings_directions_and_units(tmp_path, fields, size, unit, note):
    raw = read_raw(write(tmp_path / "a.nrrd", **fields))
    assert (raw.voxel_size, raw.unit) == (size and pytest.approx(size), unit)
    assert note in " ".join(raw.said())
    assert bool(raw.said()) == bool(note)


def test_a_micro_sign_of_an_old_code_page_is_a_micro_sign(tmp_path):
    path = write(tmp_path / "a.nrrd", spacings="0.4 0.4 0.4", units='"um" "um" "um"')
    path.write_bytes(path.read_bytes().replace(b'"um"', '"µm"'.encode("cp1252")))
    assert read_raw(path).unit == "micrometer"


def test_other_axes_by_their_kinds(tmp_path):
    more = {"dimension": 4, "sizes": "1 7 5 6", "kinds": "vector domain domain domain", "spacings": "NaN 0.4 0.5 2"}
    raw = read_raw(write(tmp_path / "a.nrrd", units='"" "um" "um" "um"', **more))
    assert (raw.array.shape, raw.voxel_size) == ((6, 5, 7), (2, 0.5, 0.4))
    twice = {**more, "sizes": "2 7 5 6"}
    with pytest.raises(UserError, match=r"more axes than a volume \(vector = 2\)"):
        read_raw(write(tmp_path / "b.nrrd", LABELS.tobytes() * 2, **twice))
    colours = np.stack([LABELS, LABELS, LABELS], -1)
    rgb = {"dimension": 4, "sizes": "3 7 5 6", "kinds": "RGB-color domain domain domain"}
    raw = read_raw(write(tmp_path / "c.nrrd", colours.tobytes(), **rgb))
    assert raw.color
    np.testing.assert_array_equal(raw.array, colours)
    with pytest.raises(UserError, match="has 4 axes"):
        read_raw(write(tmp_path / "d.nrrd", LABELS.tobytes() * 2, dimension=4, sizes="2 7 5 6"))
    np.testing.assert_array_equal(
        read_raw(write(tmp_path / "e.nrrd", dimension=2, sizes="7 30")).array, LABELS.reshape(30, 7)
    )


@pytest.mark.parametrize(("skip", "lines"), [(5, 0), (-1, 0), (0, 2)])
def test_bytes_and_lines_to_skip(tmp_path, skip, lines):
    data = b"x\n" * lines + bytes(max(0, skip) if skip > 0 else 3 if skip < 0 else 0) + LABELS.tobytes()
    path = write(tmp_path / "a.nrrd", data, byte_skip=skip, line_skip=lines)
    np.testing.assert_array_equal(read_raw(path).array, LABELS)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sizes": "7 5 7"}, "holds 210 bytes of voxels, but should 245"),
        ({"sizes": "7 5 5"}, "holds 210 bytes of voxels, but should 175"),
        ({"sizes": "1000000 1000000 1000000"}, "more than there is free memory"),
        ({"sizes": "7 5"}, "its sizes are"),
        ({"sizes": "7 -5 6"}, "its sizes are"),
        ({"type": "block"}, "values of the type 'block'"),
        ({"type": "ushort"}, "does not say the byte order"),
        ({"encoding": "hex"}, "has the encoding 'hex'"),
        ({"data_file": "/etc/hostname"}, "one file next to the header is expected"),
        ({"data_file": "../x"}, "one file next to the header is expected"),
        ({"data_file": "LIST"}, "one file next to the header is expected"),
        ({"data_file": "x.raw"}, "which is not there"),
        ({"space_directions": "(1,"}, "can't be read as nrrd"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, fields, said):
    with pytest.raises(UserError, match=said):
        read_raw(write(tmp_path / "a.nrrd", **fields))


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("bzip2", bz2.compress)])
def test_packed_data_are_unpacked_no_further_than_the_header_says(tmp_path, encoding, pack):
    bomb = pack(bytes(10**7))
    with pytest.raises(UserError, match="it holds more bytes of voxels, but should 210"):
        read_raw(write(tmp_path / "a.nrrd", bomb, encoding=encoding))
    with pytest.raises(UserError, match="it holds 209 bytes of voxels, but should 210"):
        read_raw(write(tmp_path / "a.nrrd", pack(LABELS.tobytes()[:-1]), encoding=encoding))


@pytest.mark.parametrize("data", [b"GIF89a" * 9, b"NRRD0005\n" + b"a: b\n" * 300000, b"NRRD" + b"x" * (1 << 21)])
def test_what_is_no_header_is_refused(tmp_path, data):
    (tmp_path / "a.nrrd").write_bytes(data)
    with pytest.raises(UserError, match=r"a\.nrrd (is not a NRRD file|is damaged|can't be read)"):
        read_raw(tmp_path / "a.nrrd")


def test_pynrrd_reads_what_is_written(tmp_path):
    grid = Grid(LABELS.shape, (2, 0.5, 0.4), "micrometer", (1, 2, 3))
    volume = LabelArray(LABELS, grid, default_phases(3, ("a", "b", "c")))
    write_labels(volume, tmp_path / "a.nrrd")
    data, header = nrrd.read(str(tmp_path / "a.nrrd"), index_order="C")
    np.testing.assert_array_equal(data, LABELS)
    np.testing.assert_array_equal(header["space directions"], np.diag([0.4, 0.5, 2]))
    np.testing.assert_array_equal(header["space origin"], [3, 2, 1])
    assert header["space units"] == ["um"] * 3
    again, _ = read_labels(tmp_path / "a.nrrd")
    assert (again.grid, again.phases) == (volume.grid, volume.phases)
