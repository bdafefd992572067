"""Tables as people read them: laid out once, written as text, Markdown, LaTeX or HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mesofuse.errors import UserError

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}", "±": r"$\pm$", "∞": r"$\infty$",
    "−": "$-$", "µ": r"\textmu{}", "²": r"\textsuperscript{2}", "³": r"\textsuperscript{3}",
    "⁻": r"\textsuperscript{$-$}", "¹": r"\textsuperscript{1}", "–": "--", "\n": " ",
}  # fmt: skip
RULE: tuple[str, ...] = ()
"""A row that is a line across the table."""


@dataclass(frozen=True)
class Layout:
    """A table as people read it.

    Attributes:
        header: Titles of the columns.
        rows: Texts of the cells; a metric that is the row above's is left out. `RULE` is a line across.
        notes: What stands below the table.
        align: For each column ``l`` (text) or ``r`` (numbers).
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    align: str

    def text(self) -> str:
        """Return the table in columns of one width."""
        lines = [self.header, *(row for row in self.rows if row)]
        parts = [[text.replace("\n", " ") for text in line] for line in lines]
        widths = [max(len(line[i]) for line in parts) for i in range(len(self.header))]
        rule = "-" * sum(widths, 2 * len(widths) - 2)

        def aligned(line: Sequence[str]) -> str:
            cells = zip(line, widths, self.align, strict=True)
            return "  ".join(
                text.replace("\n", " ").rjust(w) if side == "r" else text.replace("\n", " ").ljust(w)
                for text, w, side in cells
            ).rstrip()

        body = [aligned(row) if row else rule for row in self.rows]
        return "\n".join([aligned(self.header), rule, *body, *self.notes])

    def markdown(self) -> str:
        """Return the table as Markdown."""
        rule = ["---:" if side == "r" else "---" for side in self.align]

        def line(row: Sequence[str]) -> str:
            return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in row) + " |"

        lines = [line(self.header), "| " + " | ".join(rule) + " |", *(line(row) for row in self.rows if row)]
        return "\n".join([*lines, *([""] if self.notes else []), *self.notes]) + "\n"

    def latex(self) -> str:
        """Return the table as a LaTeX tabular (booktabs), its notes as comments below."""

        def line(row: Sequence[str]) -> str:
            return " & ".join("".join(_LATEX.get(c, c) for c in text) for text in row) + r" \\" if row else r"\midrule"

        begin, end = [rf"\begin{{tabular}}{{{self.align}}}", r"\toprule"], [r"\bottomrule", r"\end{tabular}"]
        body = [line(self.header), r"\midrule", *map(line, self.rows)]
        return "\n".join([*begin, *body, *end, *(f"% {note}" for note in self.notes)]) + "\n"

    def html(self) -> str:
        """Return the table for a notebook."""

        def line(cells: Sequence[str], kind: str) -> str:
            return "".join(
                f'<{kind} style="text-align:{"right" if side == "r" else "left"}">{html.escape(text)}</{kind}>'
                for text, side in zip(cells, self.align, strict=True)
            )

        body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in self.rows if row)
        notes = "".join(f"<div><small>{html.escape(note)}</small></div>" for note in self.notes)
        return f"<table><thead><tr>{line(self.header, 'th')}</tr></thead><tbody>{body}</tbody></table>{notes}"


def without_repeats(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return rows of which one that begins as the row above leaves its first cell empty."""
    found, previous = [], ""
    for first, *rest in rows:
        found.append(("" if first == previous else first, *rest))
        previous = first
    return found


class Tabular:
    """Base of what is a table: supply `layout`, and it prints and writes itself."""

    def layout(self) -> Layout:
        """Return the table as people read it."""
        raise NotImplementedError

    def __str__(self) -> str:
        """Return the table for a terminal."""
        return self.layout().text()

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return self.layout().markdown()

    def to_latex(self) -> str:
        """Return the table as a LaTeX tabular (booktabs), its notes as comments below."""
        return self.layout().latex()

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return self.layout().html()


def pandas() -> Any:
    """Return pandas.

    Raises:
        UserError: If it is not installed.
    """
    try:
        import pandas as found
    except ImportError:
        raise UserError("A data frame needs pandas, which is not installed: pip install pandas.") from None
    return found


def file_name(path: str) -> str:
    """Return what a table calls a file: its name alone."""
    return path.rstrip("/").rpartition("/")[2] or path
