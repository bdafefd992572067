import numpy as np
import pytest
import tifffile

from mesofuse.volumes.formats import tiff as format_tiff
from mesofuse.volumes.formats.tiff import read
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

STACK = np.random.default_rng(0).integers(0, 3, (6, 20, 30), dtype=np.uint8)
VOLUME = LabelArray(STACK, Grid(STACK.shape, (1.3, 0.37, 0.4), "micrometer", (1.0, 0.0, 0.0)), default_phases(3))


def resaved(path, array, **metadata):
    """Save as ImageJ does after an edit: it keeps the note of the file that it opened."""
    with tifffile.TiffFile(path) as tif:
        info = tif.imagej_metadata["Info"]
    size = {"axes": "ZYX", "spacing": 1.3, "unit": "um", **metadata}
    resolution = size.pop("resolution", (1 / 0.4, 1 / 0.37))
    tifffile.imwrite(path, array, imagej=True, resolution=resolution, metadata={**size, "Info": info})
    return read(path)


def test_a_note_that_an_edit_made_stale_is_not_believed(tmp_path):
    path = str(tmp_path / "a.tif")
    format_tiff.write(VOLUME, path)
    same = resaved(path, STACK)
    assert (same.voxel_size, same.origin) == ((1.3, 0.37, 0.4), (1.0, 0.0, 0.0))
    cropped = resaved(path, STACK[:, :10])
    assert (cropped.voxel_size, cropped.origin) == (pytest.approx((1.3, 0.37, 0.4)), (0.0, 0.0, 0.0))
    rescaled = resaved(path, STACK, spacing=2.6, resolution=(1 / 0.8, 1 / 0.74))
    assert rescaled.voxel_size == pytest.approx((2.6, 0.74, 0.8))
    other_unit = resaved(path, STACK, unit="nm")
    assert other_unit.unit == "nanometer"
    assert len(other_unit.phase_names) == 3
    assert resaved(path, STACK, unit="pixel").voxel_size is None


@pytest.mark.parametrize(
    ("unit", "spacing", "size", "name"),
    [
        ("micron", {"spacing": 2.0}, (2.0, 0.25, 0.5), "micrometer"),
        ("\\u00B5m", {"spacing": 2.0}, (2.0, 0.25, 0.5), "micrometer"),
        ("nm", {}, (1.0, 0.25, 0.5), "nanometer"),  # ImageJ leaves out a depth of 1
        ("pixel", {"spacing": 2.0}, None, None),
        ("", {"spacing": 2.0}, None, None),
        ("bananas", {}, None, None),
    ],
)
def test_sizes_of_imagej_files(tmp_path, unit, spacing, size, name):
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, STACK, imagej=True, resolution=(2, 4), metadata={"axes": "ZYX", "unit": unit, **spacing})
    raw = read(path)
    assert (raw.voxel_size, raw.unit) == (size, name)


def test_sizes_of_ome_files_in_unlike_units(tmp_path):
    path = str(tmp_path / "a.ome.tif")
    meta = {"PhysicalSizeX": 0.4, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 400, "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(path, STACK, metadata={"axes": "ZYX", **meta, "PhysicalSizeZ": 2})
    raw = read(path)
    assert (raw.voxel_size, raw.unit) == ((2.0, 0.4, 0.4), "micrometer")
    tifffile.imwrite(path, STACK, metadata={"axes": "ZYX"})
    assert read(path).voxel_size is None


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        ((50000, 25000), "CENTIMETER", (0.4, 0.4, 0.2)),
        ((254000, 254000), "INCH", (0.1, 0.1, 0.1)),
        ((300, 300), "INCH", None),  # for printing
        ((28.35, 28.35), "CENTIMETER", None),  # 72 dpi
        ((4, 4), "NONE", None),
    ],
)
def test_baseline_resolution(tmp_path, resolution, unit, size):
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, STACK[0], resolution=resolution, resolutionunit=unit, metadata=None)
    raw = read(path)
    assert raw.voxel_size == (size and pytest.approx(size))
    assert raw.unit == (size and "micrometer")


@pytest.mark.parametrize("unit", ["microns", "micrometers", "Micron", "µm", "\\u00B5m", "μm", "um "])
def test_imagej_in_any_spelling_of_micrometres(tmp_path, unit):
    path = str(tmp_path / "a.tif")
    text = f"ImageJ=1.54f\nimages=6\nslices=6\nunit={unit}\nspacing=0.4\nloop=false\n"
    extra = [(270, 2, 0, text.encode("cp1252" if "μ" not in unit else "utf-8"), True)]
    tifffile.imwrite(path, STACK, resolution=(2.5, 2.5), resolutionunit=1, metadata=None, extratags=extra)
    raw = read(path)
    assert (raw.voxel_size, raw.unit, raw.said()) == ((0.4, 0.4, 0.4), "micrometer", ())


def test_imagej_axes_with_units_of_their_own(tmp_path):
    path = str(tmp_path / "a.tif")
    units = {"unit": "um", "yunit": "nm", "zunit": "mm"}
    tifffile.imwrite(
        path, STACK, imagej=True, resolution=(2.5, 0.0025), metadata={"axes": "ZYX", "spacing": 0.001, **units}
    )
    assert (read(path).voxel_size, read(path).unit) == ((1.0, 0.4, 0.4), "micrometer")


@pytest.mark.parametrize(
    ("unit", "spacing", "resolution", "note"),
    [
        ("bananas", {"spacing": 2.0}, (2, 4), "its unit 'bananas' is not a known unit of length"),
        ("", {"spacing": 2.0}, (2, 4), "it gives its voxels as 2 × 0.25 × 0.5 (z, y, x) without a unit of length"),
        ("inch", {}, (72, 72), "its resolution, 72 pixels per inch, is that of a print rather than of the specimen"),
        (
            "cm",
            {},
            (28.35, 28.35),
            "its resolution, 72 pixels per inch, is that of a print rather than of the specimen",
        ),
    ],
)
def test_calibrations_of_imagej_that_are_no_voxel_size(tmp_path, unit, spacing, resolution, note):
    path = str(tmp_path / "a.tif")
    meta = {"axes": "ZYX", "unit": unit, **spacing}
    tifffile.imwrite(path, STACK, imagej=True, resolution=resolution, metadata=meta)
    raw = read(path)
    assert (raw.voxel_size, raw.said()) == (None, (f"{note}, so its voxel size is unknown",))


def test_a_depth_that_imagej_leaves_out_is_said(tmp_path):
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, STACK, imagej=True, resolution=(2.5, 2.5), metadata={"axes": "ZYX", "unit": "um"})
    raw = read(path)
    assert raw.voxel_size == (1.0, 0.4, 0.4)
    assert raw.said() == ("it does not say how far its planes lie apart, which in ImageJ means 1 µm",)


@pytest.mark.parametrize(
    ("sizes", "size", "notes"),
    [
        ({"Z": (2, "µm"), "Y": (0.0004, "mm"), "X": (4000, "Å")}, (20000, 4000, 4000), 0),
        (
            {"Z": (2, "µm"), "Y": (400, "nm"), "X": (0.4, None)},
            (2, 0.4, 0.4),
            0,
        ),  # micrometres unless it says otherwise
        ({"Y": (0.4, "µm"), "X": (0.4, "µm")}, (0.4, 0.4, 0.4), 1),
        ({"Z": (2, "reference frame"), "Y": (0.4, "µm"), "X": (0.4, "µm")}, None, 1),
        ({"Z": (2, "pixel"), "Y": (0.4, "µm"), "X": (0.4, "µm")}, None, 1),
        ({"Z": (1, "pixel"), "Y": (0.4, "µm"), "X": (0.4, "µm")}, (0.4, 0.4, 0.4), 1),
        ({"Z": (2, "µm"), "X": (0.4, "µm")}, None, 1),
    ],
)
def test_physical_sizes_of_ome(tmp_path, sizes, size, notes):
    path = str(tmp_path / "a.ome.tif")
    meta = {f"PhysicalSize{a}": v for a, (v, _) in sizes.items()}
    meta |= {f"PhysicalSize{a}Unit": u for a, (_, u) in sizes.items() if u}
    tifffile.imwrite(path, STACK, metadata={"axes": "ZYX", **meta})
    raw = read(path)
    assert raw.voxel_size == size
    assert len(raw.said()) == notes


@pytest.mark.parametrize(
    ("resolution", "unit", "notes"),
    [
        ((300, 300), 2, ("its resolution, 300 pixels per inch, is that of a print rather than of the specimen",)),
        ((4, 4), 1, ("its resolution is 4 × 4 pixels (x, y) without a unit of length",)),
        ((1, 1), 1, ()),
        ((72, 72), 1, ()),
    ],
)
def test_resolution_tags_that_are_no_voxel_size(tmp_path, resolution, unit, notes):
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, STACK[0], resolution=resolution, resolutionunit=unit, metadata=None)
    raw = read(path)
    assert (raw.voxel_size, raw.said()) == (None, tuple(f"{n}, so its voxel size is unknown" for n in notes))


@pytest.mark.parametrize(("unit", "size"), [("MILLIMETER", 0.4), ("MICROMETER", 0.4)])
def test_resolution_in_units_that_some_microscopes_write(tmp_path, unit, size):
    path = str(tmp_path / "a.tif")
    per_unit = {"MILLIMETER": 2500, "MICROMETER": 2.5}[unit]
    tifffile.imwrite(path, STACK[0], resolution=(per_unit, per_unit), resolutionunit=unit, metadata=None)
    assert (read(path).voxel_size, read(path).unit) == ((size,) * 3, "micrometer")


def test_resolution_of_a_stack_leaves_its_depth_to_say(tmp_path):
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, STACK, resolution=(25000, 25000), resolutionunit=3, metadata=None)
    raw = read(path)
    assert raw.voxel_size == pytest.approx((0.4, 0.4, 0.4))
    assert "how far its planes lie apart" in raw.said()[0]
