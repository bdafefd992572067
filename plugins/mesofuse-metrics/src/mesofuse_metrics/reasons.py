"""Why a value is not defined, in the words that all metrics use."""

from __future__ import annotations

import math

ABSENT = "the phase is absent"
FILLS = "the phase fills everything"
THIN = "the volume is one voxel thick"


def unless(value: float, reason: str) -> str:
    """Return the reason where the value is NaN or infinite, nothing where it is a number."""
    return "" if math.isfinite(value) else reason
