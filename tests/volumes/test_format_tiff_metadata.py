import numpy as np
import pytest
import tifffile

from mesofuse.volumes import format_tiff
from mesofuse.volumes.format_tiff import read
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
