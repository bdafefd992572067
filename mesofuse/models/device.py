"""Where to compute: CUDA when it is there, unless the user says otherwise."""

from __future__ import annotations

from mesofuse.errors import UserError


def resolve_device(name: str = "auto") -> str:
    """Return ``cpu``, ``cuda`` or ``cuda:N`` for what the user asked for.

    Raises:
        UserError: The name is not a device, or this machine has no such device.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return name
    kind, _, number = name.partition(":")
    if kind != "cuda" or (number and not number.isdigit()):
        raise UserError(f"{name!r} is not a device; give auto, cpu, cuda, or cuda:N with the number of the GPU.")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(number or 0) >= count:
        raise UserError(f"The device {name!r} is not there: this machine has {count} CUDA devices; give auto or cpu.")
    return name
