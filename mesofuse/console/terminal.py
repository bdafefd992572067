"""What is written to the terminal: characters it lacks are replaced, control characters of names stand as escapes."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from mesofuse.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

_INSTEAD = {
    "–": "-", "—": "-", "−": "-", "·": "*", "×": "x", "±": "+-", "µ": "u", "μ": "u", "Å": "A", "∞": "inf", "≤": "<=",
    "≥": ">=", "≈": "~", "→": "->", "…": "...", "²": "^2", "³": "^3", "⁻": "^-", "¹": "1", "σ": "sigma", "■": "#",
    "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """Give what stands for characters that an encoding lacks: the nearest ASCII, or a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_INSTEAD.get(c, "?") for c in error.object[error.start : error.end]), error.end


codecs.register_error("mesofuse-nearest", _replace)


class Guard:
    """A text stream that shows control characters as escapes, line ends and tabs aside.

    Args:
        stream: Where the text goes. Its characters are replaced where its encoding lacks them.
    """

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        """Write text; the number of its characters is returned, as a stream does."""
        if not isinstance(text, str):
            raise TypeError(f"a str is expected, not {type(text).__name__}")
        self.unguarded.write(printable(text, keep="\n\t"))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else, but for its bytes: what is written there is not guarded."""
        if name in ("buffer", "raw"):
            raise AttributeError(name)
        return getattr(self.unguarded, name)


def unguarded(stream: TextIO) -> TextIO:
    """Return the stream behind a guard, for what moves the cursor itself, such as a progress bar."""
    return stream.unguarded if isinstance(stream, Guard) else stream


@contextmanager
def guarded() -> Iterator[None]:
    """Guard stdout and stderr within the block."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="mesofuse-nearest")
    sys.stdout, sys.stderr = (s if isinstance(s, Guard) else Guard(s) for s in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def console(stream: TextIO | None = None, width: int | None = None) -> Console:
    """Return a rich console that shows names as they are: no markup, no control characters.

    Args:
        stream: Where to write; stdout if None.
        width: Columns; those of the terminal if None, and 200 in a file or a pipe, which has no sides.
    """
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment
    from rich.text import Text

    class Plain(Console):
        def render_str(self, text: str, **style: Any) -> Text:
            return super().render_str(printable(text, keep="\n\t"), **style)  # here, so that columns are wide enough

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                if segment.control is None:
                    yield segment._replace(text=printable(segment.text, keep="\n\t"))
                else:
                    yield segment

    target = unguarded(stream or sys.stdout)
    if width is None and not target.isatty():
        width = 200
    return Plain(file=target, width=width, markup=False, emoji=False, highlight=False)
