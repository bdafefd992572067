import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mesofuse.volumes.formats import png_check
from mesofuse.volumes.formats.png_check import check_png

PIXELS = np.random.default_rng(0).integers(0, 2, (23, 37), dtype=np.uint8) * 255


def png(array=PIXELS, mode="L", **options):
    stream = io.BytesIO()
    Image.fromarray(array).convert(mode).save(stream, "PNG", **options)
    return stream.getvalue()


def chunks(data):
    """Return the chunks of a PNG as [kind, body]."""
    found, at = [], 8
    while at < len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        found.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + size]])
        at += 12 + size
    return found


def joined(parts):
    """Return a PNG of chunks, with right checksums."""
    return png_check.SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_whole_files_of_every_kind_pass(mode, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(mode=mode) if mode != "I;16" else png(PIXELS.astype(np.uint16) * 256, "I;16"))
    check_png(str(path))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 1), (8, 8), (9, 17), (3, 2), (23, 37)])
@pytest.mark.parametrize("bits", [1, 8])
def test_interlaced_pictures_are_counted_by_their_passes(shape, bits, tmp_path):
    values = np.ones(shape, np.uint8)
    rows = b""
    for row, column, down, right in png_check._PASSES:  # as the specification lays them out
        part = values[row::down, column::right]
        if part.size:
            packed = np.packbits(part, axis=1) if bits == 1 else part
            rows += b"".join(b"\0" + line.tobytes() for line in packed)
    header = struct.pack(">IIBBBBB", shape[1], shape[0], bits, 0, 0, 0, 1)
    data = joined([(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])
    with Image.open(io.BytesIO(data)) as image:
        image.load()  # another reader takes it too
    (tmp_path / "a.png").write_bytes(data)
    check_png(str(tmp_path / "a.png"))


@given(st.data())
def test_any_flipped_bit_and_any_cut_is_seen(tmp_path_factory, data):
    whole = png()
    path = tmp_path_factory.mktemp("png") / "a.png"
    if data.draw(st.booleans()):
        at = data.draw(st.integers(8, len(whole) - 1))
        damaged = bytearray(whole)
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        damaged = whole[: data.draw(st.integers(8, len(whole) - 1))]
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"."):
        check_png(str(path))


@pytest.mark.parametrize("rows", [22, 24, 2**31 - 1])
def test_another_number_of_rows_than_the_header_says_is_seen(rows, tmp_path):
    parts = chunks(png())
    parts[0][1] = parts[0][1][:4] + struct.pack(">I", rows) + parts[0][1][8:]
    (tmp_path / "a.png").write_bytes(joined(parts))
    with pytest.raises(ValueError, match="beyond" if rows < 23 else "end before"):
        check_png(str(tmp_path / "a.png"))


def test_a_bomb_is_inflated_no_further_than_its_header_says(tmp_path, monkeypatch):
    parts = chunks(png())
    parts[1][1] = zlib.compress(bytes(50_000_000), 9)
    (tmp_path / "a.png").write_bytes(joined(parts))
    given = []
    plain = png_check._inflated
    monkeypatch.setattr(png_check, "_inflated", lambda *args: given.append(plain(*args)) or given[-1])
    with pytest.raises(ValueError, match="beyond"):
        check_png(str(tmp_path / "a.png"))
    assert sum(given) == 23 * 38 + 1


def test_other_files_pass(tmp_path):
    (tmp_path / "a.bmp").write_bytes(b"BM")
    check_png(str(tmp_path / "a.bmp"))
