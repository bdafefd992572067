import numpy as np
import pytest
import tifffile
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.formats.tiff import read
from mesofuse.volumes.formats.tiff_decoding import opened
from mesofuse.volumes.intensities import read_intensities
from mesofuse.volumes.labelling import to_labels
from tests.volumes import tiffs

STACK = np.random.default_rng(0).integers(0, 3, (3, 33, 41), dtype=np.uint8)


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 10, 12, 14])
@pytest.mark.parametrize("order", ["<", ">"])
def test_samples_of_any_number_of_bits(tmp_path, bits, order):
    values = np.random.default_rng(bits).integers(0, 2**bits, (3, 33, 41)).astype(np.uint8 if bits < 8 else np.uint16)
    tiffs.write(tmp_path / "a.tif", values, bits=bits, compression="lzw", order=order)
    raw = read(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(raw.array, values)
    assert (raw.bits, raw.array.dtype.itemsize) == (bits, 1 if bits < 8 else 2)


def test_tags_stay_what_they_are(tmp_path):
    meta = "ImageJ=1.54f\nimages=3\nslices=3\nunit=um\nspacing=2.0\n"
    tiffs.write(tmp_path / "a.tif", STACK, compression="lzw", description=meta)
    with opened(str(tmp_path / "a.tif")) as (tif, bits, lossy):
        assert tif.is_imagej
        assert (tif.imagej_metadata["spacing"], bits, lossy) == (2.0, 8, "")
    np.testing.assert_array_equal(read(str(tmp_path / "a.tif")).array, STACK)


def test_an_ome_tiff_of_several_compressed_files_is_not_read_in_part(tmp_path):
    places = "".join(
        f'<TiffData FirstZ="{i}"><UUID FileName="{i}.tif">urn:uuid:{i:032x}</UUID></TiffData>' for i in (0, 1)
    )
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="41" SizeY="33" SizeZ="2" SizeC="1" SizeT="1">'
        f"{places}</Pixels></Image></OME>"
    )
    for i in (0, 1):
        tiffs.write(tmp_path / f"{i}.tif", STACK[i : i + 1], compression="lzw", description=xml)
    with pytest.raises(UserError, match="one of several files of one OME-TIFF, compressed with LZW"):
        read(str(tmp_path / "0.tif"))


def test_what_tifffile_decodes_is_left_to_it(tmp_path):
    tiffs.write(tmp_path / "a.tif", STACK, compression="deflate")
    with opened(str(tmp_path / "a.tif")) as (tif, _, _):
        assert tif.filehandle.is_file


def test_pages_in_a_circle_have_an_end(tmp_path):
    tiffs.write(tmp_path / "a.tif", STACK)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[-4:] = data[4:8]
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(UserError, match="list of pages runs in a circle"):
        read(str(tmp_path / "a.tif"))


@pytest.mark.parametrize("tags", [{}, {"tile": 48}])
def test_jpeg_in_a_tiff_is_jpeg(tmp_path, tags):
    codes = np.array([0, 127, 254], np.uint8)[STACK]
    tiffs.write(tmp_path / "a.tif", codes, compression="jpeg", **tags)
    with pytest.raises(UserError, match=r"a\.tif is a JPEG with"):
        to_labels(read(str(tmp_path / "a.tif")))
    found, _ = read_intensities({"zyx": str(tmp_path / "a.tif")}, "grey")
    assert found["zyx"].array.shape == STACK.shape
    assert np.abs(found["zyx"].array.astype(int) - codes).mean() < 40


def test_colours_in_a_jpeg_in_a_tiff(tmp_path):
    photo = np.random.default_rng(0).integers(0, 256, (32, 48, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "a.tif", compression="jpeg")
    shown = np.asarray(Image.open(tmp_path / "a.tif").convert("RGB"))
    found, _ = read_intensities({"zyx": str(tmp_path / "a.tif")}, "colour")
    np.testing.assert_array_equal(found["zyx"].array[:, 0], np.moveaxis(shown, -1, 0))
    with pytest.raises(UserError, match="JPEG in colours"):
        to_labels(read(str(tmp_path / "a.tif")))


def test_what_no_library_here_decodes_is_said(tmp_path):
    if 34712 in tifffile.TIFF.DECOMPRESSORS:
        pytest.skip("imagecodecs is installed")
    tiffs.write(tmp_path / "a.tif", STACK)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tif:
        for page in tif.pages:
            page.tags["Compression"].overwrite(34712)
    with pytest.raises(UserError, match=r"can't be read here \(JPEG2000\): save it uncompressed or with deflate"):
        read(str(tmp_path / "a.tif"))


@pytest.mark.parametrize("compression", ["lzw", "deflate"])
def test_a_strip_that_is_cut_off_is_damage(tmp_path, compression):
    tiffs.write(tmp_path / "a.tif", STACK, compression=compression, bits=4)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tif:
        tag = tif.pages[1].tags["StripByteCounts"]
        tag.overwrite((tag.value[0] // 3,))
    with pytest.raises(UserError, match=r"a\.tif is not a TIFF that can be read, or is cut off"):
        read(str(tmp_path / "a.tif"))
