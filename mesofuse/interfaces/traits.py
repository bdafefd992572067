"""What methods and models may say of themselves as attributes, and what counts where they say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class MethodTraits:
    """Class attributes of a `mesofuse.interfaces.method.Method`.

    Attributes:
        conditional: It takes a scan (``inputs.low_res``). Of one that takes none, ``problem.low_phases`` is empty, and
            a job with a scan is refused, as one without is otherwise.
        parallel: Its `fit` shares the work where torchrun has started several processes: it is called in each, and only
            that of rank 0 writes files and returns the model that is kept. Without it, the first process works alone.
        warm: Its `fit` begins with the arrays of `FitRun.start` where there are any; without it such a job is refused.
    """

    conditional: bool = True
    parallel: bool = False
    warm: bool = False

    @classmethod
    def of(cls, method: type) -> MethodTraits:
        """Return what a method's class says."""
        return cls(**_said(cls, method))


@dataclass(frozen=True)
class ModelTraits:
    """Attributes of a `mesofuse.interfaces.method.Model`.

    Attributes:
        draws: Its labels are drawn from its probabilities, by noise of its own that belongs to the voxels' places;
            without it a label is the most probable phase.
        sees_ignored: It takes voxels of the label `mesofuse.volumes.phases.IGNORED`, which are no material, in a tile's
            field; without it there is phase 0 in their place. Either way the framework makes the result ignored there.
        extras: Counts on the scan's grid that its tiles bring in `TileOutput.extra`: what each is, by name.
    """

    draws: bool = False
    sees_ignored: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, model: object) -> ModelTraits:
        """Return what a model says."""
        return cls(**_said(cls, model))


def _said(traits: Any, thing: object) -> dict[str, Any]:
    return {f.name: getattr(thing, f.name) for f in fields(traits) if hasattr(thing, f.name)}
