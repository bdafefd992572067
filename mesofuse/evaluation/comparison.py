"""The table of a comparison: methods against a reference, with what chance alone would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mesofuse.evaluation.compare import relative_error
from mesofuse.evaluation.directions import of_planes
from mesofuse.evaluation.distributions import distance, summary, undefined
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.records import number
from mesofuse.evaluation.rounding import percent, rounded
from mesofuse.evaluation.subvolumes import Key, Sampled
from mesofuse.interfaces.metric import Measured, Measurement


@dataclass(frozen=True)
class Entry:
    """One volume's part of a row.

    Attributes:
        mean: Mean over the subvolumes, in the row's unit; None where it was not measured.
        error: Its standard error.
        spread: Standard deviation between subvolumes.
        relative: Relative error of the mean against the reference's; None where it is not defined.
        relative_error: Standard error of ``relative``. Where both volumes have the same subvolumes it is that of their
            differences subvolume by subvolume, else both means are taken as independent.
        wasserstein: Earth mover's distance to the reference's distribution, in the row's unit.
        whole: The value of the whole volume.
        finite: Share of subvolumes where the value is finite.
        note: Why there is no relative error.
        reason: Why the value is not finite, or not in all subvolumes.
    """

    mean: float | None = None
    error: float | None = None
    spread: float | None = None
    relative: float | None = None
    relative_error: float | None = None
    wasserstein: float | None = None
    whole: float | None = None
    finite: float | None = None
    note: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Line:
    """One quantity of all volumes.

    Attributes:
        metric: Name of the metric.
        label: What of.
        unit: Unit of all values.
        floor: Relative standard error of the reference's own mean: a smaller error can't be told from none.
        spread: Relative standard deviation of the reference's subvolumes: how far one of them is off by itself.
        entries: One a volume, in the order given.
    """

    metric: str
    label: str
    unit: str
    floor: float | None
    spread: float | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Column:
    """A volume of the comparison: its subvolumes' values and those of the whole."""

    name: str
    sampled: Sampled
    whole: Measured

    @property
    def skipped(self) -> dict[str, str]:
        """Metric name to the reason why neither its subvolumes nor the whole were measured."""
        there = {result.metric for result in self.whole.results}
        apart = {name: why for name, why in self.sampled.skipped.items() if name not in there}
        return apart | self.whole.skipped


def lines(columns: Sequence[Column], reference: Column) -> list[Line]:
    """Return one line a quantity that any volume has in its subvolumes, then those that only whole volumes have."""
    sampled = dict.fromkeys(key for c in columns for key in c.sampled.values)
    whole = dict.fromkeys(key for c in columns for key in _index(c.whole) if key not in sampled)
    return [_line(key, columns, reference) for key in (*sampled, *whole)]


def overall(found: Sequence[Line], column: int) -> float | None:
    """Return the mean of |relative error| over all quantities where it is defined, or None where it nowhere is.

    What a metric finds in planes normal to some axes is left out where its values of the whole count already.
    """
    known = [(n, r) for n in found if (r := n.entries[column].relative) is not None and math.isfinite(r)]
    whole = {line.metric for line, _ in known if not of_planes(line.label)}
    errors = [abs(r) for line, r in known if not of_planes(line.label) or line.metric not in whole]
    return float(np.mean(errors)) if errors else None


def cell_text(entry: Entry, *, error_only: bool = False, notes: Footnotes | None = None) -> str:
    """Return an entry for people: its value, with the relative error where there is one.

    Args:
        entry: The entry.
        error_only: Leave the value out where there is an error.
        notes: Takes why a value, or its error, is not there, and gives the marker.
    """
    value = entry.whole if entry.mean is None else entry.mean
    if value is None:
        text = "–"
    elif entry.finite == 0:
        text = "none finite"
    else:
        text = rounded(value, math.nan if entry.mean is None or entry.error is None else entry.error)
        if entry.relative is not None:
            relative = percent(entry.relative, entry.relative_error)
            text = relative if error_only else f"{text} ({relative})"
        if entry.finite is not None and entry.finite < 1:
            text += f", {entry.finite:.0%} finite"
    return text if notes is None else notes.marked(text, entry.note, entry.reason)


def curves_only(columns: Sequence[Column], found: Sequence[Line]) -> list[str]:
    """Return the names under which there are curves but no single values."""
    single = {line.metric for line in found}
    return list(dict.fromkeys(m for c in columns for m, _ in c.sampled.curves if m not in single))


def line_to_json(line: Line) -> dict[str, Any]:
    """Return a line as plain values; NaN is null, infinities are texts (see `records`)."""
    return _plain(asdict(line))  # type: ignore[no-any-return]


def _line(key: Key, columns: Sequence[Column], reference: Column) -> Line:
    own = summary(reference.sampled, key) if key in reference.sampled.values else None
    first = reference if own else next((c for c in columns if key in c.sampled.values), None)
    whole_unit = next((m[key].unit for c in columns if key in (m := _index(c.whole))), "")
    unit = first.sampled.units[key] if first else whole_unit
    floor = abs(own.error / own.mean) if own and own.mean and math.isfinite(own.error) else None
    spread = abs(own.deviation / own.mean) if own and own.mean and math.isfinite(own.deviation) else None
    return Line(*key, unit, floor, spread, tuple(_entry(key, column, reference, unit) for column in columns))


def _entry(key: Key, column: Column, reference: Column, unit: str) -> Entry:
    from mesofuse.volumes.quantities import conversion

    measured = _index(column.whole).get(key)
    factor = conversion(measured.unit, unit) if measured else None
    whole = measured.value * factor if measured and factor is not None else None
    if key not in column.sampled.values:
        return Entry(whole=whole, reason=measured.reason if measured else "")
    reason = undefined(column.sampled, key)
    factor = conversion(column.sampled.units[key], unit)
    if factor is None:
        return Entry(whole=whole, note=f"in {column.sampled.units[key]}")
    own = summary(column.sampled, key, factor)
    plain = Entry(own.mean, own.error, own.deviation, whole=whole, finite=own.finite, reason=reason)
    if column is reference or key not in reference.sampled.values:
        return plain
    far = distance(column.sampled, reference.sampled, key)
    if far.note:
        return replace(plain, note=far.note)
    spread = _paired(column.sampled, reference.sampled, key, factor)
    truth = summary(reference.sampled, key)
    if spread is None and truth.mean:
        spread = math.hypot(own.error, own.mean / truth.mean * truth.error) / abs(truth.mean)
    relative = relative_error(own.mean, truth.mean)
    return replace(
        plain, relative=relative, relative_error=None if relative is None else spread, wasserstein=far.wasserstein
    )


def _paired(sampled: Sampled, reference: Sampled, key: Key, factor: float) -> float | None:
    """Return the relative standard error of the mean difference where both were measured in the same places."""
    same = sampled.grid.shape == reference.grid.shape and sampled.regions == reference.regions
    if not same:
        return None
    mine, theirs = sampled.values[key] * factor, reference.values[key]
    both = np.isfinite(mine) & np.isfinite(theirs)
    # Where a phase percolates in one volume alone, the two means are of different subvolumes.
    if not both.all() or both.sum() < 2 or not theirs.mean():
        return None
    # The ratio of two means, first order: its residuals are mine − ratio · theirs.
    ratio = mine.mean() / theirs.mean()
    residual = float((mine - ratio * theirs).std(ddof=1))
    independent = min(sampled.independent, reference.independent)
    if independent < 2:
        return 0.0 if residual == 0 else None
    return residual / math.sqrt(independent) / abs(float(theirs.mean()))


def _index(measured: Measured) -> dict[Key, Measurement]:
    return {(m.metric, m.label): m for m in measured.results if isinstance(m, Measurement)}


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(value) for value in data]
    return number(data) if isinstance(data, float) else data
