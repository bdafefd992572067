"""The chain of a TIFF's directories, one per page: each says where the next is, and damage may lead in a circle.

Source: TIFF 6.0, section 2, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf; BigTIFF,
https://www.awaresystems.be/imaging/tiff/bigtiff.html.
"""

from __future__ import annotations

import struct
from typing import Any

import tifffile


def check_chain(tif: tifffile.TiffFile) -> None:
    """Follow the chain to its end; tifffile would follow a circle for hours.

    Raises:
        ValueError: If it runs in a circle, or leads out of the file.
    """
    tiff: Any = tif.tiff
    if tiff.is_ndpi:  # has offsets of its own
        return
    file, seen = tif.filehandle, set[int]()
    file.seek(8 if tiff.is_bigtiff else 4)
    try:
        while True:
            (at,) = struct.unpack(tiff.offsetformat, file.read(tiff.offsetsize))
            if at == 0:
                return
            if at in seen:
                raise ValueError(f"its list of pages runs in a circle after page {len(seen)}")
            seen.add(at)
            file.seek(at)
            (tags,) = struct.unpack(tiff.tagnoformat, file.read(tiff.tagnosize))
            file.seek(at + tiff.tagnosize + tags * tiff.tagsize)
    except struct.error:
        raise ValueError(f"its list of pages leads out of the file after page {len(seen)}") from None
