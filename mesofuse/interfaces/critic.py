"""Interface of a critic: a torch module from 2D slices to one score each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


class Critic(Protocol):
    """A 2D critic; subclass ``torch.nn.Module``. Built as ``Class(options, problem)``.

    Attributes:
        crop: Edge length in voxels of the square slices it is made for.
    """

    crop: int

    def __call__(self, slices: torch.Tensor) -> torch.Tensor:
        """Score slices of shape (batch, phases, crop, crop), probabilities; returns (batch,), larger = more real.

        Grey values and colours come as (batch, ``problem.channels``, crop, crop) from 0 to 1.
        """
        ...
