"""The table of measured volumes: laid out once, written as text, Markdown, LaTeX, CSV, HTML, JSON or a data frame."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesofuse.errors import UserError
from mesofuse.evaluation.compare import Cell, Row, curves_only, table
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.records import row_to_json, to_json
from mesofuse.evaluation.rounding import rounded
from mesofuse.evaluation.texture import FLOOR_NOTE, TEXTURE
from mesofuse.interfaces.metric import Curve, Measured

UNKNOWN_VOXELS = "Voxel sizes are not known everywhere: values that depend on them are compared as if they were equal."
CURVES = "Curves only, no single values: the JSON output has them."
MANY_ROWS = 60
"""Tables longer than this leave out rows of zeros where people read them."""
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}", "±": r"$\pm$", "∞": r"$\infty$",
    "−": "$-$", "µ": r"\textmu{}", "²": r"\textsuperscript{2}", "³": r"\textsuperscript{3}",
    "⁻": r"\textsuperscript{$-$}", "¹": r"\textsuperscript{1}", "–": "--",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """A table as people read it.

    Attributes:
        header: Titles of the columns: metric, of, one a volume, unit.
        rows: Texts of the cells; a metric that is the row above's is left out.
        notes: What stands below the table.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


class ResultTable:
    """Measured volumes next to each other: a row a quantity, a column a volume.

    Args:
        columns: What was measured, the reference among them if it is to have a column.
        reference: What relative errors are against, or None.
    """

    def __init__(self, columns: Sequence[Measured], reference: Measured | None = None) -> None:
        self.columns, self.reference = tuple(columns), reference
        self.rows: list[Row] = table(columns, reference)

    def names(self) -> list[str]:
        """Return the names of the columns; a file's is that of the file alone."""
        return [Path(column.volume).name or column.volume for column in self.columns]

    def layout(self) -> Layout:
        """Return the table as people read it, relative errors in brackets."""
        rows, notes = self.rows, Footnotes()
        shown = [row for row in rows if any(cell.value for cell in row.cells)] if len(rows) > MANY_ROWS else rows
        known = all(column.grid.known for column in self.columns)
        cells, previous = [], ""
        for row in shown:
            texts = [_cell(cell, row, notes, known) for cell in row.cells]
            cells.append(("" if row.metric == previous else row.metric, row.label, *texts, row.unit))
            previous = row.metric
        for metric in curves_only(self.columns):
            has = [any(r.metric == metric for r in column.results) for column in self.columns]
            cells.append((metric, "", *(notes.marked("curves", CURVES) if h else "–" for h in has), ""))
        below = []
        if len(shown) < len(rows):
            below.append(f"{len(rows) - len(shown)} rows of zeros are left out; the JSON output has all.")
        if any(row.metric == TEXTURE and sum(c.value is not None for c in row.cells) > 1 for row in rows):
            below.append(FLOOR_NOTE)
        below += notes.lines
        for name, column in zip(self.names(), self.columns, strict=True):
            below += [f"{name}: {metric} was not measured. {reason}" for metric, reason in column.skipped.items()]
        titles = [
            f"{name} (reference)" if column is self.reference else name
            for name, column in zip(self.names(), self.columns, strict=True)
        ]
        return Layout(("metric", "of", *titles, "unit"), tuple(cells), tuple(below))

    def value(self, metric: str, of: str = "", volume: int | str = -1) -> float:
        """Return one number.

        Args:
            metric: Name of the metric.
            of: What of, as the table says it, such as ``pore | binder``.
            volume: Name or number of the column; the last by default.

        Raises:
            UserError: If the table has no such number.
        """
        names = self.names()
        if isinstance(volume, str) and volume not in names:
            raise UserError(f"The table has no volume {volume!r}; its volumes are {', '.join(names)}.")
        index = names.index(volume) if isinstance(volume, str) else volume
        for row in self.rows:
            if (row.metric, row.label) == (metric, of) and (found := row.cells[index].value) is not None:
                return found
        there = ", ".join(dict.fromkeys(f"{row.metric} {row.label}".strip() for row in self.rows))
        raise UserError(f"The table has no value of {f'{metric} {of}'.strip()!r}; it has {there}.")

    def curves(self, metric: str | None = None) -> list[tuple[str, Curve]]:
        """Return the measured curves, each with its volume's name; those of one metric where it is named."""
        return [
            (name, result)
            for name, column in zip(self.names(), self.columns, strict=True)
            for result in column.results
            if isinstance(result, Curve) and metric in (None, result.metric)
        ]

    # -- as text ------------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        """Return the table for a terminal."""
        shown = self.layout()
        lines = [shown.header, *shown.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(shown.header))]
        numbers = range(2, len(widths) - 1)

        def aligned(line: Sequence[str]) -> str:
            cells = enumerate(zip(line, widths, strict=True))
            return "  ".join(t.rjust(w) if i in numbers else t.ljust(w) for i, (t, w) in cells).rstrip()

        texts = [aligned(line) for line in lines]
        return "\n".join([texts[0], "-" * sum(widths, 2 * len(widths) - 2), *texts[1:], *shown.notes])

    def __repr__(self) -> str:
        """Return what is in the table, in a line."""
        return f"<table of {len(self.rows)} quantities of {', '.join(self.names())}>"

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        shown = self.layout()
        rule = ["---", "---", *["---:"] * len(self.columns), "---"]
        lines = [
            "| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in (shown.header, *shown.rows)
        ]
        lines.insert(1, "| " + " | ".join(rule) + " |")
        return "\n".join([*lines, *([""] if shown.notes else []), *shown.notes]) + "\n"

    def to_latex(self) -> str:
        """Return the table as a LaTeX tabular (booktabs), its notes as comments below."""
        shown = self.layout()
        lines = [" & ".join(map(_latex, row)) + r" \\" for row in (shown.header, *shown.rows)]
        body = [lines[0], r"\midrule", *lines[1:]]
        columns = f"ll{'r' * len(self.columns)}l"
        begin, end = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"], [r"\bottomrule", r"\end{tabular}"]
        return "\n".join([*begin, *body, *end, *(f"% {note}" for note in shown.notes)]) + "\n"

    def to_csv(self) -> str:
        """Return every number as CSV, in full: metric, of, unit, volume, value, relative error, note."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["metric", "of", "unit", "volume", "value", "relative error", "note"])
        for row in self.rows:
            for name, cell in zip(self.names(), row.cells, strict=True):
                if cell.value is not None:
                    error = "" if cell.error is None else repr(cell.error)
                    note = cell.note or cell.reason
                    rows.writerow([row.metric, row.label, row.unit, name, repr(cell.value), error, note])
        return text.getvalue()

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        shown = self.layout()

        def line(cells: Sequence[str], kind: str) -> str:
            last = len(cells) - 1
            styles = ["left" if i in (0, 1, last) else "right" for i in range(len(cells))]
            return "".join(
                f'<{kind} style="text-align:{s}">{html.escape(c)}</{kind}>' for c, s in zip(cells, styles, strict=True)
            )

        body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in shown.rows)
        notes = "".join(f"<div><small>{html.escape(note)}</small></div>" for note in shown.notes)
        return f"<table><thead><tr>{line(shown.header, 'th')}</tr></thead><tbody>{body}</tbody></table>{notes}"

    # -- as data ------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Return all that was measured, curves too, and the table, as plain JSON values."""
        return {
            "volumes": [to_json(column) for column in self.columns],
            "reference": self.reference.volume if self.reference else None,
            "table": [row_to_json(row) for row in self.rows],
        }

    def to_pandas(self, *, curves: bool = False) -> Any:
        """Return a pandas DataFrame.

        Args:
            curves: Return the curves, a row a point (volume, metric, of, x, y, units), instead of the single numbers,
                which have a row a quantity and a column a volume, and next to it its relative error where there is a
                reference.

        Raises:
            UserError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UserError("A data frame needs pandas, which is not installed: pip install pandas.") from None
        if curves:
            fields = ("volume", "metric", "of", "x", "y", "x unit", "y unit")
            points = [
                (name, c.metric, c.label, x, y, c.x_unit, c.y_unit)
                for name, c in self.curves()
                for x, y in zip(c.x, c.y, strict=True)
            ]
            return pandas.DataFrame(points, columns=list(fields))
        index = pandas.MultiIndex.from_tuples([(r.metric, r.label) for r in self.rows], names=["metric", "of"])
        found: dict[str, list[Any]] = {}
        for i, name in enumerate(self.names()):
            found[name] = [row.cells[i].value for row in self.rows]
            if self.reference is not None and self.columns[i] is not self.reference:
                found[f"{name} error"] = [row.cells[i].error for row in self.rows]
        found["unit"] = [row.unit for row in self.rows]
        return pandas.DataFrame(found, index=index)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text)


def _cell(cell: Cell, row: Row, notes: Footnotes, known: bool) -> str:
    text = "–" if cell.value is None else rounded(cell.value)
    if cell.error is None:
        return notes.marked(text, cell.note, cell.reason)
    as_if = "" if known or not row.per_voxel else UNKNOWN_VOXELS
    return notes.marked(f"{text} ({cell.error:+.1%})", as_if, cell.reason)
