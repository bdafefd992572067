import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import read_raw, write_labels
from mesofuse.volumes.formats.metaimage import read
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

LABELS = np.random.default_rng(0).integers(0, 3, (6, 5, 7), dtype=np.uint8)


def header(path, data=b"", **fields):
    """Write a header as ITK does."""
    said = {
        "ObjectType": "Image", "NDims": 3, "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False", "DimSize": "7 5 6", "ElementType": "MET_UCHAR", **fields,
    }  # fmt: skip
    place = said.pop("ElementDataFile", "LOCAL")
    text = "".join(f"{k} = {v}\n" for k, v in said.items()) + f"ElementDataFile = {place}\n"
    path.write_bytes(text.encode() + data)
    return str(path)


@pytest.mark.parametrize(
    ("kind", "dtype", "big"),
    [("MET_UCHAR", "u1", False), ("MET_SHORT", "<i2", False), ("MET_USHORT", ">u2", True), ("MET_FLOAT", "<f4", False)],
)
def test_types_and_byte_orders(tmp_path, kind, dtype, big):
    data = LABELS.astype(dtype).tobytes()
    raw = read(header(tmp_path / "a.mha", data, ElementType=kind, BinaryDataByteOrderMSB=str(big)))
    np.testing.assert_array_equal(raw.array, LABELS)


@pytest.mark.parametrize("skip", [0, 16, -1])
def test_data_in_a_file_beside_the_header(tmp_path, skip):
    (tmp_path / "voxels.bin").write_bytes(bytes(16 if skip else 0) + LABELS.tobytes())
    raw = read_raw(header(tmp_path / "a.mhd", ElementDataFile="voxels.bin", HeaderSize=skip))
    np.testing.assert_array_equal(raw.array, LABELS)


def test_sizes_and_origin_in_the_unit_that_is_said(tmp_path):
    about = {"ElementSpacing": "0.4 0.5 2", "Offset": "1 2 3"}
    raw = read(header(tmp_path / "a.mha", LABELS.tobytes(), DistanceUnits="um", **about))
    assert (raw.voxel_size, raw.unit, raw.origin) == ((2, 0.5, 0.4), "micrometer", (3, 2, 1))
    raw = read(header(tmp_path / "b.mha", LABELS.tobytes(), **about))
    assert raw.voxel_size is None
    assert "2 × 0.5 × 0.4 (z, y, x) without a unit of length" in raw.said()[0]
    assert read(header(tmp_path / "c.mha", LABELS.tobytes(), ElementSpacing="1 1 1")).said() == ()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"DimSize": "7 5 7"}, "has .* bytes, but by .* it holds 7 × 5 × 7"),
        ({"DimSize": "1000000 1000000 1000000"}, "cut off or belongs to another file"),
        ({"DimSize": "7 x 6"}, "is not a MetaImage header that can be read"),
        ({"DimSize": "7 0 6"}, "one channel of whole numbers"),
        ({"DimSize": "7 5 6 2"}, "one channel of whole numbers"),
        ({"ElementNumberOfChannels": 3}, "describes 3 channels"),
        ({"ElementType": "MET_STRING"}, "of MET_STRING"),
        ({"CompressedData": "True"}, "holds compressed data"),
        ({"ElementDataFile": "/etc/hostname"}, "one file next to the header is expected"),
        ({"ElementDataFile": "../x.raw"}, "one file next to the header is expected"),
        ({"ElementDataFile": "x%03d.raw 1 6 1"}, "one file next to the header is expected"),
        ({"ElementDataFile": "x.raw"}, "which is not there"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, fields, said):
    with pytest.raises(UserError, match=said):
        read(header(tmp_path / "a.mha", LABELS.tobytes(), **fields))


@pytest.mark.parametrize(
    "data", [b"\0" * 3000, b"NDims = 3\n", b"x = 1\n" * 3, b"a" * (1 << 21), b"a = 1\n" * (1 << 18)]
)
def test_what_is_no_header_is_refused(tmp_path, data):
    (tmp_path / "a.mhd").write_bytes(data)
    with pytest.raises(UserError, match="is not a MetaImage header"):
        read_raw(tmp_path / "a.mhd")


def test_a_header_that_other_programs_changed_is_believed_before_our_own_lines(tmp_path):
    volume = LabelArray(LABELS, Grid(LABELS.shape, (1.5, 0.5, 0.5), "nanometer", (9, 9, 9)), default_phases(3))
    write_labels(volume, tmp_path / "a.mha")
    data = (tmp_path / "a.mha").read_bytes()
    assert b"ElementSpacing = 0.0005 0.0005 0.0015\n" in data
    assert max(map(len, data.split(b"ElementDataFile")[0].splitlines())) < 256  # older readers take no longer lines
    assert (read_raw(tmp_path / "a.mha").voxel_size, read_raw(tmp_path / "a.mha").unit) == (
        (1.5, 0.5, 0.5),
        "nanometer",
    )
    (tmp_path / "b.mha").write_bytes(data.replace(b"0.0005 0.0005 0.0015", b"0.0010 0.0010 0.0030"))
    raw = read_raw(tmp_path / "b.mha")
    assert (raw.voxel_size, raw.unit, raw.origin) == ((0.003, 0.001, 0.001), "micrometer", (0.009, 0.009, 0.009))


def test_the_two_file_form_is_written_by_way_of_raw(tmp_path):
    with pytest.raises(UserError, match=r"export a \.raw, which gets a \.mhd next to it"):
        write_labels(LabelArray(LABELS, Grid(LABELS.shape), default_phases(3)), tmp_path / "a.mhd")
