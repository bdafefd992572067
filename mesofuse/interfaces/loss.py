"""Interface of a loss: a term of the critics' or of the generator's objective."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from mesofuse.volumes.grid import Region
from mesofuse.volumes.labels import LabelArray

if TYPE_CHECKING:
    import torch

    from mesofuse.interfaces.critic import Critic
    from mesofuse.interfaces.degradation import Degradation

Batch = TypeVar("Batch", bound=Any)
"""An array or tensor whose first axis is the batch."""


@dataclass(frozen=True)
class Share:
    """Which part of a step's batch this process holds, where several train one model.

    Each process sees an equal, contiguous part of the batch, and the trainer averages gradients over the processes. A
    term that is a mean over the batch is right as it stands. One that is not linear in such a mean (a squared error of
    a statistic, a threshold) takes `average` of the mean first. Random numbers are drawn for the whole batch, alike in
    every process, and cut by `part`. With one process both return what they were given.

    Attributes:
        rank: Number of this process.
        world: How many there are.
        mean: Differentiable mean over the processes of a tensor of one shape in all; not called for a single process.
    """

    rank: int = 0
    world: int = 1
    mean: Callable[[torch.Tensor], torch.Tensor] | None = None

    def average(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the mean over all processes, the same bits in each; every process must call it."""
        return tensor if self.mean is None else self.mean(tensor)

    def part(self, batch: Batch) -> Batch:
        """Return this process's rows of something that is drawn for the whole batch, a multiple of ``world`` long."""
        count = len(batch) // self.world
        part: Batch = batch[self.rank * count : (self.rank + 1) * count]
        return part


@dataclass(frozen=True)
class CriticStep:
    """What a critic's loss sees.

    Attributes:
        critic: The critic being trained.
        real: Slices of the image, one-hot: (batch, phases, h, w).
        fake: Slices of generated volumes, probabilities, no gradient: (batch', phases, h, w).
        axis: 0, 1 or 2: the axis that the slices are normal to.
        rng: Source of random numbers on the tensors' device, seeded by the step, alike in all processes.
        share: Which part of the batch this is.
    """

    critic: Critic
    real: torch.Tensor
    fake: torch.Tensor
    axis: int
    rng: torch.Generator
    share: Share = Share()


@dataclass(frozen=True)
class GeneratorStep:
    """What a generator's loss sees.

    Attributes:
        probabilities: Generated volumes: (batch, phases, Z, Y, X).
        field: The scan phases they came from, one-hot: (batch, low phases, z, y, x).
        region: Where a volume of the batch lies on the scan's grid (its place is the same for the whole batch).
        scores: For each axis, the critic's scores of the step's slices normal to it. A step that makes volumes of
            several shapes (thin ones for each axis) is shown shape by shape, each time with all scores, and the
            objective is the mean.
        degradation: The model of the scan's instrument, or None.
        real: For each axis, slices of the image that shows planes normal to it, one-hot: (batch, phases, h, w).
        share: Which part of the batch this is.
        number: Number of this step, from 0.
        fraction: Share of the training's budget that is used up, from 0 to 1.
        rng: Source of random numbers for losses, seeded by the step, alike in all processes; or None.
    """

    probabilities: torch.Tensor
    field: torch.Tensor
    region: Region
    scores: Mapping[int, torch.Tensor]
    degradation: Degradation | None
    real: Mapping[int, torch.Tensor] = dataclasses.field(default_factory=dict)
    share: Share = Share()
    number: int = 0
    fraction: float = 0.0
    rng: np.random.Generator | None = None


@dataclass(frozen=True)
class LossSetting:
    """What a loss may look at before training.

    Attributes:
        images: For each axis whose planes can be compared, the image stack (image, row, column) that shows them.
        turns: For each of these axes, the symmetries under which its planes look alike, as numbers from 0 to 7: turns
            by a right angle 0 to 3 times, and the same after which columns are reversed.
        device: Where the training runs.
    """

    images: Mapping[int, LabelArray]
    turns: Mapping[int, tuple[int, ...]]
    device: str = "cpu"


class Loss(Protocol):
    """A term of the objectives; built as ``Class(options, problem)``. Return None from the side it has no term for."""

    def critic_term(self, step: CriticStep) -> torch.Tensor | None:
        """Return a scalar that the critic minimises."""
        ...

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return a scalar that the generator minimises."""
        ...


@runtime_checkable
class SupportsPrepare(Protocol):
    """A loss that looks at the whole images once, before training or before it is resumed."""

    def prepare(self, setting: LossSetting) -> None:
        """Take what the loss needs of the images.

        Raises:
            UserError: If the loss can't be used with them.
        """
        ...


@runtime_checkable
class SupportsState(Protocol):
    """A loss that remembers something from step to step; checkpoints keep it, so that a resumed run ends the same."""

    def state(self) -> dict[str, torch.Tensor]:
        """Return what it remembers, by name."""
        ...

    def load_state(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state` returned."""
        ...
