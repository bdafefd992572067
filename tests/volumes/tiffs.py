"""Writing TIFFs of any bit depth, compression and tag, which no library writes without imagecodecs."""

import io
import lzma
import struct
import zlib

import numpy as np
from PIL import Image

CODES = {"none": 1, "ccitt": 2, "g3": 3, "g4": 4, "lzw": 5, "jpeg": 7, "deflate": 8, "packbits": 32773, "lzma": 34925}
_PILLOW = {"ccitt": "tiff_ccitt", "g3": "group3", "g4": "group4", "lzw": "tiff_lzw", "packbits": "packbits"}


def write(
    path, pages, *, bits=8, compression="none", photometric=1, palettes=None, extra=(), planar=1, order="<", fill=1,
    rows=None, tile=None, predictor=1, description=None, compressed_bits=None,
):  # fmt: skip
    """Write pages of (y, x) or (y, x, samples), as strips of ``rows`` rows or square tiles."""
    out = bytearray(b"II*\0" if order == "<" else b"MM\0*") + bytearray(4)
    link = 4
    for number, page in enumerate(pages):
        page = np.asarray(page)
        samples = 1 if page.ndim == 2 else page.shape[2]
        height, width = page.shape[:2]
        planes = [page] if planar == 1 else [page[..., i] for i in range(samples)]
        segments = []
        for plane in planes:
            if tile:
                padded = np.pad(plane, [(0, -height % tile), (0, -width % tile)] + [(0, 0)] * (plane.ndim - 2))
                parts = [
                    padded[y : y + tile, x : x + tile]
                    for y in range(0, padded.shape[0], tile)
                    for x in range(0, padded.shape[1], tile)
                ]
            else:
                parts = [plane[y : y + (rows or height)] for y in range(0, height, rows or height)]
            segments += [_encoded(part, bits, compression, order, fill, predictor) for part in parts]
        offsets = []
        for segment in segments:
            out += bytes(len(out) % 2)
            offsets.append(len(out))
            out += segment
        tags = {
            256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits] * samples), 259: ("H", [CODES[compression]]),
            262: ("H", [photometric]), 277: ("H", [samples]), 284: ("H", [planar]),
        }  # fmt: skip
        if tile:
            tags |= {322: ("I", [tile]), 323: ("I", [tile]), 324: ("I", offsets), 325: ("I", list(map(len, segments)))}
        else:
            tags |= {273: ("I", offsets), 278: ("I", [rows or height]), 279: ("I", list(map(len, segments)))}
        if extra:
            tags[338] = ("H", list(extra))
        if fill != 1:
            tags[266] = ("H", [fill])
        if predictor != 1:
            tags[317] = ("H", [predictor])
        if description and number == 0:
            tags[270] = ("s", [description.encode() + b"\0"])
        if palettes is not None:
            colors = np.zeros((2**bits, 3), int)
            own = np.asarray(palettes[number] if len(palettes) > 1 else palettes[0])
            colors[: len(own)] = own
            tags[320] = ("H", (colors.T * 257).ravel().tolist())
        link = _directory(out, tags, link, order)
    path.write_bytes(bytes(out))


def _directory(out, tags, link, order):
    body = b""
    for tag, (kind, values) in sorted(tags.items()):
        count = len(values[0]) if kind == "s" else len(values)
        packed = struct.pack(f"{order}{count}{kind}", *values)
        if len(packed) > 4:
            out += bytes(len(out) % 2)
            where, packed = len(out), packed
            out += packed
            packed = struct.pack(f"{order}I", where)
        body += struct.pack(f"{order}HHI", tag, {"s": 2, "H": 3, "I": 4}[kind], count) + packed.ljust(4, b"\0")
    out += bytes(len(out) % 2)
    struct.pack_into(f"{order}I", out, link, len(out))
    out += struct.pack(f"{order}H", len(tags)) + body
    out += bytes(4)
    return len(out) - 4


def _encoded(part, bits, compression, order, fill, predictor):
    part = np.ascontiguousarray(part)
    if compression == "jpeg":
        file = io.BytesIO()
        Image.fromarray(part.astype(np.uint8)).save(file, "JPEG", quality=95)
        return file.getvalue()
    if predictor == 2:
        part = np.diff(part.astype(int), axis=1, prepend=0).astype(part.dtype)
    if bits in (8, 16, 32):
        packed = part.astype(f"{order}u{bits // 8}").tobytes()
        packed = np.frombuffer(packed, np.uint8).reshape(len(part), -1)
    else:
        flat = part.reshape(len(part), -1).astype(np.int64)
        each = (flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        packed = np.packbits(each.reshape(len(part), -1).astype(np.uint8), axis=1)
    if compression in ("ccitt", "g3", "g4"):
        encoded = _strip(Image.fromarray(part.astype(bool)), _PILLOW[compression])
    elif compression in ("lzw", "packbits"):
        encoded = _strip(Image.fromarray(packed), _PILLOW[compression])
    elif compression == "deflate":
        encoded = zlib.compress(packed.tobytes())
    elif compression == "lzma":
        encoded = lzma.compress(packed.tobytes())
    else:
        encoded = packed.tobytes()
    return (
        np.packbits(np.unpackbits(np.frombuffer(encoded, np.uint8)).reshape(-1, 8)[:, ::-1]).tobytes()
        if fill == 2
        else encoded
    )


def _strip(image, compression):
    """Return the one strip of the TIFF that Pillow makes of an image."""
    file = io.BytesIO()
    image.save(file, "TIFF", compression=compression, strip_size=2**24)
    with Image.open(file) as saved:
        (offset,), (count,) = saved.tag_v2[273], saved.tag_v2[279]
    return file.getvalue()[offset : offset + count]
