"""Set measured volumes side by side, and against a reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mesofuse.interfaces.metric import Curve, Measured, Measurement
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.quantities import conversion

UNLIKE_VOXELS = "not comparable: it depends on the voxel size, which differs"


@dataclass(frozen=True)
class Cell:
    """One volume's entry in a row.

    Attributes:
        value: The number in the row's unit; None where it was not measured.
        error: Relative error against the reference, (value − reference) / |reference|; None where there is none.
        note: Why there is no error although both have a value; empty otherwise.
        reason: Why the value is NaN or infinite; empty otherwise.
    """

    value: float | None
    error: float | None = None
    note: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """One measured quantity of every volume.

    Attributes:
        metric: Name of the metric.
        label: What of.
        unit: Unit of all values of the row.
        per_voxel: Whether the values depend on the voxel size.
        cells: One a volume, in the order given; the reference's own cell has no error.
    """

    metric: str
    label: str
    unit: str
    per_voxel: bool
    cells: tuple[Cell, ...]


def table(volumes: Sequence[Measured], reference: Measured | None = None) -> list[Row]:
    """Return one row per quantity, in order of first appearance, with a cell a volume.

    Args:
        volumes: What to show, the reference among them if it shall have a column.
        reference: What errors are relative to.
    """
    keys = dict.fromkeys((m.metric, m.label) for v in volumes for m in v.results if isinstance(m, Measurement))
    indexed = [_index(v) for v in volumes]
    truth = _index(reference) if reference is not None else {}
    rows = []
    for key in keys:
        entries = [index.get(key) for index in indexed]
        first = truth.get(key) or next(entry for entry in entries if entry)
        cells = []
        for volume, entry in zip(volumes, entries, strict=True):
            if entry is None:
                cells.append(Cell(None))
            elif reference is None or volume is reference or key not in truth:
                value = _convert(entry, first.unit)
                cells.append(Cell(value, note="" if value is not None else f"in {entry.unit}", reason=entry.reason))
            else:
                cells.append(_against(entry, volume.grid, truth[key], reference.grid))
        rows.append(Row(*key, first.unit, first.per_voxel, tuple(cells)))
    return rows


def curves_only(columns: Sequence[Measured]) -> list[str]:
    """Return the names under which there are curves but no single values."""
    single = {r.metric for c in columns for r in c.results if isinstance(r, Measurement)}
    curves = dict.fromkeys(r.metric for c in columns for r in c.results if isinstance(r, Curve))
    return [name for name in curves if name not in single]


def relative_error(value: float, reference: float) -> float | None:
    """Return (value − reference) / |reference|; None where it is not defined."""
    if value == reference:
        return 0.0
    if math.isnan(value) or math.isnan(reference) or reference == 0 or math.isinf(reference):
        return None
    return (value - reference) / abs(reference)


def _index(measured: Measured) -> dict[tuple[str, str], Measurement]:
    return {(m.metric, m.label): m for m in measured.results if isinstance(m, Measurement)}


def _convert(entry: Measurement, unit: str) -> float | None:
    factor = conversion(entry.unit, unit)
    return None if factor is None else entry.value * factor


def _against(entry: Measurement, grid: Grid, truth: Measurement, truth_grid: Grid) -> Cell:
    value = _convert(entry, truth.unit)
    if value is None:
        return Cell(
            None, note=f"{entry.unit} can't be turned into {truth.unit}: one of the two voxel sizes is not known"
        )
    if (entry.per_voxel or truth.per_voxel) and not same_voxels(grid, truth_grid):
        return Cell(value, note=UNLIKE_VOXELS, reason=entry.reason)
    return Cell(value, relative_error(value, truth.value), reason=entry.reason)


def same_voxels(one: Grid, other: Grid) -> bool:
    """Return whether two grids have voxels of the same physical size; grids of unknown size are taken as alike.

    Next to another image the axis that an image is normal to is left out. Next to a volume, whose planes in all
    directions it stands for, the volume's voxels must be cubes of its pixels, or as long along that axis as the image's
    grid says (a job's image has there what other images say).
    """
    if not (one.known and other.known):
        return True
    factor = conversion(one.symbol, other.symbol)
    if factor is None:
        return False
    mine, theirs = [v * factor for v in one.voxel_size], list(other.voxel_size)
    flat, other_flat = one.shape[0] == 1, other.shape[0] == 1
    if not _alike(mine[1:], theirs[1:]):
        return False
    if (flat and other_flat) or _alike(mine, theirs):
        return True
    volume = theirs if flat else mine
    return flat != other_flat and _alike(volume[:1] * 2, volume[1:])


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-3) for a, b in zip(one, other, strict=True))
