"""The table of numbers over several realisations."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mesofuse.evaluation.compare import table
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.layout import Layout, Tabular, pandas, without_repeats
from mesofuse.evaluation.records import number
from mesofuse.evaluation.rounding import rounded, with_error
from mesofuse.interfaces.metric import Measured

CURVES = "Curves only, no single values: the folder's realisations.json has them."
ONE_RESULT = "The method draws nothing: all seeds give one result, so there is no spread."


@dataclass(frozen=True)
class Spread:
    """One quantity over the realisations in which it is defined.

    Attributes:
        metric: Name of the metric.
        label: What of.
        unit: Unit of all values.
        mean: Mean.
        deviation: Standard deviation (n − 1); NaN below two values.
        least: Smallest value.
        most: Largest value.
        count: How many values.
        values: The value of each realisation; None where it was not measured or is undefined.
        reason: Why it is undefined in some; empty otherwise.
    """

    metric: str
    label: str
    unit: str
    mean: float
    deviation: float
    least: float
    most: float
    count: int
    values: tuple[float | None, ...]
    reason: str = ""


def spreads(measured: Sequence[Measured]) -> list[Spread]:
    """Return how each measured number spreads over realisations."""
    found = []
    for row in table(measured):
        values = [c.value if c.value is not None and math.isfinite(c.value) else None for c in row.cells]
        known = [v for v in values if v is not None]
        mean = statistics.fmean(known) if known else math.nan
        deviation = statistics.stdev(known) if len(known) > 1 else math.nan
        why = "; ".join(dict.fromkeys(cell.reason for cell in row.cells if cell.reason))
        least, most = min(known, default=math.nan), max(known, default=math.nan)
        found.append(
            Spread(row.metric, row.label, row.unit, mean, deviation, least, most, len(known), tuple(values), why)
        )
    return found


@dataclass(frozen=True)
class SpreadTable(Tabular):
    """A row per quantity: its mean and spread over realisations.

    Attributes:
        seeds: The realisations' seeds.
        spreads: The quantities.
        curves: Names under which there are curves but no single values.
        skipped: Metric name to the reason why it was not measured.
        draws: Whether the model draws anything; one that does not makes the same volume for every seed.
    """

    seeds: tuple[int, ...]
    spreads: tuple[Spread, ...]
    curves: tuple[str, ...]
    skipped: dict[str, str]
    draws: bool

    def layout(self) -> Layout:
        """Return mean ± standard deviation, least and most."""
        notes, rows = Footnotes(), []
        title = "mean ± standard deviation" if self.draws else notes.marked("value", ONE_RESULT)
        for s in self.spreads:
            mean = with_error(s.mean, s.deviation) if self.draws else rounded(s.mean)
            few = "" if s.count == len(self.seeds) else f" ({s.count} of {len(self.seeds)})"
            ends = [rounded(v, s.deviation) if s.count else "–" for v in (s.least, s.most)]
            rows.append((s.metric, s.label, notes.marked(mean + few, s.reason), *ends, s.unit))
        rows = without_repeats(rows)
        rows += [(metric, "", notes.marked("curves", CURVES), "", "", "") for metric in self.curves]
        below = [*notes.lines, *(f"{m} was not measured. {reason}" for m, reason in self.skipped.items())]
        return Layout(("metric", "of", title, "min", "max", "unit"), tuple(rows), tuple(below), "llrrrl")

    def to_json(self) -> list[dict[str, Any]]:
        """Return the quantities as plain JSON values."""
        return [
            {key: number(value) if isinstance(value, float) else value for key, value in asdict(spread).items()}
            for spread in self.spreads
        ]

    def to_csv(self) -> str:
        """Return the quantities as CSV, in full, with the value of each realisation."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        heads = ("metric", "label", "unit", "mean", "standard deviation", "min", "max", "count")
        writer.writerow([*heads, *(f"seed {seed}" for seed in self.seeds)])
        for s in self.spreads:
            known = [s.metric, s.label, s.unit, s.mean, s.deviation, s.least, s.most, s.count]
            writer.writerow([*known, *("" if v is None else v for v in s.values)])
        return text.getvalue()

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame, a row per quantity.

        Raises:
            UserError: If pandas is not installed.
        """
        return pandas().read_csv(io.StringIO(self.to_csv()))
