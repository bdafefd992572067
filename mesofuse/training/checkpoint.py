"""Saving and restoring a training run: safetensors and JSON, never pickles, each file whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from mesofuse.errors import UserError
from mesofuse.volumes.files import replacing
from mesofuse.volumes.json_text import load_json

CHECKPOINT, PREVIOUS = "checkpoint.safetensors", "previous.safetensors"


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file by renaming a temporary one, which is on the disk by then, into place."""
    with replacing(path) as temporary:
        _write(temporary, data)


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def module_tensors(prefix: str, module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a module's weights and buffers under ``prefix/``."""
    return {f"{prefix}/{k}": v.detach().cpu().contiguous() for k, v in module.state_dict().items()}


def load_module(prefix: str, module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what `module_tensors` returned."""
    start = f"{prefix}/"
    module.load_state_dict({k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)})


def optimizer_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return an optimizer's moments and step counts under ``prefix/index/name``."""
    found = {}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            found[f"{prefix}/{index}/{name}"] = torch.as_tensor(value).detach().cpu().contiguous()
    return found


def load_optimizer(prefix: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what `optimizer_tensors` returned."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{prefix}/"):
            index, name = key.split("/")[-2:]
            state.setdefault(int(index), {})[name] = value
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)


def save_checkpoint(folder: Path, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> None:
    """Write one checkpoint file with a checksum; the one before is kept next to it.

    The JSON state travels in the file's own metadata, so that all is of one moment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(state))
    data = save(dict(tensors), metadata={"state": text, "sha256": _checksum(tensors, text)})
    with replacing(folder / CHECKPOINT) as temporary:
        _write(temporary, data)
        if (folder / CHECKPOINT).exists():
            (folder / CHECKPOINT).replace(folder / PREVIOUS)


def load_checkpoint(
    folder: Path, say: Callable[[str], None] = lambda text: None, *, mend: bool = False
) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """Return tensors and state of the newest sound checkpoint in a folder, or None where there is none.

    Args:
        folder: The folder.
        say: Takes a sentence where the newest one is damaged and the one before is taken.
        mend: Put the one before instead of a damaged one, so that the next save does not put it last.

    Raises:
        UserError: If every checkpoint that exists is damaged.
    """
    places = [path for name in (CHECKPOINT, PREVIOUS) if (path := folder / name).exists()]
    damages = []
    for path in places:
        try:
            found = _load(path)
        except _Damaged as damage:
            damages.append(f"{path} is damaged ({damage})")
            continue
        if damages:
            say(f"{damages[0]}; going on from the one before it")
            if mend:
                path.replace(folder / CHECKPOINT)
        return found
    if damages:
        raise UserError(
            f"The checkpoint {damages[0]}, and there is no sound one before it: restore it from a copy, or give "
            "--overwrite to train from the start."
        )
    return None


class _Damaged(Exception):
    pass


def _load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return what a file holds, from its bytes: a map of a file that is cut meanwhile would end the process."""
    from safetensors import SafetensorError

    data = path.read_bytes()
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = load_json(data[8 : 8 + length].decode())["__metadata__"]
        text, checksum = metadata["state"], metadata["sha256"]
        state: dict[str, Any] = load_json(text)
    except (SafetensorError, LookupError, ValueError, TypeError) as error:
        raise _Damaged(str(error).rstrip(".") or type(error).__name__) from error
    if _checksum(tensors, text) != checksum:
        raise _Damaged("its checksum differs")
    return tensors, state


def _checksum(tensors: Mapping[str, torch.Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
