import numpy as np
import pytest
import tifffile
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.formats import tiff as format_tiff
from mesofuse.volumes.formats.tiff import read
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

STACK = np.random.default_rng(0).integers(0, 3, (6, 20, 30), dtype=np.uint8)
VOLUME = LabelArray(STACK, Grid(STACK.shape, (1.3, 0.37, 0.4), "micrometer", (1.0, 0.0, 0.0)), default_phases(3))


def test_imagej_sees_voxel_size_and_unit(tmp_path):
    path = str(tmp_path / "a.tif")
    format_tiff.write(VOLUME, path)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_imagej
        assert tif.imagej_metadata["spacing"] == 1.3
        assert tif.imagej_metadata["unit"] == "um"
        assert tif.imagej_metadata["slices"] == 6
        x, y = tif.pages[0].resolution
        assert (1 / y, 1 / x) == (pytest.approx(0.37), pytest.approx(0.4))
    np.testing.assert_array_equal(tifffile.imread(path), STACK)


def test_a_volume_above_4_gb_is_a_bigtiff_with_ome_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(format_tiff, "_BIG", 100)
    path = str(tmp_path / "a.tif")
    format_tiff.write(VOLUME, path)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_bigtiff
        assert 'PhysicalSizeZ="1.3"' in tif.ome_metadata
        assert 'PhysicalSizeZUnit="µm"' in tif.ome_metadata
    raw = read(path)
    np.testing.assert_array_equal(raw.array, STACK)
    assert (raw.voxel_size, raw.unit, raw.origin) == ((1.3, 0.37, 0.4), "micrometer", (1.0, 0.0, 0.0))
    assert raw.phase_names == ("phase 0", "phase 1", "phase 2")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "raw"])
def test_pages_that_other_programs_wrote(tmp_path, compression):
    path = str(tmp_path / "a.tif")
    with_pillow(path, compression)
    np.testing.assert_array_equal(read(path).array, STACK)
    Image.fromarray(STACK[0]).save(path, compression=compression)
    np.testing.assert_array_equal(read(path).array, STACK[0])


@pytest.mark.parametrize("byteorder", [">", "<"])
def test_16_bit_stacks_in_either_byte_order(tmp_path, byteorder):
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, STACK.astype(np.uint16) * 300, byteorder=byteorder)
    np.testing.assert_array_equal(read(path).array, STACK.astype(int) * 300)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colours_come_last(tmp_path, planar):
    rgb = np.random.default_rng(0).integers(0, 256, (6, 20, 30, 3), dtype=np.uint8)
    path = str(tmp_path / "a.tif")
    data = rgb if planar == "contig" else np.moveaxis(rgb, -1, 1)
    tifffile.imwrite(path, data, photometric="rgb", planarconfig=planar)
    raw = read(path)
    assert raw.color
    np.testing.assert_array_equal(raw.array, rgb)


def test_an_uncompressed_stack_is_mapped_not_loaded(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK)
    assert isinstance(read(str(tmp_path / "a.tif")).array, np.memmap)


def test_more_axes_than_a_volume_are_refused(tmp_path):
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, np.stack([STACK, STACK]), imagej=True, metadata={"axes": "TZYX"})
    with pytest.raises(UserError, match=r"more axes than a volume \(T=2, Z=6"):
        read(path)
    tifffile.imwrite(path, STACK[:, None], imagej=True, metadata={"axes": "ZCYX"})
    np.testing.assert_array_equal(read(path).array, STACK)


def test_pages_of_unlike_size_are_refused(tmp_path):
    path = str(tmp_path / "a.tif")
    with tifffile.TiffWriter(path) as writer:
        writer.write(STACK[0])
        writer.write(STACK[0, :5])
    with pytest.raises(UserError, match=r"holds 2 images of unlike size \(20×30, 5×30\)"):
        read(path)


def with_pillow(path, compression="raw"):
    pages = [Image.fromarray(p) for p in STACK]
    pages[0].save(path, save_all=True, append_images=pages[1:], compression=compression)


WRITERS = {
    "imagej": lambda p: format_tiff.write(VOLUME, p),
    "ome": lambda p: tifffile.imwrite(p, STACK, ome=True),
    "one IFD": lambda p: tifffile.imwrite(p, STACK),
    "zlib": lambda p: tifffile.imwrite(p, STACK, compression="zlib"),
    "pages": lambda p: tifffile.imwrite(p, STACK, metadata=None),
    "pillow": with_pillow,
    "lzw": lambda p: with_pillow(p, "tiff_lzw"),
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("keep", [0.01, 0.3, 0.5, 0.8, 0.99])
def test_a_truncated_file_is_never_taken_for_a_smaller_volume(tmp_path, writer, keep):
    path = tmp_path / "a.tif"
    WRITERS[writer](str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    said, array = "", None
    try:
        array = read(str(path)).array
    except UserError as error:
        said = str(error)
    if array is None:
        assert str(path) in said
        assert "\n" not in said
    else:
        np.testing.assert_array_equal(array, STACK)  # cut within metadata that nothing depends on
