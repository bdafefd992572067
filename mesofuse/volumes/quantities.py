"""Units of measured values: powers of a length, written for people and compared across units of length."""

from __future__ import annotations

from mesofuse.volumes.grid import SYMBOLS, Grid
from mesofuse.volumes.units import METRES

_POWERS = {"": 1, "²": 2, "³": 3, "⁻¹": -1, "⁻²": -2, "⁻³": -3}
_METRES = {SYMBOLS[unit]: metres for unit, metres in METRES.items()}


def power_unit(grid: Grid, power: int) -> str:
    """Return the grid's unit of length to a power, such as ``µm⁻¹``; ``voxel⁻¹`` where the voxel size is unknown."""
    return grid.symbol + next(sign for sign, value in _POWERS.items() if value == power)


def conversion(unit: str, to: str) -> float | None:
    """Return the factor that turns values in ``unit`` into values in ``to`` (``nm⁻¹`` to ``µm⁻¹``: 1000), or None."""
    if unit == to:
        return 1.0
    (symbol, power), (target, target_power) = _split(unit), _split(to)
    if power != target_power or symbol not in _METRES or target not in _METRES:
        return None
    return float((_METRES[symbol] / _METRES[target]) ** power)


def _split(unit: str) -> tuple[str, int]:
    symbol = unit.rstrip("²³⁻¹")
    return symbol, _POWERS.get(unit[len(symbol) :], 0)
