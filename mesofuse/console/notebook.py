"""Progress bars in a notebook: one piece of HTML that is replaced as work goes on."""

from __future__ import annotations

import html
import sys
from typing import Any

MOST_LINES = 12
"""Sentences that are shown above the bars, the latest."""


def here() -> bool:
    """Return whether this is a notebook, or another frontend that shows HTML."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class NotebookBars:
    """Show named bars, and sentences above them, in a notebook's output."""

    def __init__(self) -> None:
        self._bars: dict[str, tuple[float, str]] = {}
        self._lines: list[str] = []
        self._handle: Any = None

    def update(self, name: str, fraction: float, note: str) -> None:
        """Show how far a job is, from 0 to 1, and what is said of it."""
        self._bars[name] = (fraction, note)
        self._draw()

    def say(self, text: str) -> None:
        """Show a sentence."""
        self._lines = [*self._lines, text][-MOST_LINES:]
        self._draw()

    def page(self) -> str:
        """Return the HTML."""
        lines = "".join(f"<div>{html.escape(line)}</div>" for line in self._lines)
        bars = "".join(
            f'<div><progress value="{fraction:.4f}" max="1"></progress> {html.escape(name)} {fraction:.0%} '
            f"<small>{html.escape(note)}</small></div>"
            for name, (fraction, note) in self._bars.items()
        )
        return f"<div>{lines}{bars}</div>"

    def _draw(self) -> None:
        import IPython.display

        frontend: Any = IPython.display  # without types
        shown = frontend.HTML(self.page())
        if self._handle is None:
            self._handle = frontend.display(shown, display_id=True)
        else:
            self._handle.update(shown)
