"""The table of measured values that the terminal shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from mesofuse.evaluation.compare import Cell, Row
from mesofuse.interfaces.metric import Measured
from mesofuse.report import terminal


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
    notes: list[str] = []
    previous = ""
    for row in shown:
        grid.add_row(
            "" if row.metric == previous else row.metric,
            row.label,
            *[_cell(c, row, notes) for c in row.cells],
            row.unit,
        )
        previous = row.metric
    console.print(grid)
    if len(shown) < len(rows):
        console.print(f"{len(rows) - len(shown)} rows of zeros are left out; --json has all.")
    if reference is not None and any(row.per_voxel for row in rows) and not all(c.grid.known for c in columns):
        notes.append("Voxel sizes are not known everywhere; shares of voxel faces are compared as if they were equal.")
    for number, note in enumerate(notes, 1):
        console.print(f"[{number}] {note}")
    for column in columns:
        for metric, reason in column.skipped.items():
            console.print(f"{Path(column.volume).name}: {metric} was not measured. {reason}")


def _cell(cell: Cell, row: Row, notes: list[str]) -> str:
    text = "–" if cell.value is None else _number(cell.value)
    if cell.error is not None:
        return f"{text} ({cell.error:+.1%})"
    if cell.note:
        note = f"{row.metric}: {cell.note}."
        if note not in notes:
            notes.append(note)
        return f"{text} [{notes.index(note) + 1}]"
    return text


def _number(value: float) -> str:
    if math.isnan(value):
        return "undefined"
    return "∞" if math.isinf(value) else f"{value:.4g}"
