"""Saving and restoring a training run: safetensors and JSON, never pickles, each file whole or absent."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from mesofuse.errors import UserError
from mesofuse.volumes.json_text import load_json


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file by renaming a temporary one into place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


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
    """Write one checkpoint file; its JSON state travels in the file's own metadata, so that both are of one moment."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "checkpoint.safetensors", save(dict(tensors), metadata={"state": json.dumps(dict(state))}))


def load_checkpoint(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """Return tensors and state of the checkpoint in a folder, or None where there is none.

    Raises:
        UserError: The file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return None
    try:
        tensors = load_file(path)
        with safe_open(path, framework="pt") as file:
            state = load_json((file.metadata() or {})["state"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"The checkpoint {path} is damaged ({error}); delete it to train from the start.") from error
    return tensors, state
