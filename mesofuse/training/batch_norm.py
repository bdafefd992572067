"""Batch normalisation by the statistics of the whole batch, where several processes hold parts of it."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm

from mesofuse.interfaces.loss import Share
from mesofuse.training.collectives import average


class WholeBatchNorm(_BatchNorm):
    """BatchNorm of any dimension whose mean and variance in training are those over all processes.

    Unlike torch's SyncBatchNorm it works on CPUs and can be differentiated twice. Parameters, buffers and their names
    are those of the layer that it replaces; in evaluation it is that layer.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Normalise (batch, channels, *space)."""
        if not (self.training or self.running_mean is None):
            return super().forward(values)
        axes, shape = [0, *range(2, values.dim())], [1, -1, *[1] * (values.dim() - 2)]
        exact = values.float()
        mean = average(exact.mean(axes))
        centred = exact - mean.view(shape)
        variance = average(centred.square().mean(axes))
        self._follow(mean.detach(), variance.detach(), values.numel() // values.shape[1])
        gain = (variance + self.eps).rsqrt()
        if self.affine:
            gain = gain * self.weight
        made = centred * gain.view(shape)
        return (made + self.bias.view(shape) if self.affine else made).to(values.dtype)

    def _follow(self, mean: torch.Tensor, variance: torch.Tensor, count: int) -> None:
        """Move the running statistics; the variance is kept without bias, as torch does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        step = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        count *= torch.distributed.get_world_size()
        self.running_mean.lerp_(mean, step)
        self.running_var.lerp_(variance * (count / max(1, count - 1)), step)

    def _check_input_dim(self, input: torch.Tensor) -> None:
        """Accept any dimension."""


Network = TypeVar("Network", bound=torch.nn.Module)


def over_all_processes(module: Network, share: Share) -> Network:
    """Turn a module's BatchNorm layers into ones over all processes, if there are several; returns the module."""
    if share.world > 1:
        for layer in module.modules():
            if isinstance(layer, _BatchNorm) and not isinstance(layer, SyncBatchNorm):
                layer.__class__ = WholeBatchNorm
    return module
