"""Tables on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from mesofuse.console import terminal
from mesofuse.evaluation.layout import Tabular

if TYPE_CHECKING:
    from rich.console import Console


def print_table(table: Tabular, console: Console | None = None) -> None:
    """Print a table with its notes below; to the terminal where no console is given."""
    console = console or terminal.console()
    shown = table.layout()
    grid = Table(show_edge=False, pad_edge=False, header_style="bold")
    for i, (title, side) in enumerate(zip(shown.header, shown.align, strict=True)):
        grid.add_column(title, justify="right" if side == "r" else "left", no_wrap=i == 0)
    for row in shown.rows:
        if row:
            grid.add_row(*row)
        else:
            grid.add_section()
    console.print(grid)
    for line in shown.notes:
        console.print(line)
