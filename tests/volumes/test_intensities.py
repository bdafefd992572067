import numpy as np
import pytest
import tifffile
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.intensities import LUMINANCE, read_intensities


def grey(shape=(20, 24), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def read(path, content, **more):
    found, notes = read_intensities({"zyx": str(path)}, content, **more)
    return found["zyx"], notes


def test_grey_values_of_one_byte_stay_as_they_are(tmp_path):
    values = grey()
    Image.fromarray(values).save(tmp_path / "a.png")
    image, notes = read(tmp_path / "a.png", "grey", voxel_size=(1.0, 0.5, 0.5))
    assert np.array_equal(image.array, values[None])
    assert (image.phases, image.grid.shape, notes) == ((), (1, 20, 24), [])
    assert image.grid.voxel_size == (1.0, 0.5, 0.5)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_have_a_leading_axis_and_lose_transparency(tmp_path, mode):
    values = grey((20, 24, len(mode)))
    Image.fromarray(values, mode).save(tmp_path / "a.png")
    image, _ = read(tmp_path / "a.png", "colour")
    assert np.array_equal(image.array, np.moveaxis(values[..., :3], -1, 0)[:, None])
    assert image.grid.shape == (1, 20, 24)


def test_colours_become_grey_by_luminance_and_it_is_said(tmp_path):
    values = grey((20, 24, 3))
    Image.fromarray(values).save(tmp_path / "a.png")
    image, notes = read(tmp_path / "a.png", "grey")
    assert np.array_equal(image.array[0], np.rint(values @ np.array(LUMINANCE)).astype(np.uint8))
    assert "luminance" in notes[0]


def test_a_palette_is_read_as_it_looks(tmp_path):
    picture = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4) % 2, "P")
    picture.putpalette([200, 10, 20, 0, 0, 90])
    picture.save(tmp_path / "a.png")
    image, _ = read(tmp_path / "a.png", "colour")
    assert image.array[:, 0, 0, 0].tolist() == [200, 10, 20]


def test_a_jpeg_is_a_photograph(tmp_path):
    Image.fromarray(grey()).save(tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg", "grey")[0].array.shape == (1, 20, 24)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_other_numbers_are_scaled_by_their_range_and_it_is_said(tmp_path, dtype):
    values = np.linspace(0, 4000, 480).reshape(20, 24).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    image, notes = read(tmp_path / "a.tif", "grey")
    assert np.array_equal(image.array[0], np.rint(values.astype(float) * 255 / values.max()).astype(np.uint8))
    assert "0 to 4000 became 0 to 255" in notes[0]


def test_images_of_several_directions_are_scaled_alike(tmp_path):
    for name, high in (("a", 1000), ("b", 4000)):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.linspace(0, high, 480).reshape(20, 24).astype(np.uint16))
    found, _ = read_intensities({"zy": str(tmp_path / "a.tif"), "x": str(tmp_path / "b.tif")}, "grey")
    assert (found["zy"].array.max(), found["x"].array.max()) == (64, 255)


def test_an_array_whose_last_axis_is_three_holds_colours_where_they_are_asked_for(tmp_path):
    values = grey((5, 20, 3))
    np.save(tmp_path / "a.npy", values)
    assert read(tmp_path / "a.npy", "colour")[0].array.shape == (3, 1, 5, 20)
    assert read(tmp_path / "a.npy", "grey")[0].array.shape == (5, 20, 3)


def test_a_segmented_image_may_be_taken_for_grey_values(tmp_path):
    values = grey() % 3
    np.save(tmp_path / "a.npy", values)
    assert np.array_equal(read(tmp_path / "a.npy", "grey")[0].array[0], values)


@pytest.mark.parametrize(
    ("values", "content", "text"),
    [
        (np.full((20, 24), np.nan, np.float32), "grey", "NaN or infinite"),
        (np.full((20, 24), 7, np.uint8), "grey", "shows nothing"),
        (np.full((20, 24), 7, np.uint16), "grey", "shows nothing"),
        (np.full((20, 24, 3), 7, np.uint8), "colour", "shows nothing"),
        (grey(), "colour", "give --content grey"),
        (grey((2, 3, 20, 24)), "grey", r"has the shape \(2, 3, 20, 24\)"),
        (np.zeros((0, 24), np.uint8), "grey", "is empty"),
        (np.zeros((20, 24), np.complex64), "grey", "complex64 values"),
    ],
)
def test_what_is_no_such_image_is_refused(tmp_path, values, content, text):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(UserError, match=text):
        read(tmp_path / "a.npy", content)


def test_unlike_types_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", grey())
    np.save(tmp_path / "b.npy", grey().astype(np.uint16))
    with pytest.raises(UserError, match="save all images with one type"):
        read_intensities({"zy": str(tmp_path / "a.npy"), "x": str(tmp_path / "b.npy")}, "grey")


def test_a_picture_that_is_cut_off_is_refused(tmp_path):
    Image.fromarray(grey((200, 200))).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:2000])
    with pytest.raises(UserError, match="cut off"):
        read(tmp_path / "a.png", "grey")
