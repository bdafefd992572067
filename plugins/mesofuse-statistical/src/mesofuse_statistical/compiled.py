"""Compiling of functions that visit voxels one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numba


def compiled(fastmath: Collection[str] | None = None) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function when it is first called, without Python's lock.

    What was compiled is kept next to the source or, where that can't be written, in the user's cache; where nothing can
    be written, it is compiled by every process anew. Kept code is taken while its own file stays as it is: after a
    change of a function that it calls from another file, delete the ``.nbi`` files in ``__pycache__``.

    Args:
        fastmath: What rules of floating-point arithmetic may be broken, by LLVM's names of the flags.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        options: dict[str, Any] = {"nogil": True, "fastmath": set(fastmath) if fastmath else False}
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no place to keep it
            return numba.njit(**options)(function)

    return decorate
