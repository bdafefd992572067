"""What is to be fused, as every component of a method is told it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mesofuse.volumes.content import CHANNELS
from mesofuse.volumes.content import Content as Content
from mesofuse.volumes.grid import Scale
from mesofuse.volumes.phases import Phase, PhaseMatch


@dataclass(frozen=True)
class Problem:
    """The setting that a generator, critic, loss or degradation is built for.

    Attributes:
        scale: Voxels of the result along one voxel of the scan (z, y, x), each ≥ 1; 1 for a method that takes no
            scan, whose generator chooses its own.
        low_phases: Phases of the scan; empty for a method that takes none (SliceGAN).
        phases: Phases of the image and so of the result.
        match: Which image phases each scan phase shows.
        content: What the image and so the result hold. With grey values or colours ``phases`` is empty; generators and
            critics then work on values from 0 to 1 instead of probabilities.
    """

    scale: Scale
    low_phases: tuple[Phase, ...]
    phases: tuple[Phase, ...]
    match: PhaseMatch
    content: Content = "phases"

    @property
    def channels(self) -> int:
        """Numbers a voxel that a generator makes and a critic sees: one per phase, 1 for grey values, 3 for colours."""
        return len(CHANNELS[self.content]) or len(self.phases)

    def to_json(self) -> dict[str, Any]:
        """Return the problem as plain JSON values."""
        return {
            "scale": list(self.scale),
            "low_phases": [vars(p) for p in self.low_phases],
            "phases": [vars(p) for p in self.phases],
            "shows": [list(v) for v in self.match.shows],
            **({} if self.content == "phases" else {"content": self.content}),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Problem:
        """Rebuild a problem from `to_json`'s values.

        Raises:
            KeyError, TypeError, ValueError: If the values are not such a record.
        """
        z, y, x = (float(s) for s in data["scale"])
        return cls(
            (z, y, x),
            tuple(Phase(**p) for p in data["low_phases"]),
            tuple(Phase(**p) for p in data["phases"]),
            PhaseMatch(tuple(tuple(v) for v in data["shows"])),
            data.get("content", "phases"),
        )
