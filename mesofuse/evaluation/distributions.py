"""Distributions over subvolumes: means with their errors, and how far two volumes are apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.evaluation.compare import UNLIKE_VOXELS, relative_error, same_voxels
from mesofuse.evaluation.subvolumes import Key, Sampled
from mesofuse.volumes.quantities import conversion

CONFIDENCE = 1.959964  # standard errors to either side of a mean that hold it with 95 %


@dataclass(frozen=True)
class Summary:
    """One quantity of one volume over its subvolumes.

    Attributes:
        mean: Mean of the finite values; NaN where there is none.
        deviation: Standard deviation between subvolumes.
        error: Standard error of the mean; subvolumes that overlap do not count as independent. NaN where the volume
            does not hold two of them side by side: their scatter tells nothing then.
        finite: Share of subvolumes whose value is finite (a phase that does not percolate has an infinite tortuosity).
    """

    mean: float
    deviation: float
    error: float
    finite: float


@dataclass(frozen=True)
class Distance:
    """How far a volume's distribution is from the reference's.

    Attributes:
        relative: Relative error of the mean; None where it is not defined.
        interval: Its 95 % confidence interval, from the standard errors of both means; None likewise.
        wasserstein: Earth mover's distance of the two distributions, in the quantity's unit; NaN without finite values.
        note: Why the two are not compared; empty otherwise.
    """

    relative: float | None = None
    interval: tuple[float, float] | None = None
    wasserstein: float = math.nan
    note: str = ""


def summary(sampled: Sampled, key: Key, factor: float = 1.0) -> Summary:
    """Return mean, spread and error of one quantity, its values times ``factor``."""
    values = sampled.values[key] * factor
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Summary(math.nan, math.nan, math.nan, 0.0)
    deviation = float(finite.std(ddof=1)) if len(finite) > 1 else math.nan
    independent = max(1.0, sampled.independent * len(finite) / len(values))
    share = len(finite) / len(values)
    error = deviation / math.sqrt(independent) if sampled.independent >= 2 else math.nan
    return Summary(float(finite.mean()), deviation, error, share)


def undefined(sampled: Sampled, key: Key) -> str:
    """Say why a quantity has no finite value in some subvolumes, and in how many; nothing where it has one in all."""
    reasons = Counter(filter(None, sampled.reasons.get(key, ())))
    count = len(sampled.regions)
    return "; ".join(why if times == count else f"in {times} of {count}: {why}" for why, times in reasons.most_common())


def distance(sampled: Sampled, reference: Sampled, key: Key) -> Distance:
    """Compare one quantity of a volume with the reference's; both must have it."""
    from scipy.stats import wasserstein_distance

    factor = conversion(sampled.units[key], reference.units[key])
    if factor is None:
        return Distance(note=f"{sampled.units[key]} can't be turned into {reference.units[key]}")
    if key in sampled.per_voxel and not same_voxels(sampled.grid, reference.grid):
        return Distance(note=UNLIKE_VOXELS)
    mine, theirs = summary(sampled, key, factor), summary(reference, key)
    relative = relative_error(mine.mean, theirs.mean)
    interval = None
    if relative is not None and theirs.mean and math.isfinite(mine.error + theirs.error):
        # First order in both errors; the two means are taken as independent.
        spread = CONFIDENCE * math.hypot(mine.error, mine.mean / theirs.mean * theirs.error) / abs(theirs.mean)
        interval = (relative - spread, relative + spread)
    a, b = sampled.values[key] * factor, reference.values[key]
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    return Distance(relative, interval, float(wasserstein_distance(a, b)) if len(a) and len(b) else math.nan)


def distances(volumes: Sequence[Sampled], reference: Sampled) -> list[dict[Key, Distance]]:
    """Compare every quantity that both have, for each volume."""
    return [{key: distance(v, reference, key) for key in v.values if key in reference.values} for v in volumes]
