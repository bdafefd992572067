"""SHA-256 of every unit of a volume, in a file next to them that ``sha256sum -c`` reads too.

A line is appended when a unit is in its place. So units that a power cut has emptied, that a disk has changed, or that
were swapped are known, though each may be decoded. When a volume is finished its lines are put in order.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)\n")


def digest(data: bytes | memoryview) -> str:
    """Return the SHA-256 of a unit's bytes as they are stored."""
    return hashlib.sha256(data).hexdigest()


def line(key: str, data: bytes | memoryview) -> str:
    """Return what is written of a unit."""
    return f"{digest(data)}  {key}\n"


def append(folder: Path, key: str, data: bytes | memoryview) -> None:
    """Note a unit in a local volume; whole lines, so that threads and processes may do so at once."""
    file = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(file, line(key, data).encode())
    finally:
        os.close(file)


def parse(text: str) -> dict[str, str]:
    """Return key to digest; the last line of a key holds, what is cut off or damaged is left out."""
    return {key: value for value, key in _LINE.findall(text)}


def render(digests: Mapping[str, str], keys: Iterable[str]) -> str:
    """Return the file for the keys that exist, in order."""
    return "".join(f"{digests[key]}  {key}\n" for key in sorted(keys) if key in digests)
