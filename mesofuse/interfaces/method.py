"""Interface of a method (a way to reconstruct) and of the model that it yields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.events import Event
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.normals import by_normals


@dataclass(frozen=True)
class TileInput:
    """One tile to reconstruct.

    Attributes:
        core: The scan voxels that the tile owns.
        window: The core with the model's halo, ending where the volume ends. It does not end there, and may hold
            negative coordinates, along an axis on which the result is periodic, and on every axis for a model that
            takes no scan (noise goes on beyond its end).
        shape: Shape of the whole scan.
        field: uint8 labels of the window, or None for a model that takes no scan.
        noise: One float32 array a field of ``model.noise``: (channels, *window.scaled(factor).shape).
    """

    core: Region
    window: Region
    shape: Triple
    field: np.ndarray | None
    noise: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class TileOutput:
    """A reconstructed tile.

    Attributes:
        labels: uint8 labels of ``core.scaled(scale)``; where the problem's content is grey or colour, its values from 0
            to 255, colours with a leading axis of 3.
        probabilities: float32 (phases, z, y, x), if they were asked for.
        extra: Counts on the scan's grid, (*core.shape) by name, that are kept next to the volume.
    """

    labels: np.ndarray
    probabilities: np.ndarray | None = None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)


class Model(Protocol):
    """A fitted method: reconstructs any tile of a volume.

    Attributes:
        problem: What it was fitted for.
        scale: Output voxels along one scan voxel; without a scan, along one voxel of the
            grid that its noise is counted on.
        halo: Scan voxels that a tile needs beyond its own.
        tile: Canonical tile in scan voxels; part of the model, so that every run cuts volumes alike.
        noise: The noise it wants.
        can_tile: False where it works on whole volumes only; such a volume is one tile.

    It may have any of the attributes of `mesofuse.interfaces.traits.ModelTraits` as well.
    """

    problem: Problem
    scale: Scale
    halo: Triple
    tile: Triple
    noise: tuple[NoiseSpec, ...]
    can_tile: bool

    def to(self, device: str) -> Model:
        """Move to ``cpu``, ``cuda`` or ``cuda:N`` and return self."""
        ...

    def reconstruct(self, tile: TileInput, *, probabilities: bool = False) -> TileOutput:
        """Reconstruct one tile; the same input gives the same bits, from any thread."""
        ...

    def tile_bytes(self, window: Triple) -> int:
        """Return about how many bytes of memory `reconstruct` holds at its peak for a window of this shape.

        A model of whole volumes alone (``can_tile`` False) is refused by it before anything is computed; of others a
        tile is measured.
        """
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that, with the options, rebuild the model; empty where there are none."""
        ...


@dataclass(frozen=True)
class TileRun:
    """Where a tile that takes long is reconstructed.

    Attributes:
        emit: Takes events, above all `mesofuse.interfaces.events.TileProgress`.
        folder: The tile's own folder, which exists: the model may write below it, and finds there what an interrupted
            run left; None where nothing is to be kept.
    """

    emit: Callable[[Event], None]
    folder: Path | None = None


@runtime_checkable
class SupportsLongTiles(Protocol):
    """A model whose tiles take minutes: it reports progress within a tile, and may resume one."""

    def reconstruct_long(self, tile: TileInput, run: TileRun, *, probabilities: bool = False) -> TileOutput:
        """Reconstruct one tile to what `Model.reconstruct` gives, bit for bit, interrupted or not."""
        ...


@dataclass(frozen=True)
class Budget:
    """When to stop fitting: after ``steps`` or ``minutes``, whichever is first; None means no such limit."""

    steps: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class FusionInputs:
    """What a method fits to.

    Attributes:
        low_res: The blurry volume, or None for a method that needs none.
        images: The sharp images that show planes normal to axis 0, 1 and 2; the same object for axes that look alike,
            three times if isotropic. Each is a stack (image, row, column); of the two axes in its plane the rows run
            along the lower one.
        problem: Scale, phases and their matching.
    """

    low_res: Labels | None
    images: tuple[LabelArray, LabelArray, LabelArray]
    problem: Problem

    @property
    def isotropic(self) -> bool:
        """Whether one image stands for all directions."""
        return len(by_normals(dict(enumerate(self.images)))) == 1

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes whose planes can be compared with images: axis 0 alone where the scan is an image, else all."""
        planar = self.low_res is not None and self.low_res.grid.shape[0] == 1
        return (0,) if planar else (0, 1, 2)

    @property
    def groups(self) -> dict[str, LabelArray]:
        """The distinct images by the axes that they are normal to, such as ``{"zy": …, "x": …}``."""
        return by_normals({axis: self.images[axis] for axis in self.axes})


@dataclass(frozen=True)
class FitRun:
    """Where and how a fit runs.

    Attributes:
        folder: The run's own folder, which exists; the method may write below it, and finds there what it may resume.
        seed: Makes the fit repeatable.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        budget: When to stop.
        resume: Go on from what the folder holds; a fit that has used up a smaller budget then goes on to this one.
        emit: Takes the events of the run (progress bars and plugins listen).
        start: The arrays (`Model.state`) of an earlier model to begin with; None to begin anew.
        profile: Measure where the time goes, and emit it at the end as `mesofuse.interfaces.events.StepTimes`.
    """

    folder: Path
    seed: int
    device: str
    budget: Budget
    resume: bool
    emit: Callable[[Event], None]
    start: Mapping[str, np.ndarray] | None = None
    profile: bool = False


class FitInterrupted(KeyboardInterrupt):
    """Ctrl-C while fitting, after which there is a usable model all the same.

    Attributes:
        model: The best model so far.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model


class FitDiverged(UserError):
    """A fit that came to values that are no numbers, and can't go on.

    Attributes:
        model: The best model before, or None.
    """

    def __init__(self, sentence: str, model: Model | None) -> None:
        super().__init__(sentence)
        self.model = model


class Method(Protocol):
    """A way to reconstruct; built as ``Class(options)``.

    Attributes:
        trains: Whether `fit` takes long enough to have a budget.

    Its class may have any of the attributes of `mesofuse.interfaces.traits.MethodTraits` as well, and be a
    `SupportsGridScale` or a `SupportsPublished`.
    """

    trains: bool

    def fit(self, inputs: FusionInputs, run: FitRun) -> Model:
        """Fit to the inputs and return the model."""
        ...

    def restore(self, problem: Problem, state: Mapping[str, np.ndarray]) -> Model:
        """Rebuild the model from its saved arrays."""
        ...


@runtime_checkable
class SupportsGridScale(Protocol):
    """A method without a scan that knows its model's `Model.scale` before it is fitted.

    A size that can't be periodic is then refused at once.
    """

    def grid_scale(self, problem: Problem) -> Scale:
        """Return the scale of the model for a problem."""
        ...


@runtime_checkable
class SupportsPublished(Protocol):
    """A method class that takes the weights of the program it was published with, for `mesofuse model import`."""

    @classmethod
    def from_published(cls, tensors: Mapping[str, np.ndarray], problem: Problem) -> Any:
        """Return a `mesofuse.training.published.Imported` from the program's state dict."""
        ...
