"""Damage to files, drawn from a generator: of bytes, lengths, and known structures (JSON, TIFF, PNG, zip).

The same file and generator give the same damage.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

Mutation = Callable[[bytes, random.Random, bytes], bytes]

EXTREME = (
    0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1
)  # fmt: skip
HOSTILE: tuple[Any, ...] = (
    0, -1, 1, 2, 1.5, -0.0, 1e308, 10**63, 2**31, 2**63, 2**64, 7, 255, True, False, None, "", "0", "NaN", "x" * 3000,
    "\x1b[31m\n", "../../../etc/passwd", "/etc/passwd", [], {}, [[]], [0], {"": 0}, float("nan"), float("inf"), "<|O",
    "uint64", "é\u202e", [1, 2, 3, 4, 5, 6, 7, 8],
)  # fmt: skip
NUMBERS = (
    b"0", b"-1", b"1.5", b"1e999", b"nan", b"99999999999999999999", b"4294967295", b"", b"0x10", b"1", b"7", b"inf"
)  # fmt: skip
WORDS = (
    b"", b"x", b"[" * 2000, b"&a [*a]", b"!!python/object:os.system", b"\x00", b"\xff\xfe", b"{{", b"'", b"null", b": ",
    b"- - - ", b"&a", b"*a", b"|", b"\xe2\x80\xae",
)  # fmt: skip


def flip_bits(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Flip one to eight bits."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = _place(out, rng)
        out[at] ^= 1 << rng.randrange(8)
    return bytes(out)


def set_bytes(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Set a few bytes to extremes."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        out[_place(out, rng)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x0A))
    return bytes(out)


def set_length(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Write an extreme number of two, four or eight bytes somewhere, mostly near the head."""
    out, (size, letter) = bytearray(data), rng.choice(((2, "H"), (4, "I"), (8, "Q")))
    if len(out) < size:
        return bytes(out)
    at = min(_place(out, rng), len(out) - size)
    value = rng.choice([v for v in EXTREME if v < 256**size])
    out[at : at + size] = struct.pack(rng.choice("<>") + letter, value)
    return bytes(out)


def truncate(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Cut the end off, as a broken copy does."""
    return data[: rng.randrange(len(data))]


def empty(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Leave nothing, or zeros alone, as a power cut does."""
    return b"" if rng.random() < 0.5 else bytes(len(data))


def duplicate(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Repeat a part."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:b] + data[a:b] + data[b:]


def delete(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Leave a part out."""
    a = rng.randrange(len(data))
    return data[:a] + data[a + rng.choice((1, 2, 4, 16, 64, 512)) :]


def insert(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Put noise in."""
    a = rng.randrange(len(data) + 1)
    return data[:a] + rng.randbytes(rng.choice((1, 2, 4, 16, 256))) + data[a:]


def splice(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Go on as another file does."""
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def overwrite(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Lay a part of another file over this one."""
    size = rng.choice((4, 16, 64, 256))
    a, b = rng.randrange(len(data)), rng.randrange(max(1, len(other)))
    part = other[b : b + size][: len(data) - a]
    return data[:a] + part + data[a + len(part) :]


def numbers(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Replace a number written in digits, in the same room (a header of fixed length) or not."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", data[:20_000]))
    if not found:
        return set_length(data, rng, other)
    m = rng.choice(found)
    if rng.random() < 0.4:
        new = bytes(rng.choice(b"0123456789") for _ in m[0])
    else:
        new = rng.choice(NUMBERS)
        if rng.random() < 0.5:  # the blanks after it give the room
            new = new[: len(m[0])].ljust(len(m[0]))
    return data[: m.start()] + new + data[m.end() :]


def words(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Replace a word of a text: of YAML, of a header, of OME-XML."""
    found = list(re.finditer(rb"[A-Za-z_][\w.-]{2,}", data[:20_000]))
    if not found:
        return insert(data, rng, other)
    m = rng.choice(found)
    new = rng.choice((*WORDS, rng.choice(found)[0]))
    return data[: m.start()] + new + data[m.end() :]


def json_tree(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Change the structure of JSON: a hostile value, a missing or doubled key, deep nesting."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return numbers(data, rng, other)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        tree = _changed(tree, rng)
    if rng.random() < 0.03:
        return b"[" * 100_000 + json.dumps(tree).encode() + b"]" * 100_000
    return json.dumps(tree, indent=2).encode("utf-8", "surrogatepass")


def _changed(tree: Any, rng: random.Random) -> Any:
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            walk(node[key])

    walk(tree)
    if not places:
        return rng.choice(HOSTILE)
    parent, key = rng.choice(places)
    act = rng.random()
    if act < 0.6:
        parent[key] = rng.choice(HOSTILE)
    elif act < 0.75:
        del parent[key]
    elif act < 0.85:
        parent[key] = [parent[key]]
    elif isinstance(parent[key], list) and parent[key]:
        parent[key] = parent[key] * 2 if rng.random() < 0.5 else parent[key][:-1]
    elif isinstance(parent[key], (int, float)) and not isinstance(parent[key], bool):
        parent[key] = rng.choice((parent[key] + 1, -parent[key], parent[key] * 1000, parent[key] / 3, str(parent[key])))
    else:
        parent[key] = {"a": parent[key]}
    return tree


def tiff_tags(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Change an entry of a directory, its number of entries, or where the next directory lies (also in a loop)."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16 or struct.unpack(order + "H", data[2:4])[0] != 42:
        return set_length(data, rng, other)
    out, directories = bytearray(data), []
    at = struct.unpack(order + "I", data[4:8])[0]
    while at and at + 2 <= len(data) and at not in directories and len(directories) < 64:
        directories.append(at)
        count = struct.unpack(order + "H", data[at : at + 2])[0]
        end = at + 2 + 12 * count
        if end + 4 > len(data):
            break
        at = struct.unpack(order + "I", data[end : end + 4])[0]
    if not directories:
        return set_length(data, rng, other)
    at = rng.choice(directories)
    count = struct.unpack(order + "H", data[at : at + 2])[0]
    act, end = rng.random(), at + 2 + 12 * count
    if act < 0.15 and end + 4 <= len(data):
        out[end : end + 4] = struct.pack(order + "I", rng.choice((*directories, 0, 8, len(data) - 1, 2**32 - 1)))
    elif act < 0.25:
        out[at : at + 2] = struct.pack(order + "H", rng.choice((0, 1, count - 1, count + 1, 0xFFFF)) & 0xFFFF)
    else:
        entry = at + 2 + 12 * rng.randrange(max(1, count))
        field, size, letter = rng.choice(((0, 2, "H"), (2, 2, "H"), (4, 4, "I"), (8, 4, "I"), (8, 2, "H")))
        if entry + 12 <= len(data):
            values = [v for v in (*EXTREME, 4, 5, 8, 12, 16, 24, 32, 48, 64, 256, 32773) if v < 256**size]
            out[entry + field : entry + field + size] = struct.pack(order + letter, rng.choice(values))
    return bytes(out)


def png_chunks(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Change a chunk of a PNG and mend its checksum, or leave a chunk out."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return set_length(data, rng, other)
    chunks, at = [], 8
    while at + 12 <= len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        chunks.append((data[at + 4 : at + 8], bytearray(data[at + 8 : at + 8 + size])))
        at += 12 + size
    if not chunks:
        return flip_bits(data, rng, other)
    i = rng.randrange(len(chunks)) if rng.random() < 0.5 else 0
    kind, body = chunks[i]
    act = rng.random()
    if act < 0.1:
        chunks.pop(i)
    elif act < 0.2:
        chunks.insert(i, chunks[i])
    elif act < 0.3:
        kind = rng.choice((b"tEXt", b"tRNS", b"PLTE", b"IDAT", b"fcTL", b"iTXt", b"zTXt"))
        chunks.insert(rng.randrange(len(chunks)), (kind, bytearray(rng.randbytes(rng.choice((0, 1, 3, 26, 300))))))
    elif body:
        edited = set_length(bytes(body), rng, other) if rng.random() < 0.6 else flip_bits(bytes(body), rng, other)
        chunks[i] = (kind, bytearray(edited))
    parts = [data[:8]]
    for kind, body in chunks:
        parts += [struct.pack(">I", len(body)), kind, bytes(body), struct.pack(">I", zlib.crc32(kind + body))]
    return b"".join(parts)


def zip_members(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Damage a member of a zip whose own checksums hold, leave one out, or make one inflate to a hundred times."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist()]
    except Exception:  # damaged by an earlier mutation
        return set_length(data, rng, other)
    if not members:
        return insert(data, rng, other)
    i = rng.randrange(len(members))
    info, body = members[i]
    act = rng.random()
    if act < 0.1:
        members.pop(i)
    elif act < 0.2:
        members.append((info, body))
    elif act < 0.3:
        renamed = zipfile.ZipInfo(rng.choice(("../out", "/abs", "x/" * 200 + "y", "", "\x1b.npy", "zarr.json")))
        members[i] = (renamed, body)
    elif act < 0.35:
        info.compress_type = zipfile.ZIP_DEFLATED
        members[i] = (info, body + bytes(50_000_000))
    elif body:
        members[i] = (info, rng.choice((json_tree, numbers, flip_bits, truncate, set_length))(body, rng, other))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a name is there twice
            for info, body in members:
                archive.writestr(info, body)
    return stream.getvalue()


BYTES: tuple[Mutation, ...] = (
    flip_bits, flip_bits, set_bytes, set_length, set_length, truncate, truncate, duplicate, delete, insert, splice,
    overwrite, empty,
)  # fmt: skip


def mutate(data: bytes, rng: random.Random, other: bytes, structured: tuple[Mutation, ...] = ()) -> bytes:
    """Return the file with one to three kinds of damage, every other one of its structure where that is known."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not data:
            return data
        chosen = rng.choice(structured) if structured and rng.random() < 0.55 else rng.choice(BYTES)
        data = chosen(data, rng, other)
    return data


def _place(data: bytearray, rng: random.Random) -> int:
    """Return a place, every other time in the first 512 bytes, where the headers are."""
    return rng.randrange(min(512, len(data)) if rng.random() < 0.5 else len(data))
