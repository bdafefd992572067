"""Several processes that train one model: which of them this is, how they meet, how they end. Imports no torch."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType, TracebackType
from typing import Any, Self

from mesofuse.errors import UserError
from mesofuse.interfaces.loss import Share
from mesofuse.signals import Terminated

PATIENCE = timedelta(hours=4)
"""How long a process waits for the others; the first one checks and saves while they wait."""


def world() -> int:
    """Return how many processes torchrun has started for this job; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= os.environ.keys() else 1


def rank() -> int:
    """Return the number of this process among them; 0 writes, checks and speaks for all."""
    return int(os.environ["RANK"]) if world() > 1 else 0


def own_device(device: str) -> str:
    """Return the device of this process: each has the GPU of its own number on its machine.

    Raises:
        UserError: If one GPU is named for all, or there are more processes than GPUs.
    """
    if world() == 1 or device == "cpu":
        return device
    import torch

    if device != "cuda":
        raise UserError(f"torchrun gives each process its own GPU; give the device cuda or auto, not {device}.")
    local, count = int(os.environ.get("LOCAL_WORLD_SIZE", world())), torch.cuda.device_count()
    if local > count:
        raise UserError(
            f"torchrun has started {local} processes on a machine with {count} GPUs; give --nproc-per-node {count}, or "
            "--device cpu."
        )
    return f"cuda:{int(os.environ.get('LOCAL_RANK', rank()))}"


@contextmanager
def joined(device: str) -> Iterator[Share]:
    """Meet the other processes that torchrun has started, for the time of a training; gives this one's share.

    They talk through gloo, and through NCCL between GPUs. After a failure they are not waited for: torchrun ends them.
    """
    if world() == 1:
        yield Share()
        return
    import torch
    from torch import distributed

    from mesofuse.training.collectives import average

    cuda = device.startswith("cuda")
    if cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PATIENCE)
    failed = True
    try:
        yield Share(distributed.get_rank(), distributed.get_world_size(), average)
        failed = False
    except KeyboardInterrupt:
        failed = False
        raise
    finally:
        if not failed:
            distributed.destroy_process_group()


class HeldInterrupt:
    """Holds Ctrl-C and SIGTERM back until the step is done, in all processes; a second one ends this process at once.

    A step that is cut in the middle leaves weights that no whole run has. Use it as a context manager; `seen` says
    whether there was one.
    """

    def __init__(self) -> None:
        self.seen: type[KeyboardInterrupt] | None = None
        self._held = threading.current_thread() is threading.main_thread()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take over the signals."""
        for number in (signal.SIGINT, signal.SIGTERM) if self._held else ():
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        before, self.seen = self.seen, Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if before:
            raise self.seen
