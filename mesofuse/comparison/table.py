"""The table of a comparison."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from mesofuse.comparison.compared import Compared
from mesofuse.console.progress import duration
from mesofuse.evaluation.comparison import cell_text, curves_only, line_to_json, overall
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.layout import RULE, Layout, Tabular, pandas, without_repeats
from mesofuse.evaluation.rounding import rounded, share
from mesofuse.models.provenance import versions
from mesofuse.streaming.plan import human_bytes

CURVES = "Curves only, no single values: `mesofuse report` draws them."


class ComparisonTable(Tabular):
    """A row per quantity and a column per volume, then time and memory.

    Args:
        compared: The finished comparison.
    """

    def __init__(self, compared: Compared) -> None:
        self.compared = compared

    def layout(self) -> Layout:
        """Return relative errors against the reference, which has its values."""
        compared = self.compared
        config, names = compared.config, [c.name for c in compared.columns]
        notes, rows = Footnotes(), []
        for line in compared.lines:
            own = line.entries[0]
            floor = "" if line.floor is None else f" ± {share(line.floor)}"
            reference = notes.marked(cell_text(own) + floor, own.note, own.reason)
            spread = "" if line.spread is None else f"± {share(line.spread)}"
            cells = [cell_text(entry, error_only=True, notes=notes) for entry in line.entries[1:]]
            rows.append((line.metric, line.label, line.unit, reference, spread, *cells))
        rows = without_repeats(rows)
        for metric in curves_only(compared.columns, compared.lines):
            has = [any(name == metric for name, _ in c.sampled.curves) for c in compared.columns]
            words = [notes.marked("curves", CURVES) if there else "–" for there in has]
            rows.append((metric, "", "", words[0], "", *words[1:]))
        rows += [RULE, *self._costs(names)]
        planar = compared.inputs.fusion.axes == (0,)
        parts = f"patches of {config.size}²" if planar else f"subvolumes of {config.size}³"
        below = [
            f"Means over {config.subvolumes} {parts} voxels. In % the relative error against the "
            f"{compared.reference.name} ± its standard error. ± at the reference is its own relative standard error, "
            "the floor: errors below it can't be told from none. The spread is how far single subvolumes of it are "
            "off.",
            *notes.lines,
        ]
        for column in compared.columns:
            below += [f"{column.name}: {m} was not measured. {reason}" for m, reason in column.skipped.items()]
        header = ("metric", "of", "unit", f"{compared.reference.name}\n(reference)", "spread of\nsubvolumes")
        return Layout((*header, *names[1:]), tuple(rows), tuple(below), f"lllrr{'r' * len(names[1:])}")

    def _costs(self, names: list[str]) -> list[tuple[str, ...]]:
        """Return the rows of the mean error, of time and of memory."""
        compared = self.compared
        means = [overall(compared.lines, i) for i in range(1, len(names))]
        usage = [compared.usage.get(name) for name in names[1:]]
        rows = [("mean |error|", "", "", "", "", *["–" if m is None else f"{m:.1%}" for m in means])]
        rows.append(("time", "fit", "", "", "", *["–" if u is None else duration(u.fit_seconds) for u in usage]))
        rows.append(("", "generate", "", "", "", *["–" if u is None else duration(u.generate_seconds) for u in usage]))
        rows.append(("peak memory", "", "", "", "", *["–" if u is None else human_bytes(u.peak_bytes) for u in usage]))
        if any(u is not None and u.device_peak_bytes for u in usage):
            cells = ["–" if u is None else human_bytes(u.device_peak_bytes) for u in usage]
            rows.append(("peak GPU memory", "", "", "", "", *cells))
        return rows

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain JSON values, numbers in full."""
        compared = self.compared
        names = [c.name for c in compared.columns]
        return {
            "reference": compared.reference.name,
            "columns": names,
            "subvolumes": compared.config.subvolumes,
            "size": compared.config.size,
            "table": [line_to_json(line) for line in compared.lines],
            "mean_absolute_error": {n: overall(compared.lines, i) for i, n in enumerate(names)},
            "usage": {name: vars(usage) for name, usage in compared.usage.items()},
            "skipped": {c.name: c.skipped for c in compared.columns},
            "inputs": compared.inputs.hashes,
            "versions": versions(),
        }

    def to_csv(self) -> str:
        """Return the table as CSV: one row per quantity and volume, so that any program can pivot it.

        Numbers are rounded to their errors, or to six digits; the JSON has them as they are.
        """
        fields = (
            "mean",
            "error",
            "spread",
            "relative",
            "relative_error",
            "wasserstein",
            "whole",
            "finite",
            "note",
            "reason",
        )
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["metric", "of", "unit", "volume", *fields, "reference_floor", "reference_spread"])
        for line in self.compared.lines:
            plain = line_to_json(line)
            for column, entry in zip(self.compared.columns, plain["entries"], strict=True):
                errors = {"mean": entry["error"], "relative": entry["relative_error"]}
                cells = [_cell(entry[f], errors.get(f)) for f in fields]
                row = [line.metric, line.label, line.unit, column.name, *cells]
                writer.writerow([*row, _cell(plain["floor"]), _cell(plain["spread"])])
        for name, usage in self.compared.usage.items():
            for label, unit, value in (
                ("fit", "s", usage.fit_seconds), ("generate", "s", usage.generate_seconds),
                ("peak memory", "B", usage.peak_bytes), ("peak GPU memory", "B", usage.device_peak_bytes),
            ):  # fmt: skip
                writer.writerow(["cost", label, unit, name, *[None] * 6, value, None, None, None, None, None])
        return text.getvalue()

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame, a row per quantity and volume; numbers are rounded as in `to_csv`.

        Raises:
            UserError: If pandas is not installed.
        """
        return pandas().read_csv(io.StringIO(self.to_csv()))


def _cell(value: Any, error: Any = None) -> Any:
    """Round what is a number for CSV; what has no value stays empty."""
    if not isinstance(value, float):
        return value
    return rounded(value, error if isinstance(error, float) else math.nan, digits=6)
