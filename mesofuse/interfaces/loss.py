"""Interface of a loss: a term of the critics' or of the generator's objective."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mesofuse.volumes.grid import Region

if TYPE_CHECKING:
    import torch

    from mesofuse.interfaces.critic import Critic
    from mesofuse.interfaces.degradation import Degradation


@dataclass(frozen=True)
class CriticStep:
    """What a critic's loss sees.

    Attributes:
        critic: The critic being trained.
        real: Slices of the image, one-hot: (batch, phases, h, w).
        fake: Slices of generated volumes, probabilities, no gradient: (batch', phases, h, w).
        axis: 0, 1 or 2: the axis that the slices are normal to.
        rng: Source of random numbers on the tensors' device, seeded by the step.
    """

    critic: Critic
    real: torch.Tensor
    fake: torch.Tensor
    axis: int
    rng: torch.Generator


@dataclass(frozen=True)
class GeneratorStep:
    """What a generator's loss sees.

    Attributes:
        probabilities: Generated volumes: (batch, phases, Z, Y, X).
        field: The low-resolution phases they came from, one-hot: (batch, low phases, z, y, x).
        region: Where a volume of the batch lies on the low-resolution grid (its place is the same for the whole batch).
        scores: For each axis, the critic's scores of the volumes' slices normal to it.
        degradation: The model of the low-resolution instrument, or None.
        real: For each axis, slices of the image that shows planes normal to it, one-hot: (batch, phases, h, w).
    """

    probabilities: torch.Tensor
    field: torch.Tensor
    region: Region
    scores: Mapping[int, torch.Tensor]
    degradation: Degradation | None
    real: Mapping[int, torch.Tensor] = dataclasses.field(default_factory=dict)


class Loss(Protocol):
    """A term of the objectives; built as ``Class(options, problem)``. Return None from the side it has no term for."""

    def critic_term(self, step: CriticStep) -> torch.Tensor | None:
        """Return a scalar that the critic minimises."""
        ...

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return a scalar that the generator minimises."""
        ...
