"""Text that comes from files, made fit to be shown: control characters stand as escapes."""

from __future__ import annotations

import json
import unicodedata

_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (bidi overrides), lone surrogates, line separators
_JOINERS = "\u200c\u200d"  # belong to the spelling of some scripts, and change nothing else


def printable(text: object, keep: str = "") -> str:
    r"""Return text with every control character as an escape such as ``\x1b``, ``\n`` or ``\u202e``.

    A terminal, a page or a line of a table then shows the name instead of obeying it. Applied twice it changes nothing.

    Args:
        text: What to show; anything but a string is turned into one.
        keep: Control characters to leave as they are.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        _escaped(c) if unicodedata.category(c) in _HIDDEN and c not in _JOINERS and c not in keep else c for c in shown
    )


def _escaped(character: str) -> str:
    r"""Return ``\n``, ``\x1b`` …; from 0x7f on as JSON writes it, which leaves these raw in a string."""
    return character.encode("unicode_escape").decode("ascii") if character < "\x7f" else json.dumps(character)[1:-1]
