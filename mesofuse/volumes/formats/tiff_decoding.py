"""TIFF data that tifffile leaves to imagecodecs: LZW, CCITT and JPEG compression, samples of 2, 4, 12 … bits.

A copy of the file is made in memory in which every page is uncompressed and every sample whole bytes; its other tags
stay. So tifffile arranges and interprets it, as it does any other file: no compression can change what a file means.
Where imagecodecs is installed, tifffile needs no such copy.
"""

from __future__ import annotations

import importlib.util
import io
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError

from mesofuse.errors import UserError
from mesofuse.volumes.formats.libtiff_words import heard
from mesofuse.volumes.formats.tiff_chain import check_chain

_WHOLE = (8, 16, 32, 64)
_CCITT = (2, 3, 4)
_BYTES = (5, 50000)
"""Compressions of bytes, whatever they mean: LZW, and zstd where Python has none."""
_PICTURES = (6, 7, 33007, 50001)
"""Compressions of pictures: JPEG, old and new, and WebP."""
LOSSY = {6: "JPEG", 7: "JPEG", 33007: "JPEG", 34892: "JPEG", 50001: "WebP"}
_FLIPPED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)).reshape(256, 8)[:, ::-1], axis=1).ravel()


@contextmanager
def opened(path: str) -> Iterator[tuple[tifffile.TiffFile, int, str]]:
    """Open a TIFF so that tifffile can decode all its pages.

    Yields:
        The file, or its copy; the bits of a sample in the file; the name of a compression that alters values, or "".

    Raises:
        UserError: If a page is in a compression that can't be decoded here.
    """
    with tifffile.TiffFile(path) as tif:
        check_chain(tif)
        tif.pages.useframes = False
        first = tif.pages.first
        bits, lossy = int(first.bitspersample), LOSSY.get(int(first.compression), "")
        # By number: going through the pages has no end where one refers to an earlier one.
        foreign = [i for i in range(len(tif.pages)) if not _decodable(tif.pages[i])]
        if not foreign:
            yield tif, bits, lossy
            return
        data = _plain_copy(tif, path, foreign)
    with tifffile.TiffFile(data, name=path) as tif:
        yield tif, bits, lossy


def _decodable(page: Any) -> bool:
    if page.compression not in tifffile.TIFF.DECOMPRESSORS:
        return False
    if page.bitspersample in (1, *_WHOLE) or page.compression in _PICTURES:
        return True
    return importlib.util.find_spec("imagecodecs") is not None


def _plain_copy(tif: tifffile.TiffFile, path: str, foreign: list[int]) -> io.BytesIO:
    """Return the file with the data of some pages decoded, appended, and pointed at by their tags."""
    if tif.is_ome and len(set(re.findall(r'FileName="([^"]+)"', tif.ome_metadata or ""))) > 1:
        name = getattr(tif.pages[foreign[0]].compression, "name", "in an unusual way")
        raise UserError(
            f"{path} is one of several files of one OME-TIFF, compressed with {name}, which can't be read together: "
            "save the stack as one file, or uncompressed, or install the package imagecodecs."
        )
    tif.filehandle.seek(0)
    data = io.BytesIO(tif.filehandle.read())
    with tifffile.TiffFile(data, mode="r+") as copy:
        copy.pages.useframes = False
        for i in foreign:
            page = copy.pages[i]
            _expect_decodable(page, path)
            if page.compression in _PICTURES:
                _replace_picture(page, data, _picture(path, i))
            else:
                _replace_segments(page, data)
    data.seek(0)
    return data


def _expect_decodable(page: Any, path: str) -> None:
    known = page.compression in (*_CCITT, *_BYTES, *_PICTURES) or page.compression in tifffile.TIFF.DECOMPRESSORS
    if not known or page.imagedepth > 1:
        name = getattr(page.compression, "name", page.compression)
        raise UserError(
            f"{path} is compressed in a way that can't be read here ({name}): save it uncompressed or with deflate, or "
            "install the package imagecodecs."
        )
    if page.bitspersample not in (1, *_WHOLE) and (page.bitspersample > 16 or page.predictor != 1):
        raise UserError(f"{path} holds samples of {page.bitspersample} bits; save it with 8 or 16.")


def _append(data: io.BytesIO, segment: bytes) -> int:
    """Write at the end, on an even byte, and return where."""
    end = data.seek(0, io.SEEK_END)
    data.write(b"\0" * (end % 2) + segment)
    return end + end % 2


def _retag(page: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        tag = page.tags.get(name)
        if tag is None:
            continue
        many = name.endswith(("Offsets", "ByteCounts"))
        tag.overwrite(value, dtype=("Q" if page.parent.is_bigtiff else "I") if many else "H", erase=False)


def _replace_segments(page: Any, data: io.BytesIO) -> None:
    """Decode strips or tiles one by one."""
    tiled = page.is_tiled
    width = page.tilewidth if tiled else page.imagewidth
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    rows_of = page.tilelength if tiled else min(page.rowsperstrip, page.imagelength)
    strips = -(-page.imagelength // rows_of)
    offsets, counts = [], []
    for i, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        rows = rows_of if tiled else min(rows_of, page.imagelength - i % strips * rows_of)
        row_bytes = (width * samples * page.bitspersample + 7) // 8
        if count == 0:
            plain = bytes(rows * row_bytes)
        else:
            data.seek(offset)
            encoded = data.read(count)
            if page.fillorder == 2:
                encoded = _FLIPPED[np.frombuffer(encoded, np.uint8)].tobytes()
            plain = _decoded(page, encoded, width, rows, row_bytes)
        if page.bitspersample not in (1, *_WHOLE):
            plain = _unpacked(plain, page, rows, width * samples)
        offsets.append(_append(data, plain))
        counts.append(len(plain))
    kind = "Tile" if tiled else "Strip"
    bits = {} if page.bitspersample in (1, *_WHOLE) else {"BitsPerSample": _whole(page)}
    _retag(page, {"Compression": 1, "FillOrder": 1, f"{kind}Offsets": offsets, f"{kind}ByteCounts": counts, **bits})


def _whole(page: Any) -> Any:
    bits = 8 if page.bitspersample < 8 else 16
    return bits if page.tags["BitsPerSample"].count == 1 else (bits,) * page.tags["BitsPerSample"].count


def _decoded(page: Any, encoded: bytes, width: int, rows: int, row_bytes: int) -> bytes:
    """Undo the compression of one segment.

    Raises:
        ValueError: If it holds less than it should.
    """
    if page.compression in tifffile.TIFF.DECOMPRESSORS:
        plain = bytes(tifffile.TIFF.DECOMPRESSORS[page.compression](encoded)) if page.compression != 1 else encoded
        if len(plain) < rows * row_bytes:
            raise ValueError(f"a strip holds {len(plain)} bytes instead of {rows * row_bytes}")
        return plain[: rows * row_bytes]
    if page.compression in _CCITT:
        options = {t: int(page.tags[t].value) for t in (292, 293) if t in page.tags}
        with heard(), Image.open(_one_strip(encoded, page.compression, width, rows, 1, options)) as image:
            return image.tobytes("raw", "1")
    with heard(), Image.open(_one_strip(encoded, page.compression, row_bytes, rows, 8, {})) as image:
        return image.tobytes()


def _one_strip(
    encoded: bytes, compression: int, width: int, rows: int, bits: int, options: dict[int, int]
) -> io.BytesIO:
    """Return a TIFF of one strip of grey values, for Pillow to undo its compression."""
    tags = {
        256: width, 257: rows, 258: bits, 259: int(compression), 262: 1, 277: 1, 278: rows, 279: len(encoded), **options
    }  # fmt: skip
    tags[273] = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    return io.BytesIO(b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + encoded)


def _unpacked(plain: bytes, page: Any, rows: int, across: int) -> bytes:
    """Return samples of some bits as whole bytes, in the file's byte order."""
    bits = int(page.bitspersample)
    packed = np.frombuffer(plain, np.uint8).reshape(rows, -1)
    each = np.unpackbits(packed, axis=1)[:, : across * bits].reshape(rows, across, bits)
    values = each @ (1 << np.arange(bits - 1, -1, -1)).astype(np.uint16)
    return values.astype(np.uint8 if bits < 8 else np.dtype(np.uint16).newbyteorder(page.parent.byteorder)).tobytes()


def _picture(path: str, index: int) -> np.ndarray:
    """Return a page as Pillow shows it: (y, x) or (y, x, 3) of uint8."""
    try:
        with heard(), Image.open(path) as image:
            image.seek(index)
            return np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except (UnidentifiedImageError, OSError, EOFError, ValueError) as error:
        raise ValueError(f"page {index}: {error}") from error


def _replace_picture(page: Any, data: io.BytesIO, picture: np.ndarray) -> None:
    """Replace the data of a page by one strip or tile of grey values or colours."""
    color = picture.ndim == 3
    plain = np.ascontiguousarray(picture).tobytes()
    offset = _append(data, plain)
    rows, columns = picture.shape[:2]
    _retag(page, {
        "Compression": 1, "PhotometricInterpretation": 2 if color else 1, "PlanarConfiguration": 1, "FillOrder": 1,
        "SamplesPerPixel": 3 if color else 1, "BitsPerSample": (8, 8, 8) if color else 8, "RowsPerStrip": rows,
        "TileWidth": columns, "TileLength": rows, "Predictor": 1,
        "YCbCrSubSampling": (1, 1),
        "TileOffsets": [offset], "TileByteCounts": [len(plain)],
        "StripOffsets": [offset], "StripByteCounts": [len(plain)],
    })  # fmt: skip
