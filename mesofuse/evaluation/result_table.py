"""The table of measured volumes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from mesofuse.errors import UserError
from mesofuse.evaluation.compare import Cell, Row, curves_only, table
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.layout import Layout, Tabular, file_name, pandas, without_repeats
from mesofuse.evaluation.records import row_to_json, to_json
from mesofuse.evaluation.rounding import rounded
from mesofuse.evaluation.texture import FLOOR_NOTE, TEXTURE
from mesofuse.interfaces.metric import Curve, Measured

UNKNOWN_VOXELS = "Voxel sizes are not known everywhere: values that depend on them are compared as if they were equal."
CURVES = "Curves only, no single values: the JSON output has them."
MANY_ROWS = 60
"""Tables longer than this leave out rows of zeros where people read them."""


class ResultTable(Tabular):
    """Measured volumes next to each other: a row per quantity, a column per volume.

    Args:
        columns: What was measured, the reference among them if it is to have a column.
        reference: What relative errors are against, or None.
    """

    def __init__(self, columns: Sequence[Measured], reference: Measured | None = None) -> None:
        self.columns, self.reference = tuple(columns), reference
        self.rows: list[Row] = table(columns, reference)

    def names(self) -> list[str]:
        """Return the names of the columns; a file's is that of the file alone."""
        return [file_name(column.volume) for column in self.columns]

    def layout(self) -> Layout:
        """Return the table as people read it, relative errors in brackets."""
        rows, notes = self.rows, Footnotes()
        shown = [row for row in rows if any(cell.value for cell in row.cells)] if len(rows) > MANY_ROWS else rows
        known = all(column.grid.known for column in self.columns)
        cells = without_repeats(
            (row.metric, row.label, *(_cell(cell, row, notes, known) for cell in row.cells), row.unit) for row in shown
        )
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
        align = f"ll{'r' * len(titles)}l"
        return Layout(("metric", "of", *titles, "unit"), tuple(cells), tuple(below), align)

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

    def __repr__(self) -> str:
        """Return what is in the table, in a line."""
        return f"<table of {len(self.rows)} quantities of {', '.join(self.names())}>"

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
            curves: Return the curves, a row per point (volume, metric, of, x, y, units), instead of the single numbers,
                which have a row per quantity and a column per volume, and next to it its relative error against the
                reference, if any.

        Raises:
            UserError: If pandas is not installed.
        """
        frames = pandas()
        if curves:
            fields = ("volume", "metric", "of", "x", "y", "x unit", "y unit")
            points = [
                (name, c.metric, c.label, x, y, c.x_unit, c.y_unit)
                for name, c in self.curves()
                for x, y in zip(c.x, c.y, strict=True)
            ]
            return frames.DataFrame(points, columns=list(fields))
        index = frames.MultiIndex.from_tuples([(r.metric, r.label) for r in self.rows], names=["metric", "of"])
        found: dict[str, list[Any]] = {}
        for i, name in enumerate(self.names()):
            found[name] = [row.cells[i].value for row in self.rows]
            if self.reference is not None and self.columns[i] is not self.reference:
                found[f"{name} error"] = [row.cells[i].error for row in self.rows]
        found["unit"] = [row.unit for row in self.rows]
        return frames.DataFrame(found, index=index)


def _cell(cell: Cell, row: Row, notes: Footnotes, known: bool) -> str:
    text = "–" if cell.value is None else rounded(cell.value)
    if cell.error is None:
        return notes.marked(text, cell.note, cell.reason)
    as_if = "" if known or not row.per_voxel else UNKNOWN_VOXELS
    return notes.marked(f"{text} ({cell.error:+.1%})", as_if, cell.reason)
