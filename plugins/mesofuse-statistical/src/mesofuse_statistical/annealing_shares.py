"""Targets of an image carried over to other shares of the phases, keeping how phases attract each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mesofuse.volumes.patterns import Stencil
from mesofuse_statistical.annealing_targets import Targets, stencil_of

ROUNDS = 60
NEAR = 1e-9


def with_shares(targets: Targets, shares: np.ndarray) -> Targets:
    """Return targets that a volume with these shares can meet.

    Each is the distribution of those shares that is nearest to the image's in relative entropy: pairs are scaled by a
    factor a phase (iterative proportional fitting, Deming and Stephan 1940, which keeps odds ratios), patterns by a
    factor a pixel of each phase. Paths keep how long a phase's chords are, and are as many more as it has voxels.

    Args:
        targets: Of an image.
        shares: Share of each phase; 0 where there is none.
    """
    pairs = _pairs(targets.pairs, shares)
    with np.errstate(invalid="ignore", divide="ignore"):
        paths = targets.paths * (shares[:, None] / targets.paths[..., :1])
    known: dict[bytes, np.ndarray] = {}  # those of planes that look alike are worked out once
    stencil = stencil_of(targets.phases)
    patterns = np.empty_like(targets.patterns)
    for at in np.ndindex(patterns.shape[:-1]):
        table = targets.patterns[at]
        key = table.tobytes()
        if key not in known:
            known[key] = _patterns(table.astype(np.float64), shares, stencil).astype(table.dtype)
        patterns[at] = known[key]
    return replace(targets, shares=shares, pairs=pairs, paths=paths, patterns=patterns)


def _pairs(pairs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Scale pairs, (…, phases, phases, lags) with both orders in the upper triangle, to marginals ``shares``."""
    both = np.moveaxis(pairs, -1, -3)
    upper = np.triu(both)
    joint = (upper + np.swapaxes(upper, -1, -2)) / 2
    factor = np.ones(joint.shape[:-1])
    for _ in range(ROUNDS):
        marginal = factor * np.einsum("...ij,...j->...i", joint, factor)
        factor *= np.sqrt(np.divide(shares, marginal, out=np.ones(marginal.shape), where=~(marginal <= 0)))
    joint = joint * factor[..., :, None] * factor[..., None, :]
    diagonal = np.eye(len(shares), dtype=bool)
    found: np.ndarray = np.moveaxis(np.triu(np.where(diagonal, joint, 2 * joint)), -3, -1)
    return found


def _patterns(table: np.ndarray, shares: np.ndarray, stencil: Stencil) -> np.ndarray:
    """Scale a histogram of patterns so that its pixels have these shares, by Newton's method for the factors' logs."""
    if np.isnan(table).any():
        return table
    pixels = len(stencil.offsets)
    digits = np.arange(stencil.bins)[:, None] // stencil.phases ** np.arange(pixels) % stencil.phases
    present = shares > 0
    content = np.stack([(digits == phase).sum(1) for phase in np.flatnonzero(present)], axis=1) / pixels
    allowed = present[digits].all(1)
    table = np.where(allowed, table, 0)
    if not table.any():
        return table
    logs = np.zeros(content.shape[1])
    found: np.ndarray = table / table.sum()
    for _ in range(ROUNDS):
        mean = found @ content
        missing = shares[present] - mean
        if np.abs(missing).max() < NEAR:
            break
        spread = (content * found[:, None]).T @ content - np.outer(mean, mean)
        step = np.linalg.lstsq(spread, missing, rcond=1e-9)[0]
        logs += step * min(1.0, 0.5 * pixels / max(np.abs(step).max(), 1e-12))
        found = table * np.exp(content @ logs - (content @ logs).max())
        found /= found.sum()
    return found
