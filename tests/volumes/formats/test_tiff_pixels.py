import numpy as np
import pytest
import tifffile
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.formats.tiff import read
from mesofuse.volumes.labelling import to_labels
from tests.volumes import tiffs

STACK = np.random.default_rng(0).integers(0, 3, (6, 20, 30), dtype=np.uint8)


@pytest.mark.parametrize("axes", ["ZYX", "XYZ", "YXZ", "XZY", "QYX", "IYX"])
def test_axes_are_taken_by_name(tmp_path, axes):
    stored = STACK if axes[0] in "QI" else np.transpose(STACK, ["ZYX".index(a) for a in axes])
    tifffile.imwrite(tmp_path / "a.tif", stored, metadata={"axes": axes}, photometric="minisblack")
    np.testing.assert_array_equal(read(str(tmp_path / "a.tif")).array, STACK)


@pytest.mark.parametrize("order", ["XYZCT", "XYZTC", "XYCZT", "XYCTZ", "XYTZC", "XYTCZ"])
def test_every_order_of_dimensions_that_ome_has(tmp_path, order):
    axes = order[::-1]
    shape = [{"Z": 6, "Y": 20, "X": 30}.get(a, 1) for a in axes]
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK.reshape(shape), metadata={"axes": axes}, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        assert f'DimensionOrder="{order}"' in tif.ome_metadata
    raw = read(str(tmp_path / "a.ome.tif"))
    np.testing.assert_array_equal(raw.array, STACK)
    assert raw.notes == ()


@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_one_time_and_one_channel_are_dropped_and_more_are_refused(tmp_path, kind):
    path = str(tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif"))
    many = np.stack([STACK, STACK])
    for axes, shape in (("TZCYX", (1, 6, 1, 20, 30)), ("ZCYX", (6, 1, 20, 30))):
        tifffile.imwrite(path, STACK.reshape(shape), metadata={"axes": axes}, **{kind: True})
        np.testing.assert_array_equal(read(path).array, STACK)
    for axes, array, said in (
        ("TZYX", many, "T=2, Z=6"),
        ("ZCYX", many.swapaxes(0, 1), "Z=6, C=2"),
        ("TYX", STACK, r"holds 6 times.*save one of them alone.*axes ZYX.*Image > Properties"),
    ):
        tifffile.imwrite(path, array, metadata={"axes": axes}, **{kind: True})
        with pytest.raises(UserError, match=said):
            read(path)


@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_slices_that_tifffile_tags_as_channels_by_default(tmp_path, kind):
    path = str(tmp_path / "a.tif")
    for slices in (2, 3, 4, 6):
        tifffile.imwrite(path, STACK[:slices], **{kind: True})
        raw = read(path)
        np.testing.assert_array_equal(raw.array, STACK[:slices])
        assert f"its {slices} planes are tagged as channels" in raw.notes[0]
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 255, (3, 20, 30), np.uint8), **{kind: True})
    with pytest.raises(UserError, match="holds 3 channels"):
        read(path)


def test_an_axis_without_rows_or_columns_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, metadata={"axes": "ZTX"}, photometric="minisblack")
    with pytest.raises(UserError, match="names its axes ZTX, without rows"):
        read(str(tmp_path / "a.tif"))


# --- pages appended one by one ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"compression": "zlib"}, {"photometric": "miniswhite"}])
def test_pages_that_were_appended_are_one_stack(tmp_path, options):
    path = str(tmp_path / "a.tif")
    for plane in STACK:
        tifffile.imwrite(path, plane, append=True, **options)
    np.testing.assert_array_equal(read(path).array, STACK)
    assert to_labels(read(path))[0].grid.shape == STACK.shape


def test_appended_pages_of_unlike_kinds_keep_the_order_of_the_file(tmp_path):
    path = str(tmp_path / "a.tif")
    for i, plane in enumerate(STACK):
        tifffile.imwrite(path, plane, append=True, compression="zlib" if i % 3 else None)
    np.testing.assert_array_equal(read(path).array, STACK)


def test_appended_pages_of_unlike_photometric_tags_are_read_as_they_look(tmp_path):
    path = str(tmp_path / "a.tif")
    for i, plane in enumerate(STACK):
        odd = {"photometric": "miniswhite"} if i % 2 else {}
        tifffile.imwrite(path, 255 - plane if i % 2 else plane, append=True, software=False, **odd)
    np.testing.assert_array_equal(read(path).array, STACK)


def test_appended_stacks_and_appended_types_are_refused(tmp_path):
    path = str(tmp_path / "a.tif")
    for _ in range(2):
        tifffile.imwrite(path, STACK, append=True)
    with pytest.raises(UserError, match=r"holds 2 images .*save the stack alone"):
        read(path)
    path = str(tmp_path / "b.tif")
    tifffile.imwrite(path, STACK[0])
    tifffile.imwrite(path, STACK[0].astype(np.uint16), append=True)
    with pytest.raises(UserError, match="not alike"):
        read(path)


# --- zero as white ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"metadata": None}, {"ome": True}])
def test_a_mask_that_tifffile_saved_is_the_mask(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", STACK > 1, **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.pages[0].photometric == 0
    labels, mapping = to_labels(read(str(tmp_path / "a.tif")))
    np.testing.assert_array_equal(labels.array, STACK > 1)
    assert any("tifffile wrote it" in note for note in mapping.notes)


def test_imagej_means_stored_values_and_pillow_what_it_shows(tmp_path):
    path = str(tmp_path / "a.tif")
    meta = {"axes": "ZYX"}
    tifffile.imwrite(path, STACK, imagej=True, photometric="miniswhite", software=False, metadata=meta)
    np.testing.assert_array_equal(read(path).array, STACK)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "group4"):
        mask = STACK[0] > 1
        image = Image.fromarray(mask if compression == "group4" else STACK[0])
        image.save(path, compression=compression, tiffinfo={262: 0})
        with tifffile.TiffFile(path) as tif:
            assert tif.pages[0].photometric == 0
        np.testing.assert_array_equal(read(path).array, mask if compression == "group4" else STACK[0])


# --- samples of a pixel -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("compression", ["none", "lzw", "deflate"])
def test_grey_and_opacity_is_one_plane(tmp_path, planar, compression):
    samples = np.stack([STACK, np.full_like(STACK, 255)], -1)
    path = tmp_path / "a.tif"
    tiffs.write(path, samples[:1], planar=planar, extra=[2], compression=compression)
    np.testing.assert_array_equal(read(str(path)).array, STACK[0])
    tiffs.write(path, samples, planar=planar, extra=[1], compression=compression)
    raw = read(str(path))
    np.testing.assert_array_equal(raw.array, STACK)
    assert raw.mask is None


def test_samples_of_unknown_meaning_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tiffs.write(path, np.stack([STACK, STACK], -1), extra=[0])
    with pytest.raises(UserError, match="holds 2 values per pixel and does not say what they mean"):
        read(str(path))
    tiffs.write(path, np.stack([STACK] * 4, -1), photometric=5)
    with pytest.raises(UserError, match="colours as SEPARATED; save them as RGB"):
        read(str(path))


def test_planes_that_are_tagged_as_samples_are_slices(tmp_path):
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, STACK, photometric="minisblack", planarconfig="separate")
    raw = read(path)
    np.testing.assert_array_equal(raw.array, STACK)
    assert "read as slices" in raw.notes[0]


# --- OME-TIFF of several files ----------------------------------------------------------------------------------------


def several(tmp_path, names):
    """Write an OME-TIFF with a plane a file."""
    planes = "".join(
        f'<TiffData FirstZ="{i}" IFD="0" PlaneCount="1"><UUID FileName="{n}">urn:uuid:{i:032x}</UUID></TiffData>'
        for i, n in enumerate(names)
    )
    for i, name in enumerate(names):
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{i:032x}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
            f'SizeX="30" SizeY="20" SizeZ="{len(names)}" SizeC="1" SizeT="1">{planes}</Pixels></Image></OME>'
        )
        tifffile.imwrite(tmp_path / name, STACK[i], description=xml, metadata=None)


def test_an_ome_tiff_of_several_files_is_read_whole_and_said(tmp_path):
    names = [f"z{i}.ome.tif" for i in range(6)]
    several(tmp_path, names)
    raw = read(str(tmp_path / names[2]))
    np.testing.assert_array_equal(raw.array, STACK)
    assert "one of 6 files of one OME-TIFF" in raw.notes[0]
    (tmp_path / names[4]).unlink()
    with pytest.raises(UserError, match=r"of which 1 are missing here \(z4\.ome\.tif\)"):
        read(str(tmp_path / names[0]))
