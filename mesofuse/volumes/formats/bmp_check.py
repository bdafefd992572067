"""Whether a BMP holds the pixels that its header says, which Pillow itself does not ask for.

Source: Microsoft, BITMAPFILEHEADER and BITMAPINFOHEADER structures.
"""

from __future__ import annotations

import os
import struct

HEADER, PLAIN = 40, 0
"""Length of the usual header, after which nothing but a palette and the pixels comes; and no compression."""


def check_bmp(path: str) -> None:
    """Compare the size of a BMP's pixels with what its header says; other files, and rarer headers, pass.

    Raises:
        ValueError: If there is at least a row more than the header says.
    """
    with open(path, "rb") as file:
        start = file.read(54)
    if len(start) < 54 or start[:2] != b"BM":
        return
    offset, header, width, height, _, depth, compression = struct.unpack("<IIiiHHI", start[10:34])
    if header != HEADER or compression != PLAIN:
        return
    row = (abs(width) * depth + 31) // 32 * 4
    beyond = os.path.getsize(path) - offset - row * abs(height)
    if beyond >= max(row, 4):
        raise ValueError(f"its pixels go on {beyond} bytes beyond what its header says")
