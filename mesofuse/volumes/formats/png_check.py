"""Whether a PNG holds what it says: every checksum, and pixels to the last row, which Pillow itself does not ask for.

Source: PNG specification, https://www.w3.org/TR/png-3/ (chunks: 5.3, header: 11.2.1, interlace: 8.1).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First row and column, steps of rows and columns, of the seven pictures that an interlaced one is stored as.
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_PIECE = 1 << 20


def check_png(path: str) -> None:
    """Read a PNG once, in bounded memory; other files pass.

    Raises:
        ValueError: If a chunk is cut off or its checksum is wrong, or if its pixels are not as many as its header says.
    """
    with open(path, "rb") as file:
        if file.read(8) != SIGNATURE:
            return
        wanted, found, inflate = 0, 0, zlib.decompressobj()
        for kind, piece in _pieces(file):
            if kind == b"IHDR":
                wanted = _stored_bytes(piece)
            elif kind == b"IDAT" and found <= wanted:
                found += _inflated(inflate, piece, wanted + 1 - found)
            elif kind == b"acTL":
                raise ValueError("it holds an animation; save one picture")
    if found != wanted or not wanted:
        raise ValueError(f"its pixels {'go on beyond' if found > wanted else 'end before'} what its header says")


def _pieces(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Give the chunks up to the end, long ones in pieces, with their checksums checked."""
    kind = b""
    while kind != b"IEND":
        head = file.read(8)
        if len(head) < 8:
            raise ValueError("it is cut off")
        left, kind = struct.unpack(">I4s", head)
        checksum = zlib.crc32(kind)
        while True:
            piece = file.read(min(left, _PIECE))
            if len(piece) < min(left, _PIECE):
                raise ValueError("it is cut off")
            checksum = zlib.crc32(piece, checksum)
            left -= len(piece)
            yield kind, piece
            if not left:
                break
        if file.read(4) != struct.pack(">I", checksum):
            raise ValueError(f"the checksum of its chunk {kind.decode('latin-1')} is wrong")


def _stored_bytes(header: bytes) -> int:
    """Return the bytes of all rows, each with the byte of its filter."""
    if len(header) < 13:
        raise ValueError("its header is damaged")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header[:13])
    bits = depth * _SAMPLES.get(colour, 0)
    if not (width and height and bits):
        raise ValueError("its header is damaged")
    parts = [
        (-(-(height - row) // down) if height > row else 0, -(-(width - column) // right) if width > column else 0)
        for row, column, down, right in (_PASSES if interlaced else ((0, 0, 1, 1),))
    ]
    return sum(rows * (1 + (columns * bits + 7) // 8) for rows, columns in parts if rows and columns)


def _inflated(inflate: zlib._Decompress, piece: bytes, most: int) -> int:
    """Return how many bytes a piece inflates to, at most ``most`` of them."""
    found = 0
    while piece and found < most and not inflate.eof:
        try:
            found += len(inflate.decompress(piece, min(_PIECE, most - found)))
        except zlib.error as error:
            raise ValueError(f"its pixels are damaged ({error})") from error
        piece = inflate.unconsumed_tail
    return found
