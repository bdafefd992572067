"""The table of measured values that the terminal shows."""

from __future__ import annotations

from rich.table import Table

from mesofuse.console import terminal
from mesofuse.evaluation.result_table import ResultTable


def print_table(table: ResultTable) -> None:
    """Print a row a quantity and a column a volume, errors in brackets, then what was left out and why."""
    console = terminal.console()
    shown = table.layout()
    grid = Table(show_edge=False, pad_edge=False, header_style="bold")
    grid.add_column(shown.header[0], no_wrap=True)
    grid.add_column(shown.header[1])
    for title in shown.header[2:-1]:
        grid.add_column(title, justify="right")
    grid.add_column(shown.header[-1])
    for row in shown.rows:
        grid.add_row(*row)
    console.print(grid)
    for line in shown.notes:
        console.print(line)
