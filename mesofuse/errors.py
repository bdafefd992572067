"""The one exception that stands for a user's mistake, and how to name what was probably meant."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable


class UserError(Exception):
    """A mistake the user can mend: one plain sentence saying what came, what was expected, what to do.

    The command line prints the sentence without a traceback and exits with code 2.
    """


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'? Valid: x, y."`` for a misspelt ``name`` (only the list when nothing is near)."""
    choices = sorted(valid)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    listing = ", ".join(choices) if choices else "none"
    return f"{hint} Valid: {listing}."


def first_line(error: Exception, length: int = 200) -> str:
    """Return what a library's error says, short enough for a sentence, without a full stop; its kind if nothing."""
    text = str(error).strip().split("\n")[0].rstrip(".")
    return (text if len(text) <= length else f"{text[:length]}…") or type(error).__name__


def is_scarce(error: BaseException) -> bool:
    """Return whether the machine has run out of memory or of open files, so that no file is to blame."""
    scarce = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in scarce)
