import numpy as np
import pytest
import tifffile
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import write_labels
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray

SHAPES = {"grey": (70, 9, 8), "colour": (3, 70, 9, 8)}


def volume(content, planes=70):
    array = np.random.default_rng(0).integers(0, 256, SHAPES[content]).astype(np.uint8)[..., :planes, :, :]
    return LabelArray(array, Grid(array.shape[-3:], (0.5, 0.4, 0.3), "micrometer"), ())


def last(array):
    return np.moveaxis(array, 0, -1) if array.ndim == 4 else array


@pytest.mark.parametrize("content", SHAPES)
def test_a_tiff_stack_holds_values_and_voxel_size(tmp_path, content):
    given = volume(content)
    write_labels(given, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert np.array_equal(tif.asarray(), last(given.array))
        assert tif.imagej_metadata["spacing"] == 0.5
        assert tif.pages.first.resolution == pytest.approx((1 / 0.3, 1 / 0.4))


@pytest.mark.parametrize("content", SHAPES)
def test_an_array_a_folder_and_a_picture_hold_the_values(tmp_path, content):
    given = volume(content)
    write_labels(given, tmp_path / "a.npy")
    assert np.array_equal(np.load(tmp_path / "a.npy"), last(given.array))
    write_labels(given, f"{tmp_path}/planes/")
    names = sorted(p.name for p in (tmp_path / "planes").iterdir())
    assert (len(names), names[-1]) == (70, "z0069.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "planes" / names[69])), last(given.array)[69])
    write_labels(volume(content, 1), tmp_path / "one.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "one.png")), last(given.array)[0])


def test_what_can_not_hold_them_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match="format vti is written for phases alone"):
        write_labels(volume("grey"), tmp_path / "a.vti")
    with pytest.raises(UserError, match="format zarr is written for phases alone"):
        write_labels(volume("colour"), tmp_path / "a.zarr")
    with pytest.raises(UserError, match="holds one plane, not 70"):
        write_labels(volume("grey"), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
