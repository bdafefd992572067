"""Numbers for people: as many digits as their error supports, or four where none is known."""

from __future__ import annotations

import math

DIGITS = 4
NOISE = 1e-12  # an error of less than this share is the arithmetic's
SMALL = 1e-5  # relative errors of relative errors below this are shown as 0
PLAIN = 5  # powers of ten to either side within which a number is written out


def rounded(value: float, error: float = math.nan, digits: int = DIGITS) -> str:
    """Return a value with as many digits as its error supports: up to the error's second digit.

    Args:
        value: The value; NaN is ``undefined``, infinity ``∞``.
        error: Its standard error or spread.
        digits: Significant digits that are kept where the error is not known, or 0.
    """
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if not math.isfinite(error) or error <= NOISE * abs(value):
        return _bare(_written(value, digits - 1 - _power(float(f"{value:.{digits - 1}e}"))))
    return _written(value, 1 - _power(float(f"{abs(error):.1e}")))


def with_error(value: float, error: float) -> str:
    """Return ``value ± error``, the error to two significant digits and the value to the same place.

    An error that is not known leaves the value alone.
    """
    if not math.isfinite(value) or not math.isfinite(error):
        return rounded(value)
    if error <= NOISE * abs(value):
        return f"{rounded(value)} ± 0"
    places = 1 - _power(float(f"{abs(error):.1e}"))
    power = max(_power(value), _power(error))
    if -PLAIN <= power <= PLAIN:
        return f"{_written(value, places)} ± {_written(error, places)}"
    return f"({_fixed(value / 10.0**power, places + power)} ± {_fixed(error / 10.0**power, places + power)})e{power:+d}"


def percent(share: float, error: float | None = None) -> str:
    """Return a relative error as ``+1.23 ± 0.45 %``; with one decimal place where its own error is not known, or 0."""
    if error is None or not math.isfinite(error):
        return f"{100 * share:+.1f} %"
    if error < SMALL:
        return f"{100 * share:+.1f} ± 0 %"
    text = with_error(100 * share, 100 * error)
    return ("+" if share > 0 and not text.startswith("(") else "") + f"{text} %"


def share(error: float) -> str:
    """Return a relative error without direction, two significant digits: ``1.2 %``."""
    return f"{_written(100 * error, 1 - _power(float(f'{100 * error:.1e}')))} %" if math.isfinite(error) else "∞"


def _power(value: float) -> int:
    """Return the power of ten of the first digit."""
    return math.floor(math.log10(abs(value))) if value else 0


def _written(value: float, places: int) -> str:
    """Write a number to so many decimal places (fewer than none round before the point)."""
    power = _power(round(value, places) or value)
    if value == 0 or -PLAIN <= power <= PLAIN:
        return _fixed(value, places)
    return f"{value:.{max(0, places + power)}e}"


def _bare(text: str) -> str:
    """Leave out zeros at the end that say nothing."""
    digits, e, power = text.partition("e")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + e + power


def _fixed(value: float, places: int) -> str:
    return f"{round(value, places) + 0.0:.{max(0, places)}f}"
