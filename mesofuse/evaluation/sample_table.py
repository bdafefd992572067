"""The table of volumes measured in random subvolumes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from mesofuse.evaluation.distributions import Distance, Summary, distance, summary, undefined
from mesofuse.evaluation.footnotes import Footnotes
from mesofuse.evaluation.layout import Layout, Tabular, file_name, without_repeats
from mesofuse.evaluation.records import number
from mesofuse.evaluation.rounding import with_error
from mesofuse.evaluation.subvolumes import Key, Sampled
from mesofuse.volumes.quantities import conversion

CURVES = "Curves only, no single values: --record keeps those of each subvolume."


@dataclass
class SampleTable(Tabular):
    """Distributions of several volumes over random subvolumes.

    Attributes:
        columns: One for each volume.
        reference: The one that errors are relative to, or None.
        settings: How the subvolumes were drawn.
    """

    columns: list[Sampled]
    reference: Sampled | None
    settings: dict[str, Any]

    def keys(self) -> list[Key]:
        """Return every quantity that any of them has."""
        return list(dict.fromkeys(key for column in self.columns for key in column.values))

    def unit(self, key: Key) -> str:
        """Return the unit of a row: the reference's, else the first's that has it."""
        have = [c for c in [*([self.reference] if self.reference else []), *self.columns] if key in c.units]
        return have[0].units[key]

    def cell(self, column: Sampled, key: Key) -> tuple[Summary | None, Distance | None]:
        """Return one volume's entry in a row: its mean in the row's unit, and its distance from the reference."""
        if key not in column.values or (factor := conversion(column.units[key], self.unit(key))) is None:
            return None, None
        against = self.reference is not None and column is not self.reference and key in self.reference.values
        found = distance(column, self.reference, key) if against and self.reference is not None else None
        return summary(column, key, factor), found

    def to_json(self) -> dict[str, Any]:
        """Return all as plain JSON values, each subvolume's value included."""
        rows = []
        for key in self.keys():
            cells = []
            for column in self.columns:
                mean, apart = self.cell(column, key)
                values = [number(v) for v in column.values[key].tolist()] if key in column.values else []
                reason = undefined(column, key)
                cells.append({"summary": _plain(mean), "distance": _plain(apart), "values": values, "reason": reason})
            rows.append({"metric": key[0], "label": key[1], "unit": self.unit(key), "cells": cells})
        return {
            "volumes": [c.volume for c in self.columns],
            "reference": self.reference.volume if self.reference else None,
            "settings": {k: v for k, v in self.settings.items() if k != "workers"},
            "skipped": {c.volume: c.skipped for c in self.columns},
            "table": rows,
        }

    def curves_only(self) -> list[str]:
        """Return the names under which there are curves but no single values."""
        single = {metric for column in self.columns for metric, _ in column.values}
        return list(dict.fromkeys(m for column in self.columns for m, _ in column.curves if m not in single))

    def layout(self) -> Layout:
        """Return mean ± standard error of every quantity, and the error against the reference with its interval."""
        names = [file_name(column.volume) for column in self.columns]
        notes = Footnotes()

        def cells(key: Key) -> list[str]:
            return [_text(*self.cell(column, key), undefined(column, key), notes) for column in self.columns]

        rows = without_repeats((*key, *cells(key), self.unit(key)) for key in self.keys())
        for metric in self.curves_only():
            there = [any(name == metric for name, _ in column.curves) for column in self.columns]
            rows.append((metric, "", *[notes.marked("curves", CURVES) if has else "–" for has in there], ""))
        below = ["mean ± standard error; in brackets the error of the mean with its 95 % interval", *notes.lines]
        below += [
            f"{name} holds no two such subvolumes side by side, so its means have no standard error."
            for name, column in zip(names, self.columns, strict=True)
            if column.independent < 2
        ]
        for name, column in zip(names, self.columns, strict=True):
            below += [f"{name}: {metric} was not measured. {reason}" for metric, reason in column.skipped.items()]
        titles = [
            f"{name} (reference)" if column is self.reference else name
            for name, column in zip(names, self.columns, strict=True)
        ]
        return Layout(("metric", "of", *titles, "unit"), tuple(rows), tuple(below), f"ll{'r' * len(titles)}l")


def _plain(entry: Summary | Distance | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {
        key: [number(v) for v in value]
        if isinstance(value, tuple)
        else number(value)
        if isinstance(value, float)
        else value
        for key, value in asdict(entry).items()
    }


def _text(mean: Summary | None, apart: Distance | None, reason: str, notes: Footnotes) -> str:
    if mean is None:
        return "–"
    if math.isnan(mean.mean):
        return notes.marked("undefined" if mean.finite else "nowhere finite", reason)
    text = with_error(mean.mean, mean.error)
    if mean.finite < 1:
        text += f", finite in {mean.finite:.0%}"
    if apart is not None and apart.relative is not None:
        interval = "" if apart.interval is None else f", {apart.interval[0]:+.1%} to {apart.interval[1]:+.1%}"
        text += f" ({apart.relative:+.1%}{interval})"
    return notes.marked(text, apart.note if apart else "", reason)
