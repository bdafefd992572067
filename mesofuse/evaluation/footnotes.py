"""Footnotes of a table: each has its marker in a cell, and what is reported twice has one number."""

from __future__ import annotations


class Footnotes:
    """Notes in the order in which cells asked for them."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def marked(self, text: str, *notes: str) -> str:
        """Return a cell's text with the markers of its notes; empty notes are left out."""
        for note in filter(None, notes):
            sentence = note[:1].upper() + note[1:] if note[:1].isalpha() else note
            sentence = sentence if sentence.endswith((".", "…")) else f"{sentence}."
            if sentence not in self._notes:
                self._notes.append(sentence)
            text += f" [{self._notes.index(sentence) + 1}]"
        return text

    @property
    def lines(self) -> list[str]:
        """The notes as they stand below the table."""
        return [f"[{number}] {note}" for number, note in enumerate(self._notes, 1)]
