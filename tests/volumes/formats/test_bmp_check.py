import struct

import numpy as np
import pytest
from PIL import Image

from mesofuse.errors import UserError
from mesofuse.volumes.formats.bmp_check import check_bmp
from mesofuse.volumes.formats.image import read


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P"])
@pytest.mark.parametrize("shape", [(12, 16), (7, 13), (1, 5)])
def test_what_pillow_writes_passes(tmp_path, mode, shape):
    Image.fromarray(np.random.default_rng(0).integers(2, size=shape, dtype=np.uint8) * 255).convert(mode).save(
        tmp_path / "a.bmp"
    )
    check_bmp(str(tmp_path / "a.bmp"))
    assert read(str(tmp_path / "a.bmp")).array.shape[:2] == shape


@pytest.mark.parametrize("place", [18, 22])
def test_fewer_rows_or_columns_than_there_are_pixels_are_refused(tmp_path, place):
    path = tmp_path / "a.bmp"
    Image.fromarray(np.zeros((12, 64), np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    data[place : place + 4] = struct.pack("<i", 3)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"a\.bmp .*go on \d+ bytes beyond what its header says"):
        read(str(path))


def test_other_files_pass(tmp_path):
    (tmp_path / "a.bmp").write_bytes(b"BM")
    (tmp_path / "b.bmp").write_bytes(bytes(100))
    check_bmp(str(tmp_path / "a.bmp"))
    check_bmp(str(tmp_path / "b.bmp"))
