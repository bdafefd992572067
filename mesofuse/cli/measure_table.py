"""The table of measured values that the terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from mesofuse.evaluation.compare import Cell, Row, curves_only
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.rounding import rounded
from mesofuse.evaluation.texture import FLOOR_NOTE, TEXTURE
from mesofuse.interfaces.metric import Measured
from mesofuse.report import terminal

UNKNOWN_VOXELS = "Voxel sizes are not known everywhere: shares of voxel faces are compared as if they were equal."
CURVES = "Curves only, no single values: --json has them."


def print_table(rows: Sequence[Row], columns: Sequence[Measured], reference: Measured | None) -> None:
    """Print a row a quantity and a column a volume, errors in brackets, then what was left out and why."""
    console = terminal.console()
    shown = [row for row in rows if any(cell.value for cell in row.cells)] if len(rows) > 60 else rows
    grid = Table(show_edge=False, pad_edge=False, header_style="bold")
    grid.add_column("metric", no_wrap=True)
    grid.add_column("of")
    for column in columns:
        grid.add_column(Path(column.volume).name + (" (reference)" if column is reference else ""), justify="right")
    grid.add_column("unit")
    notes = Footnotes()
    known = all(c.grid.known for c in columns)
    previous = ""
    for row in shown:
        grid.add_row(
            "" if row.metric == previous else row.metric,
            row.label,
            *[_cell(c, row, notes, known) for c in row.cells],
            row.unit,
        )
        previous = row.metric
    for metric in curves_only(columns):
        cells = [notes.marked("curves", CURVES) if _has(c, metric) else "–" for c in columns]
        grid.add_row(metric, "", *cells, "")
    console.print(grid)
    if len(shown) < len(rows):
        console.print(f"{len(rows) - len(shown)} rows of zeros are left out; --json has all.")
    if any(row.metric == TEXTURE and sum(c.value is not None for c in row.cells) > 1 for row in rows):
        console.print(FLOOR_NOTE)
    for line in notes.lines:
        console.print(line)
    for column in columns:
        for metric, reason in column.skipped.items():
            console.print(f"{Path(column.volume).name}: {metric} was not measured. {reason}")


def _has(measured: Measured, metric: str) -> bool:
    return any(r.metric == metric for r in measured.results)


def _cell(cell: Cell, row: Row, notes: Footnotes, known: bool) -> str:
    text = "–" if cell.value is None else rounded(cell.value)
    if cell.error is None:
        return notes.marked(text, cell.note, cell.reason)
    as_if = "" if known or not row.per_voxel else UNKNOWN_VOXELS
    return notes.marked(f"{text} ({cell.error:+.1%})", as_if, cell.reason)
