import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.formats.image import read, write
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases

PLANE = np.random.default_rng(0).integers(0, 3, (20, 30), dtype=np.uint8)
ONE = LabelArray(PLANE[None], Grid((1, 20, 30)), default_phases(3))


@pytest.mark.parametrize("name", ["a.png", "a.bmp"])
def test_an_image_of_labels_keeps_its_labels_and_shows_the_colours(tmp_path, name):
    write(ONE, str(tmp_path / name))
    raw = read(str(tmp_path / name))
    np.testing.assert_array_equal(raw.array, PLANE)
    shown = np.asarray(Image.open(tmp_path / name).convert("RGB"))
    assert tuple(shown[0, 0]) == ONE.phases[PLANE[0, 0]].rgb


@pytest.mark.parametrize(
    ("mode", "array"),
    [("1", PLANE > 0), ("L", PLANE), ("I;16", PLANE.astype(np.uint16) * 300), ("LA", PLANE), ("P", PLANE)],
)
def test_pixel_types(tmp_path, mode, array):
    image = Image.fromarray(array) if mode in ("I;16", "1") else Image.fromarray(array).convert("L")
    if mode == "LA":
        image.putalpha(255)
    if mode == "P":
        image.putpalette([9, 9, 9, 5, 5, 5, 0, 0, 0])
    image.save(tmp_path / "a.png")
    raw = read(str(tmp_path / "a.png"))
    assert not raw.color
    np.testing.assert_array_equal(raw.array, array)


def test_colour_is_said(tmp_path):
    Image.fromarray(np.stack([PLANE * 80] * 3, -1)).save(tmp_path / "a.png")
    raw = read(str(tmp_path / "a.png"))
    assert (raw.color, raw.array.shape) == (True, (20, 30, 3))


def test_a_jpeg_that_blurred_the_labels_is_refused(tmp_path):
    Image.fromarray(PLANE * 100).save(tmp_path / "a.jpg", quality=75)
    with pytest.raises(UserError, match=r"JPEG with .* grey values.*PNG or TIFF"):
        to_labels(read(str(tmp_path / "a.jpg")))
    halves = np.repeat(np.array([0, 255], np.uint8), 16)[None].repeat(16, 0)  # edges on JPEG's blocks survive
    Image.fromarray(halves).save(tmp_path / "b.jpg", quality=95)
    np.testing.assert_array_equal(to_labels(read(str(tmp_path / "b.jpg")))[0].array[0], halves > 0)


def test_colours_of_16_bits_are_refused_rather_than_rounded(tmp_path):
    size, rows = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0), zlib.compress(bytes(13))
    parts = [(b"IHDR", size), (b"IDAT", rows), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(UserError, match="16 bits, which can't be read exactly"):
        read(str(tmp_path / "a.png"))


def test_a_truncated_image_is_one_sentence(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for keep in (10, len(data) // 2):
        (tmp_path / "a.png").write_bytes(data[:keep])
        with pytest.raises(UserError, match=r"a\.png is not an image that can be read, or is cut off"):
            read(str(tmp_path / "a.png"))


def test_volumes_and_jpeg_are_not_written(tmp_path):
    with pytest.raises(UserError, match="one plane, not 2"):
        write(LabelArray(np.zeros((2, 3, 3), np.uint8), Grid((2, 3, 3)), default_phases(1)), str(tmp_path / "a.png"))
    with pytest.raises(UserError, match="JPEG blurs"):
        write(ONE, str(tmp_path / "a.jpg"))
