"""How far a run has come: the share of its budget, and an earlier end once its error has stopped falling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

TAIL = 0.3
"""What a run that has settled still takes to its end, as a share of what it has taken so far."""
GAIN = 0.03
"""By what share the mean error of as many checks as `Schedule.patience` says must fall for the run to go on."""


class Schedule:
    """The share of a run that is done, from 0 to 1, by which learning rates fall and losses sharpen.

    It is the used share of the budget of steps or minutes, whichever is more. With ``patience``, a run whose error has
    stopped falling ends early: from then on the share rises to 1 within `TAIL` of what the run has taken so far, so
    that the rates fall to their end all the same.

    Args:
        steps: Budget in steps, or None.
        minutes: Budget in minutes, or None.
        patience: Checks whose mean error is compared with that of as many before; None: the budget is used up.
    """

    def __init__(self, steps: int | None, minutes: float | None, patience: int | None = None) -> None:
        self.steps, self.minutes, self.patience = steps, minutes, patience
        self.errors: list[float] = []
        self.settled: tuple[int, float] | None = None  # steps and seconds then

    def used(self, step: int, elapsed: float) -> float:
        """Return the used share of the budget after so many steps and seconds."""
        shares = [0.0]
        if self.steps:
            shares.append(step / self.steps)
        if self.minutes:
            shares.append(elapsed / (60 * self.minutes))
        return min(1.0, max(shares))

    def fraction(self, step: int, elapsed: float) -> float:
        """Return the share of the run that is done."""
        used = self.used(step, elapsed)
        if self.settled is None or used >= 1:
            return used
        start = self.used(*self.settled)
        if start >= 1:
            return used
        tail = min(TAIL * start, 1 - start)
        return min(1.0, start + (1 - start) * max(0.0, used - start) / tail)

    def note(self, error: float) -> None:
        """Take the error of a check."""
        self.errors.append(error)

    @property
    def stopped_falling(self) -> bool:
        """Whether the errors noted so far say that the run has settled."""
        if self.patience is None or self.settled is not None or len(self.errors) < 2 * self.patience:
            return False
        last, before = (np.mean(self.errors[-n:][: self.patience]) for n in (self.patience, 2 * self.patience))
        return bool(last > (1 - GAIN) * before)

    def settle(self, step: int, elapsed: float) -> None:
        """Let the run end from here on."""
        self.settled = step, elapsed

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"errors": self.errors, "settled": self.settled}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` returned; checkpoints of earlier versions hold nothing of it."""
        self.errors = list(state.get("errors", []))
        settled = state.get("settled")
        self.settled = None if settled is None else (settled[0], settled[1])
