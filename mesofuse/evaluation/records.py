"""Measured values as JSON that every reader takes: NaN is null, infinities are the texts ``inf`` and ``-inf``."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from mesofuse.evaluation.compare import Row
from mesofuse.interfaces.metric import Curve, Measured, Measurement, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import Grid


def to_json(measured: Measured) -> dict[str, Any]:
    """Return all that was measured as plain JSON values."""
    return {
        "volume": measured.volume,
        "grid": asdict(measured.grid),
        "results": [_result_to_json(result) for result in measured.results],
        "skipped": dict(measured.skipped),
    }


def from_json(data: dict[str, Any]) -> Measured:
    """Rebuild what `to_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: If the values are not such a record.
    """
    if not isinstance(data, dict) or not isinstance(data["grid"], dict):
        raise TypeError("a mapping with a grid is expected")
    grid: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in data["grid"].items()}
    return Measured(
        data["volume"], Grid(**grid), [_result_from_json(entry) for entry in data["results"]], dict(data["skipped"])
    )


def row_to_json(row: Row) -> dict[str, Any]:
    """Return a row of a comparison as plain JSON values."""
    cells = [
        {"value": _optional(c.value), "error": _optional(c.error), "note": c.note, "reason": c.reason}
        for c in row.cells
    ]
    return {"metric": row.metric, "label": row.label, "unit": row.unit, "per_voxel": row.per_voxel, "cells": cells}


def _result_to_json(result: Result) -> dict[str, Any]:
    data = asdict(result)
    if isinstance(result.label, Of) and not result.label.plain:
        of = result.label
        data["of"] = {"parts": list(of.parts), "along": of.along, "normals": of.normals}
    if isinstance(result, Curve):
        return data | {"x": [number(v) for v in result.x], "y": [number(v) for v in result.y]}
    return data | {"value": number(result.value)}


def _result_from_json(entry: dict[str, Any]) -> Result:
    entry = dict(entry)
    of = entry.pop("of", None)  # where the words alone do not tell
    entry["label"] = (
        Of.read(entry["label"]) if of is None else Of(*of["parts"], along=of["along"], normals=of["normals"])
    )
    if "value" in entry:
        return Measurement(**entry | {"value": _float(entry["value"])})
    return Curve(**entry | {"x": tuple(map(_float, entry["x"])), "y": tuple(map(_float, entry["y"]))})


def number(value: float) -> float | str | None:
    """Return a number as JSON takes it: NaN is null, infinities are texts."""
    if math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else str(float(value))


def _optional(value: float | None) -> float | str | None:
    return None if value is None else number(value)


def _float(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
