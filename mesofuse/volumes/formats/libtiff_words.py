"""What libtiff says of damaged data: it prints it on stderr, and Pillow continues with wrong pixels."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ITS_OWN = re.compile(
    rb"^(tempfile\.tif|_?TIFF\w+|Fax\w+|LZW\w+|ZIP\w+|PackBits\w+|JPEG\w*|\w+Decode\w*|\w+Strip\w*): "
)
_lock = threading.Lock()


@contextmanager
def heard() -> Iterator[None]:
    """Hold back what is printed on stderr in the block, and raise what libtiff said of it.

    What others printed there meanwhile is printed afterwards.

    Raises:
        ValueError: If libtiff found fault with the data.
    """
    with _lock, tempfile.TemporaryFile() as words:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            before = os.dup(2)
        except OSError:  # there is no stderr
            yield
            return
        os.dup2(words.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            words.seek(0)
            lines = words.read().splitlines(keepends=True)
            faults = [line for line in lines if _ITS_OWN.match(line)]
            os.write(2, b"".join(line for line in lines if line not in faults))
    if faults:
        text = faults[0].decode("utf-8", "replace").strip().removeprefix("tempfile.tif: ")
        raise ValueError(text.rstrip("."))
