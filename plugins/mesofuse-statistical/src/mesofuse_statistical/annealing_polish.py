"""A last annealing of labels that any method made, within a fixed margin."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from mesofuse.volumes.grid import Region
from mesofuse_statistical.annealing_energy import OUTSIDE, Field
from mesofuse_statistical.annealing_field import Weights, build, labels_of
from mesofuse_statistical.annealing_lattice import lattices
from mesofuse_statistical.annealing_scan import Scan, unconstrained
from mesofuse_statistical.annealing_schedule import Cooling
from mesofuse_statistical.annealing_shares import with_shares
from mesofuse_statistical.annealing_targets import Targets

ACCEPTANCE = 0.01
"""Share of swaps to the worse that are accepted at first: little of what is there is undone."""


def polish(
    labels: np.ndarray,
    core: Region,
    targets: Targets,
    noise: np.ndarray,
    *,
    scan: Scan | None = None,
    weights: Weights | None = None,
    sweeps: float = 5.0,
    acceptance: float = ACCEPTANCE,
) -> np.ndarray:
    """Anneal the core of a window at a low temperature, and return all of the window's labels.

    What lies around the core stays what it is, and the core is fitted to it, so that parts of a volume meet. The shares
    of the phases stay too; the targets are carried over to them (`annealing_shares.with_shares`), since a part of a
    volume has not the shares of the whole.

    Args:
        labels: uint8 (z, y, x), `annealing_energy.OUTSIDE` where there is no material; left as they are.
        core: Voxels that may change, counted from the window's first.
        targets: What the images say.
        noise: Random numbers that belong to the window's place; their signs are the seed.
        scan: What the labels show and have to go on showing, of the same window; None asks for nothing. Where labels
            do not show it, they need not.
        weights: Of the parts of the energy; None for 1 each.
        sweeps: Moves a voxel of the core.
        acceptance: Share of swaps to the worse that are accepted at the highest temperature.
    """
    present = np.bincount(labels.ravel(), minlength=OUTSIDE + 1)[: targets.phases]
    if not present.any() or not core.size:
        return labels.copy()
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    field = core_field(labels, core, with_shares(targets, present / present.sum()), weights or Weights())
    constraint = unconstrained(shape, targets.phases)
    if scan is not None:
        constraint = scan.constraint(lattices(shape, 1)[0], labels)
        best = constraint.counts.max(axis=1)
        wanted = constraint.counts[np.arange(len(best)), np.maximum(constraint.scan, 0)]
        constraint.scan[wanted < best] = -1
    seed = hashlib.sha256(np.packbits(noise.ravel() > 0).tobytes()).digest()
    random = np.frombuffer(seed[:8], "<u8").astype(np.uint64)
    bounds = np.array([core.start, core.stop], np.int64)
    cooling = Cooling(round(sweeps * math.prod(core.shape)), acceptance, random)
    while not cooling.finished:
        cooling.advance(field, constraint, bounds)
    return labels_of(field)


def core_field(labels: np.ndarray, core: Region, targets: Targets, weights: Weights) -> Field:
    """Return a window's counts of which only what has a voxel in the core is compared with the targets.

    Else the core would make up for what is wrong around it.
    """
    around = labels.copy()
    around[core.slices] = OUTSIDE
    field, rest = build(labels, targets, 0, weights), build(around, targets, 0, weights)
    for own, other in ((field.pairs, rest.pairs), (field.paths, rest.paths), (field.patterns, rest.patterns)):
        own -= other
    return field
