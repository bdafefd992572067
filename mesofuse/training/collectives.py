"""What the processes of a training tell each other: means of tensors and gradients, sums of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import distributed

from mesofuse.interfaces.loss import Share


class _Mean(torch.autograd.Function):
    """Mean over the processes.

    Each process's value bears on the objectives of all, so a slope is the mean of theirs. Together with the averaging
    of gradients afterwards this gives a single process's gradient, for terms with and without the mean.
    """

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:
        total = tensor.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total / distributed.get_world_size()

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> torch.Tensor:
        return average(slope)


def average(tensor: torch.Tensor) -> torch.Tensor:
    """Return the mean over the processes, any number of times differentiable."""
    mean: torch.Tensor = _Mean.apply(tensor)  # type: ignore[no-untyped-call]
    return mean


def average_gradients(share: Share, parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace the gradients of parameters by their means over the processes, in one exchange."""
    if share.world == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = average(torch.cat([g.reshape(-1) for g in gradients]))
    for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


def totals(share: Share, values: Sequence[float]) -> list[float]:
    """Return the sums of numbers over the processes, the same in each."""
    if share.world == 1:
        return list(values)
    total = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(total)
    summed: list[float] = total.tolist()
    return summed
