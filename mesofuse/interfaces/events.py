"""What a plugin (or a progress bar) may follow while work runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True)
class Note(Event):
    """Something that the user should know: what was found out, or a warning.

    Attributes:
        text: One sentence.
    """

    text: str


@dataclass(frozen=True)
class TrainingStep(Event):
    """A generator step is done.

    Attributes:
        step: Steps done so far.
        fraction: Share of the budget that is used up, 0 to 1.
        metrics: Losses and, at checks, measured errors.
    """

    step: int
    fraction: float
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StepTimes(Event):
    """Where the time of a training went.

    Attributes:
        steps: Steps that were measured.
        seconds: Seconds of all of them together by part, such as ``{"generator": 12.1, "loss patterns": 3.0}``.
    """

    steps: int
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class CheckpointSaved(Event):
    """A checkpoint lies on disk.

    Attributes:
        step: The step it was taken after.
        path: Its folder.
        best: Whether it holds the best model so far.
    """

    step: int
    path: str
    best: bool


@dataclass(frozen=True)
class TileDone(Event):
    """A tile is computed and stored.

    Attributes:
        done: Tiles done so far.
        total: Tiles in all.
        voxels: Output voxels of this tile.
    """

    done: int
    total: int
    voxels: int


@dataclass(frozen=True)
class TileProgress(Event):
    """A tile that takes long is partly done.

    Attributes:
        fraction: Share of its work that is done, 0 to 1.
        metrics: What is left of the error that is minimised, by name.
    """

    fraction: float
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunFinished(Event):
    """A job has ended well.

    Attributes:
        job: ``train``, ``generate`` or ``fuse``.
        path: What it made.
    """

    job: str
    path: str
