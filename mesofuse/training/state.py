"""A training's whole state as one checkpoint, and a training that goes on from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.events import CheckpointSaved, Note
from mesofuse.interfaces.loss import SupportsState
from mesofuse.training import checkpoint as store

if TYPE_CHECKING:
    from mesofuse.training.adversarial import AdversarialTrainer

LOG = "log"


@dataclass
class Best:
    """The best model that a check has found.

    Attributes:
        error: Its error.
        step: The step after which it was checked.
        weights: Its weights and buffers on the CPU; empty where nothing has been checked.
    """

    error: float = float("inf")
    step: int = 0
    weights: dict[str, torch.Tensor] = field(default_factory=dict)


def save(trainer: AdversarialTrainer, *, best: bool) -> None:
    """Write the trainer's state, its best model and its log as one checkpoint."""
    tensors = store.module_tensors("generator", trainer.generator)
    tensors |= store.optimizer_tensors("generator_adam", trainer.generator_adam)
    if trainer.average is not trainer.generator:
        tensors |= store.module_tensors("average", trainer.average)
    for i, (critic, adam) in enumerate(zip(trainer.critics, trainer.critic_adams, strict=True)):
        tensors |= store.module_tensors(f"critic{i}", critic)
        tensors |= store.optimizer_tensors(f"critic_adam{i}", adam)
    for i, loss in enumerate(trainer.losses):
        if isinstance(loss, SupportsState):
            tensors |= {f"loss{i}/{k}": v.detach().cpu().contiguous() for k, v in loss.state().items()}
    tensors |= {f"best/{name}": value for name, value in trainer.best.weights.items()}
    tensors[LOG] = torch.frombuffer(bytearray(trainer.log.text().encode()), dtype=torch.uint8)
    state = {
        "step": trainer.step,
        "elapsed": trainer.elapsed,
        "checked_step": trainer.checked_step,
        "schedule": trainer.schedule.state(),
        "best_error": trainer.best.error if trainer.best.weights else None,
        "best_step": trainer.best.step,
        "seed": trainer.run.seed,
        "options": trainer.options.model_dump(mode="json"),
    }
    folder = trainer.run.folder / "checkpoint"
    store.save_checkpoint(folder, tensors, state)
    trainer.run.emit(CheckpointSaved(trainer.step, str(folder), best))


def resume(trainer: AdversarialTrainer) -> None:
    """Put the trainer into the state of its folder's checkpoint, if there is one.

    Raises:
        UserError: If it belongs to another recipe or seed, or is damaged.
    """
    say = (lambda text: trainer.run.emit(Note(f"{text}."))) if trainer.first else (lambda text: None)
    loaded = store.load_checkpoint(trainer.run.folder / "checkpoint", say, mend=trainer.first)
    if loaded is None:
        return
    tensors, state = loaded
    if state["options"] != trainer.options.model_dump(mode="json") or state["seed"] != trainer.run.seed:
        raise UserError(
            f"The checkpoint in {trainer.run.folder} was made with another recipe or seed; give the same ones to "
            "resume, or --overwrite to train from the start."
        )
    store.load_module("generator", trainer.generator, tensors)
    store.load_optimizer("generator_adam", trainer.generator_adam, tensors)
    if trainer.average is not trainer.generator:
        store.load_module("average", trainer.average, tensors)
    for i, (critic, adam) in enumerate(zip(trainer.critics, trainer.critic_adams, strict=True)):
        store.load_module(f"critic{i}", critic, tensors)
        store.load_optimizer(f"critic_adam{i}", adam, tensors)
    for i, loss in enumerate(trainer.losses):
        if isinstance(loss, SupportsState):
            loss.load_state({k: v.to(trainer.run.device) for k, v in _below(f"loss{i}/", tensors).items()})
    trainer.step, trainer.elapsed, trainer.checked_step = state["step"], state["elapsed"], state["checked_step"]
    trainer.resumed_step, trainer.best = trainer.step, _best(tensors, state)
    trainer.schedule.load_state(state.get("schedule", {}))
    if trainer.first:
        trainer.log.restore(bytes(tensors[LOG].numpy()).decode())


def _best(tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> Best:
    if state["best_error"] is None:
        return Best()
    return Best(state["best_error"], state["best_step"], _below("best/", tensors))


def _below(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
