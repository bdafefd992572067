"""Whether an array fits the memory, asked before it is made."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mesofuse.errors import UserError


def check_room(path: str, shape: Sequence[int], itemsize: int) -> None:
    """Refuse an array of a file that is to be read at once and does not fit the memory.

    Args:
        path: For the message.
        shape: Its shape, as the file says it.
        itemsize: Bytes of a value.

    Raises:
        UserError: If it takes more than the memory that is free.
    """
    import psutil

    wanted = math.prod(int(n) for n in shape) * itemsize
    if wanted > psutil.virtual_memory().available:
        raise UserError(
            f"{path} says that it holds {' × '.join(map(str, shape))[:80]} values, {wanted / 1e9:.3g} GB, more than "
            "there is free memory; save a part of it, or labels 0, 1, 2 … as OME-Zarr, which are read piece by piece."
        )
