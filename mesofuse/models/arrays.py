"""A model's arrays as a safetensors file: which come back as they went, and which can't be kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesofuse.errors import UserError

KEPT = (
    "bool",
    "float16",
    "float32",
    "float64",
    "complex64",
    *(f"{u}int{n}" for n in (8, 16, 32, 64) for u in ("", "u")),
)
"""The types of numbers that a package holds."""
HEADER_BYTES = 2**24
"""Longest list of arrays that is read: some hundred thousand of them."""


def pack(state: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of a safetensors file; `unpack` gives equal ones, contiguous and in native byte order.

    Raises:
        UserError: If a name is not usable, or an array is of a type that such a file does not hold, or has NaN.
    """
    from safetensors.numpy import save

    return save({name: _storable(name, value) for name, value in state.items()})


def _storable(name: object, value: object) -> np.ndarray:
    if not isinstance(name, str) or not name or name == "__metadata__":
        raise UserError(f"A model's array can't be kept under the name {name!r}: give it a text as its name.")
    plain = isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray)
    kind = str(getattr(value, "dtype", "")) if plain else type(value).__name__
    if not isinstance(value, np.ndarray) or not plain or value.dtype.name not in KEPT:
        raise UserError(
            f"The model's {name!r} is of the type {kind}, which a package can't hold: keep numpy arrays of "
            f"{', '.join(KEPT)}."
        )
    _refuse_nan(f"The model's {name!r}", value)
    # Unlike numpy.ascontiguousarray, this leaves an array without axes without them.
    return np.asarray(value, value.dtype.newbyteorder("="), order="C")


def unpack(data: bytes, source: str) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file.

    Args:
        data: The whole file.
        source: What to call it in an error.

    Raises:
        UserError: If it is not such a file, is damaged, or holds arrays of another type or with NaN.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if int.from_bytes(data[:8], "little") > HEADER_BYTES:
        raise UserError(f"{source} is not a file of arrays, or is damaged: its header would be longer than 16 MiB.")
    try:
        arrays = load(data)
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{source} is not a file of arrays, or is damaged ({error}).") from error
    for name, value in arrays.items():
        _refuse_nan(f"The array {name!r} in {source}", value)
    return arrays


def _refuse_nan(what: str, value: np.ndarray) -> None:
    if value.dtype.kind in "fc" and np.isnan(value).any():
        raise UserError(f"{what} holds values that are no numbers (NaN), as after a training that diverged.")
