"""Batch normalisation in training: over the parts that several processes hold, and as a model normalises in use."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch.nn import functional
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm

from mesofuse.interfaces.loss import Share
from mesofuse.training.collectives import average

BEGIN, FULL = 50, 200
"""Batches after which `Renormalised` begins to correct, and after which it corrects as far as it may."""
LARGEST_RATIO, LARGEST_SHIFT = 3.0, 5.0


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
        weight, bias = self._affine(mean.detach(), variance.detach())
        self._follow(mean.detach(), variance.detach(), values.numel() // values.shape[1])
        gain = (variance + self.eps).rsqrt()
        if weight is not None:
            gain = gain * weight
        made = centred * gain.view(shape)
        return (made if bias is None else made + bias.view(shape)).to(values.dtype)

    def _affine(
        self, mean: torch.Tensor, variance: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:  # fmt: skip
        """Return weight and bias for a batch of this mean and variance."""
        return self.weight, self.bias

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


class Renormalised(_BatchNorm):
    """BatchNorm that normalises in training by the running statistics, as in use, and learns as by the batch's.

    A small batch is one place of the material; normalised by its own statistics, a network no longer sees how it
    differs from others, and in use, where it is normalised by those of all, its phases are some per cent off. Here the
    batch's normalised values are scaled by r = σ_batch / σ_running and shifted by
    d = (μ_batch − μ_running) / σ_running, both taken as constants in the gradient (batch renormalisation, Ioffe 2017).
    The running statistics have first to settle: r and d are 1 and 0 for `BEGIN` batches, and clipped to ranges that
    widen up to batch `FULL`.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Normalise (batch, channels, *space)."""
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(values)
        with torch.no_grad():
            _, mean, gain = torch.native_batch_norm(values, None, None, None, None, True, 0.0, self.eps)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        weight, bias = self._affine(mean, gain.square().reciprocal() - self.eps)
        return functional.batch_norm(
            values, self.running_mean, self.running_var, weight, bias, True, self.momentum or 0.1, self.eps
        )

    def _affine(
        self, mean: torch.Tensor, variance: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:  # fmt: skip
        """Return weight and bias that make the batch's normalisation that by the running statistics."""
        tracked, running_mean, running_var = self.num_batches_tracked, self.running_mean, self.running_var
        if tracked is None or running_mean is None or running_var is None or self.weight is None:
            return self.weight, self.bias
        share = min(1.0, max(0.0, (float(tracked) - BEGIN) / (FULL - BEGIN)))
        if not share:
            return self.weight, self.bias
        spread = (running_var + self.eps).sqrt()
        most = 1 + share * (LARGEST_RATIO - 1)
        ratio = ((variance + self.eps).sqrt() / spread).clamp(1 / most, most)
        shift = ((mean - running_mean) / spread).clamp(-share * LARGEST_SHIFT, share * LARGEST_SHIFT)
        return self.weight * ratio, self.bias + self.weight * shift

    def _check_input_dim(self, input: torch.Tensor) -> None:
        """Accept any dimension."""


class WholeRenormalised(WholeBatchNorm):
    """`Renormalised`, of batches that several processes hold parts of."""

    _affine = Renormalised._affine


Network = TypeVar("Network", bound=torch.nn.Module)


def for_training(module: Network, share: Share, *, renormalised: bool = False) -> Network:
    """Turn a module's BatchNorm layers into those that it trains with, and return it.

    Args:
        module: The network.
        share: Which of several processes this is; of several, batches are normalised as a whole.
        renormalised: Normalise as in use; see `Renormalised`.
    """
    whole, own = (WholeRenormalised, Renormalised) if renormalised else (WholeBatchNorm, None)
    kind: type[_BatchNorm] | None = whole if share.world > 1 else own
    for layer in module.modules() if kind is not None else ():
        if isinstance(layer, _BatchNorm) and not isinstance(layer, SyncBatchNorm):
            layer.__class__ = kind  # type: ignore[assignment]
    return module
