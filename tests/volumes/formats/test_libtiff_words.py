import io
import os

import numpy as np
import pytest
from PIL import Image

from mesofuse.volumes.formats.libtiff_words import heard


def damaged(compression, at):
    """Return a compressed picture with a byte of its data changed."""
    stream = io.BytesIO()
    values = np.random.default_rng(0).integers(0, 2, (64, 64), dtype=np.uint8) * 255
    Image.fromarray(values).convert("1" if "group" in compression else "L").save(
        stream, "TIFF", compression=compression
    )
    data = bytearray(stream.getvalue())
    data[at] ^= 0xFF
    return io.BytesIO(bytes(data))


@pytest.mark.parametrize("compression", ["group4", "tiff_lzw"])
def test_what_libtiff_prints_is_raised(compression, capfd):
    data = damaged(compression, 300)
    with pytest.raises((ValueError, OSError)), heard(), Image.open(data) as image:
        image.load()
    assert capfd.readouterr().err == ""


def test_whole_pictures_pass_and_the_words_of_others_come_through(capfd):
    stream = io.BytesIO()
    Image.new("1", (64, 64)).save(stream, "TIFF", compression="group4")
    with heard(), Image.open(stream) as image:
        image.load()
        os.write(2, b"another thread: done\n")
    assert capfd.readouterr().err == "another thread: done\n"


def test_stderr_comes_back_after_an_error(capfd):
    with pytest.raises(ZeroDivisionError), heard():
        raise ZeroDivisionError
    os.write(2, b"here\n")
    assert capfd.readouterr().err == "here\n"
