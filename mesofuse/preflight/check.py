"""What a trust check says, and what it looks at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from mesofuse.preflight.autocovariance import fraction
from mesofuse.volumes.phases import Phase

MOST_PHASES = 8
Status = Literal["ok", "warning", "unknown"]


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: ``padding``, ``phase-fractions``, ``scale-factor``, ``image-size``, ``isotropy`` or
            ``image-patterns``.
        status: ``ok``, ``warning``, or ``unknown`` where there are not enough data, or rules, to tell.
        sentence: What was found, and what to do about it.
        numbers: What it was found from; NaN where something is not known.
    """

    name: str
    status: Status
    sentence: str
    numbers: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"name": self.name, "status": self.status, "sentence": self.sentence, "numbers": _plain(self.numbers)}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@dataclass(frozen=True)
class Sample:
    """Pieces of a scan or of the images.

    Attributes:
        name: ``scan`` or ``image``.
        pieces: Those of the images normal to axis 0, 1 and 2; three times the same list for a scan and where isotropic.
        phases: Its phases.
    """

    name: str
    pieces: tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]
    phases: tuple[Phase, ...]

    @property
    def isotropic(self) -> bool:
        """Whether the same pieces stand for all axes."""
        return self.pieces[0] is self.pieces[1] is self.pieces[2]

    @property
    def all(self) -> list[np.ndarray]:
        """All different pieces."""
        different = {id(pieces): pieces for pieces in self.pieces}
        return [piece for pieces in different.values() for piece in pieces]


def phase_groups(sample: Sample) -> list[tuple[int]]:
    """Return the values of the phases to look at, the largest ones where there are many; those that are absent too."""
    values: Sequence[int] = range(len(sample.phases))
    if len(values) > MOST_PHASES:
        share = {v: fraction(sample.all, [v]) for v in values}
        values = sorted(sorted(values, key=lambda v: -share[v])[:MOST_PHASES])
    return [(v,) for v in values]
