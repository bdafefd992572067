"""Inside a process under test: count its file operations below a folder, and do something bad at one of them.

Operations are seen by an audit hook (open, rename, link, remove, mkdir, rmdir, listing), which acts before each takes
place, and by wrappers of what has no audit event (writing, syncing, sending).
"""

import builtins
import errno
import io
import os
import signal
import sys
import threading

KINDS = ("read", "create", "write", "rename", "remove", "mkdir", "list", "sync")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")
ERRORS = ("ENOSPC", "EIO", "EACCES")
EVENTS = {
    "os.rename": "rename", "os.link": "rename", "os.symlink": "create", "os.remove": "remove", "os.rmdir": "remove",
    "os.mkdir": "mkdir", "os.listdir": "list", "os.scandir": "list", "os.truncate": "write",
}  # fmt: skip
FILLS = ("create", "write", "rename", "mkdir")  # what a full disk refuses


class Plant:
    """Counts operations below ``root``; the ``at``-th of a kind (from 0) meets ``action``, later ones too if lasting.

    Args:
        root: Absolute folder.
        report: Called with the operations seen if there is no fault, or once when the fault strikes.
        fault: None, or action, kind, at, lasting.
    """

    def __init__(self, root, report, fault=None):
        self.root = os.path.realpath(root)
        self.report, self.fault = report, fault
        self.seen, self.counts, self.struck = [], dict.fromkeys(KINDS, 0), False
        self.lock, self.busy = threading.Lock(), threading.local()

    def install(self):
        """Plant it, for the rest of the process' life."""
        plant, opened, sync, send, write = self, io.open, os.fsync, os.sendfile, os.write

        class Raw(io.FileIO):
            def write(self, data):
                view = memoryview(data).cast("B")
                plant.meet("write", self.name, tear=lambda: super(Raw, self).write(view[: len(view) // 2]))
                return super().write(data)

        def open_(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
            plain = isinstance(file, (str, bytes, os.PathLike)) and buffering == -1 and closefd and opener is None
            if not (plain and set(mode) & set("wax+") and plant.below(file)):
                return opened(file, mode, buffering, encoding, errors, newline, closefd, opener)
            raw = Raw(os.fspath(file), mode.replace("b", "").replace("t", ""))
            buffer = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            if "b" in mode:
                return buffer
            text = io.TextIOWrapper(buffer, encoding, errors, newline)
            text.mode = mode
            return text

        def fsync(fd):
            plant.meet("sync", fd if isinstance(fd, int) else fd.fileno())
            return sync(fd)

        def sendfile(out, *rest, **more):
            plant.meet("write", out)
            return send(out, *rest, **more)

        def os_write(fd, data):
            plant.meet("write", fd, tear=lambda: write(fd, memoryview(data)[: len(data) // 2]))
            return write(fd, data)

        io.open = builtins.open = open_
        os.fsync = os.fdatasync = fsync
        os.sendfile, os.write = sendfile, os_write
        sys.addaudithook(self._hear)

    def _hear(self, event, args):
        if event == "open":
            path, _, flags = args
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            self.meet("create" if writes else "read", path)
        elif event in EVENTS:
            folder = args[1] if event in ("os.remove", "os.rmdir") else args[2] if event == "os.mkdir" else -1
            self.meet(EVENTS[event], args[0], folder)

    def below(self, path, folder=-1):
        """Return the path relative to the root where it is below it, else None."""
        try:
            if isinstance(path, int):
                text = os.readlink(f"/proc/self/fd/{path}")
            else:
                text = os.fsdecode(path)
                if not os.path.isabs(text):
                    start = os.readlink(f"/proc/self/fd/{folder}") if folder not in (-1, None) else os.getcwd()
                    text = os.path.join(start, text)
        except (OSError, TypeError, ValueError):
            return None
        text = os.path.normpath(text)
        return os.path.relpath(text, self.root) if text.startswith(self.root + os.sep) else None

    def meet(self, kind, path, folder=-1, tear=None):
        """Count one operation, and strike where it is the one."""
        if getattr(self.busy, "now", False):
            return
        self.busy.now = True
        try:
            inside = self.below(path, folder)
            if inside is None:
                return
            with self.lock:
                if not self.fault:
                    self.seen.append((kind, inside))
                strikes = self._strikes(kind)
                if strikes and not self.struck:
                    self.struck = True
                    self.report({"struck": [kind, inside]})
            if strikes:
                if tear and self.fault[0] not in ("SIGTERM", "SIGINT"):  # after these the write goes on
                    tear()
                self._strike(inside)
        finally:
            self.busy.now = False

    def _strikes(self, kind):
        number, self.counts[kind] = self.counts[kind], self.counts[kind] + 1
        if not self.fault:
            return False
        _, chosen, at, lasting = self.fault
        if self.struck:
            return lasting and kind in FILLS
        return (kind, number) == (chosen, at)

    def _strike(self, path):
        action = self.fault[0]
        if action in SIGNALS:
            os.kill(os.getpid(), getattr(signal, action))
        else:
            code = getattr(errno, action)
            raise OSError(code, os.strerror(code), os.path.join(self.root, path))
