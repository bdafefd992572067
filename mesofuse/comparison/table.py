"""The table of a comparison that the terminal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from mesofuse.console import terminal
from mesofuse.console.progress import duration
from mesofuse.evaluation.comparison import cell_text, curves_only, overall
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.rounding import share
from mesofuse.streaming.plan import human_bytes

if TYPE_CHECKING:
    from rich.console import Console

    from mesofuse.comparison.run import Compared

CURVES = "Curves only, no single values: `mesofuse report` draws them."


def print_comparison(compared: Compared, console: Console | None = None) -> None:
    """Print a row a quantity and a column a volume, then time and memory; to the terminal where no console is given."""
    console = console or terminal.console()
    config, names = compared.config, [c.name for c in compared.columns]
    grid = Table(show_edge=False, pad_edge=False, header_style="bold")
    grid.add_column("metric", no_wrap=True)
    grid.add_column("of")
    grid.add_column("unit")
    grid.add_column(f"{compared.reference.name}\n(reference)", justify="right")
    grid.add_column("spread of\nsubvolumes", justify="right")
    for name in names[1:]:
        grid.add_column(name, justify="right")
    notes = Footnotes()
    previous = ""
    for line in compared.lines:
        own = line.entries[0]
        floor = "" if line.floor is None else f" ± {share(line.floor)}"
        reference = notes.marked(cell_text(own) + floor, own.note, own.reason)
        spread = "" if line.spread is None else f"± {share(line.spread)}"
        cells = [cell_text(entry, error_only=True, notes=notes) for entry in line.entries[1:]]
        metric = "" if line.metric == previous else line.metric
        grid.add_row(metric, line.label, line.unit, reference, spread, *cells)
        previous = line.metric
    for metric in curves_only(compared.columns, compared.lines):
        has = [any(name == metric for name, _ in c.sampled.curves) for c in compared.columns]
        words = [notes.marked("curves", CURVES) if there else "–" for there in has]
        grid.add_row(metric, "", "", words[0], "", *words[1:])
    means = [overall(compared.lines, i) for i in range(1, len(names))]
    grid.add_section()
    grid.add_row("mean |error|", "", "", "", "", *["–" if m is None else f"{m:.1%}" for m in means])
    usage = [compared.usage.get(name) for name in names[1:]]
    grid.add_row("time", "fit", "", "", "", *["–" if u is None else duration(u.fit_seconds) for u in usage])
    grid.add_row("", "generate", "", "", "", *["–" if u is None else duration(u.generate_seconds) for u in usage])
    grid.add_row("peak memory", "", "", "", "", *["–" if u is None else human_bytes(u.peak_bytes) for u in usage])
    if any(u is not None and u.device_peak_bytes for u in usage):
        cells = ["–" if u is None else human_bytes(u.device_peak_bytes) for u in usage]
        grid.add_row("peak GPU memory", "", "", "", "", *cells)
    console.print(grid)
    planar = compared.inputs.fusion.axes == (0,)
    parts = f"patches of {config.size}²" if planar else f"subvolumes of {config.size}³"
    console.print(
        f"Means over {config.subvolumes} {parts} voxels. In % the relative error against "
        f"the {compared.reference.name} ± its standard error. ± at the reference is its own relative standard error, "
        "the floor: errors below it can't be told from none. The spread is how far single subvolumes of it are off.",
    )
    for text in notes.lines:
        console.print(text)
    for column in compared.columns:
        for metric, reason in {**column.sampled.skipped, **column.whole.skipped}.items():
            console.print(f"{column.name}: {metric} was not measured. {reason}")
