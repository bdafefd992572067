"""A training's whole state as one checkpoint, and a training that goes on from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.events import CheckpointSaved, Note
from mesofuse.interfaces.loss import SupportsState
from mesofuse.training import checkpoint as store
from mesofuse.training.log import MetricsLog
from mesofuse.training.schedule import Schedule
from mesofuse.training.step import Updates

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


class Checkpointed(Updates):
    """A training whose state is kept and taken up again.

    Attributes:
        elapsed: Seconds of training so far, over all its runs.
        checked_step: Step after which the model was last checked.
        best: The best checked model.
        resumed_step: Step of the checkpoint that this run goes on from; None where it has begun anew.
        schedule: The share of the run that is done.
        log: The record of steps; the first of several processes has it.
    """

    elapsed = 0.0
    checked_step = 0
    best = Best()
    resumed_step: int | None = None
    schedule: Schedule
    log: MetricsLog

    def save(self, *, best: bool) -> None:
        """Write the whole state, the best model and the log as one checkpoint."""
        tensors = store.module_tensors("generator", self.generator)
        tensors |= store.optimizer_tensors("generator_adam", self.generator_adam)
        if self.average is not self.generator:
            tensors |= store.module_tensors("average", self.average)
        for i, (critic, adam) in enumerate(zip(self.critics, self.critic_adams, strict=True)):
            tensors |= store.module_tensors(f"critic{i}", critic)
            tensors |= store.optimizer_tensors(f"critic_adam{i}", adam)
        for i, loss in enumerate(self.losses):
            if isinstance(loss, SupportsState):
                tensors |= {f"loss{i}/{k}": v.detach().cpu().contiguous() for k, v in loss.state().items()}
        tensors |= {f"best/{name}": value for name, value in self.best.weights.items()}
        tensors[LOG] = torch.frombuffer(bytearray(self.log.text().encode()), dtype=torch.uint8)
        state = {
            "step": self.step,
            "elapsed": self.elapsed,
            "checked_step": self.checked_step,
            "schedule": self.schedule.state(),
            "best_error": self.best.error if self.best.weights else None,
            "best_step": self.best.step,
            "seed": self.run.seed,
            "options": self.options.model_dump(mode="json"),
        }
        folder = self.run.folder / "checkpoint"
        store.save_checkpoint(folder, tensors, state)
        self.run.emit(CheckpointSaved(self.step, str(folder), best))

    def resume(self) -> None:
        """Take up the state of the folder's checkpoint, if there is one.

        Raises:
            UserError: If it belongs to another recipe or seed, or is damaged.
        """
        say = (lambda text: self.run.emit(Note(f"{text}."))) if self.first else (lambda text: None)
        loaded = store.load_checkpoint(self.run.folder / "checkpoint", say, mend=self.first)
        if loaded is None:
            return
        tensors, state = loaded
        if state["options"] != self.options.model_dump(mode="json") or state["seed"] != self.run.seed:
            raise UserError(
                f"The checkpoint in {self.run.folder} was made with another recipe or seed; give the same ones to "
                "resume, or --overwrite to train from the start."
            )
        store.load_module("generator", self.generator, tensors)
        store.load_optimizer("generator_adam", self.generator_adam, tensors)
        if self.average is not self.generator:
            store.load_module("average", self.average, tensors)
        for i, (critic, adam) in enumerate(zip(self.critics, self.critic_adams, strict=True)):
            store.load_module(f"critic{i}", critic, tensors)
            store.load_optimizer(f"critic_adam{i}", adam, tensors)
        for i, loss in enumerate(self.losses):
            if isinstance(loss, SupportsState):
                loss.load_state({k: v.to(self.run.device) for k, v in _below(f"loss{i}/", tensors).items()})
        self.step, self.elapsed, self.checked_step = state["step"], state["elapsed"], state["checked_step"]
        self.resumed_step, self.best = self.step, _best(tensors, state)
        self.schedule.load_state(state.get("schedule", {}))
        if self.first:
            self.log.restore(bytes(tensors[LOG].numpy()).decode())


def _best(tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> Best:
    if state["best_error"] is None:
        return Best()
    return Best(state["best_error"], state["best_step"], _below("best/", tensors))


def _below(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
