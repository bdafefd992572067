"""The file that keeps measured subvolumes: what a kill, another run or a failing disk does to it is noticed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from mesofuse.errors import UserError
from mesofuse.evaluation.records import from_json, to_json
from mesofuse.interfaces.metric import Measured
from mesofuse.volumes.files import replacing, sweep
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.lock import alone


class RecordLog:
    """Measured subvolumes by index, kept in a file if there is one: a line of settings, then a line for each.

    Each line of a subvolume ends with a SHA-256 of itself and the settings. A line that is not exactly what was
    written is left out, so that its subvolume is measured again.

    Attributes:
        done: What is measured, by index.
    """

    def __init__(self, record: Path | None, settings: dict[str, Any]) -> None:
        """Read what the record holds.

        Raises:
            UserError: If the file belongs to other settings or another volume, or is no record.
        """
        self.done: dict[int, Measured] = {}
        self._record, self._head = record, json.dumps(settings)
        self._file: FileIO | None = None
        if record is None:
            return
        data = record.read_bytes() if record.exists() else b""
        lines = data[: data.rfind(b"\n") + 1].decode("utf-8", "replace").splitlines()
        for line in lines[1:]:
            self._take(line)
        if lines and lines[0] != self._head and not self.done:
            raise UserError(f"{record} is not the record of these measurements; delete it or choose another file.")
        if data != self._text().encode():
            self._rewrite()
        self._file = record.open("ab", buffering=0)  # what fails to be written is not tried again on closing

    def add(self, index: int, measured: Measured) -> None:
        """Keep a subvolume.

        Raises:
            OSError: If the line can't be written.
        """
        self.done[index] = measured
        if self._file is not None:
            data = self._line(index, measured).encode()
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._file.name)

    def finish(self) -> None:
        """Put the lines in the order of their indices, which processes that share the work do not keep."""
        if self._record is not None and list(self.done) != sorted(self.done):
            self.done = dict(sorted(self.done.items()))
            self._rewrite()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _take(self, line: str) -> None:
        try:
            entry = load_json(line)
            index, measured = int(entry["index"]), from_json(entry["measured"])
            if line + "\n" == self._line(index, measured):
                self.done[index] = measured
        except (ValueError, LookupError, TypeError):
            pass

    def _line(self, index: int, measured: Measured) -> str:
        entry = {"index": index, "measured": to_json(measured)}
        return json.dumps(entry | {"sha256": sealed(self._head, entry)}, allow_nan=False) + "\n"

    def _text(self) -> str:
        return self._head + "\n" + "".join(self._line(i, m) for i, m in self.done.items())

    def _rewrite(self) -> None:
        assert self._record is not None
        with replacing(self._record) as temporary:
            temporary.write_text(self._text(), encoding="utf-8")


def sealed(settings: str, entry: Any) -> str:
    """Return the SHA-256, in hexadecimal digits, of JSON values and what they depend on."""
    return hashlib.sha256(f"{settings}\n{json.dumps(entry, sort_keys=True)}".encode()).hexdigest()


@contextmanager
def opened(
    record: Path | None, settings: dict[str, Any], busy: Callable[[], None] = lambda: None
) -> Iterator[RecordLog]:
    """Open a record for the block, alone; another run that writes the same one is waited for.

    Args:
        record: The file; None keeps nothing.
        settings: What the measured values depend on.
        busy: Called before waiting for another run.

    Raises:
        UserError: If the file belongs to something else.
    """
    if record is None:
        yield RecordLog(None, settings)
        return
    with alone(record.with_name(f"{record.name}.log"), busy):  # `replacing` takes the lock on the record itself
        with alone(record, busy) as held:
            if held:
                sweep(record)
        log = RecordLog(record, settings)
        try:
            yield log
            log.finish()
        finally:
            log.close()
