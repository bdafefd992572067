"""Where to compute: CUDA when it is there, unless the user says otherwise."""

from __future__ import annotations

import re

from mesofuse.errors import UserError


def resolve_device(name: str = "auto") -> str:
    """Return ``cpu``, ``cuda`` or ``cuda:N`` for what the user asked for.

    Raises:
        UserError: If the name is not a device, or this machine has no such device.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return name
    found = re.fullmatch(r"cuda(?::([0-9]+))?", name)
    if not found:
        raise UserError(f"{name!r} is not a device; give auto, cpu, cuda, or cuda:N with the number of the GPU.")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(found[1] or 0) >= count:
        raise UserError(f"The device {name!r} is not there: this machine has {count} CUDA devices; give auto or cpu.")
    return name
