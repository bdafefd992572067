"""What a scan asks of a volume while it is annealed: in each scan voxel its phase is to show most strongly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.mask import owners
from mesofuse.volumes.phases import IGNORED
from mesofuse_statistical.annealing_energy import OUTSIDE
from mesofuse_statistical.annealing_lattice import Lattice
from mesofuse_statistical.compiled import compiled

PASSES = 32
"""How often all voxels are looked at, at most, to correct the shares."""


class Constraint(NamedTuple):
    """What the scan shows, and what keeps it so. A cell is the part of a scan voxel on the lattice.

    Attributes:
        cells: Three int64 arrays in one, (z + y + x): a voxel's cell is the sum of its three.
        weights: int64 in the same form: a voxel counts in its cell by the product of its three.
        groups: int64 (phases,), the scan phase that shows a phase, or −1.
        scan: int64 (cells,), the phase that is to show most strongly, or −1 where none has to.
        counts: int64 (cells, groups), sums of weights.
    """

    cells: np.ndarray
    weights: np.ndarray
    groups: np.ndarray
    scan: np.ndarray
    counts: np.ndarray


@compiled()
def shift(constraint: Any, at: Any, i: Any, shape: Any, a: Any, b: Any) -> Any:
    """Count voxel i of ``at`` as phase b in place of a, and return its cell."""
    z, y, x = at[i, 0], shape[0] + at[i, 1], shape[0] + shape[1] + at[i, 2]
    cell = constraint.cells[z] + constraint.cells[y] + constraint.cells[x]
    weight = constraint.weights[z] * constraint.weights[y] * constraint.weights[x]
    if constraint.groups[a] >= 0:
        constraint.counts[cell, constraint.groups[a]] -= weight
    if constraint.groups[b] >= 0:
        constraint.counts[cell, constraint.groups[b]] += weight
    return cell


@compiled()
def shown(constraint: Any, cell: Any) -> Any:
    """Return whether the scan's phase shows most strongly in a cell; an equally strong one counts."""
    wanted = constraint.scan[cell]
    if wanted >= 0:
        for group in range(constraint.counts.shape[1]):
            if constraint.counts[cell, group] > constraint.counts[cell, wanted]:
                return False
    return True


@compiled()
def swap(constraint: Any, at: Any, shape: Any, a: Any, b: Any) -> Any:
    """Count a swap in the cells, unless the scan would no longer be shown; return whether it is counted."""
    if constraint.groups[a] == constraint.groups[b]:
        return True
    first = shift(constraint, at, 0, shape, a, b)
    second = shift(constraint, at, 1, shape, b, a)
    if shown(constraint, first) and shown(constraint, second):
        return True
    swap_back(constraint, at, shape, a, b)
    return False


@compiled()
def swap_back(constraint: Any, at: Any, shape: Any, a: Any, b: Any) -> None:
    """Take back what `swap` counted."""
    if constraint.groups[a] != constraint.groups[b]:
        shift(constraint, at, 0, shape, b, a)
        shift(constraint, at, 1, shape, a, b)


@compiled()
def _repair(labels: Any, constraint: Any, order: Any, shares: Any) -> None:
    """Change voxels, in an order, until every cell shows what the scan has: to the commonest phase that it may be."""
    at = np.zeros((1, 3), np.int64)
    shape = np.array(labels.shape)
    phases = len(constraint.groups)
    for k in order:
        at[0, 0], at[0, 1], at[0, 2] = k // (shape[1] * shape[2]), k // shape[2] % shape[1], k % shape[2]
        own = np.int64(labels[at[0, 0], at[0, 1], at[0, 2]])
        if own == OUTSIDE:
            continue
        cell = shift(constraint, at, 0, shape, own, own)
        if shown(constraint, cell) or constraint.groups[own] == constraint.scan[cell]:
            continue
        best = -1
        for phase in range(phases):
            if constraint.groups[phase] == constraint.scan[cell] and (best < 0 or shares[phase] > shares[best]):
                best = phase
        if best >= 0:
            shift(constraint, at, 0, shape, own, best)
            labels[at[0, 0], at[0, 1], at[0, 2]] = best


@compiled()
def _balance(labels: Any, constraint: Any, order: Any, surplus: Any, beside: Any) -> Any:
    """Change voxels of which there are too many to phases of which there are too few, and return how many changed.

    Args:
        labels: uint8 (z, y, x).
        constraint: What is to be shown all the while.
        order: In which voxels are looked at.
        surplus: int64 (phases,), voxels too many.
        beside: Voxels change to the phase of a neighbour only.
    """
    at = np.zeros((1, 3), np.int64)
    shape = np.array(labels.shape)
    changed = 0
    for k in order:
        z, y, x = k // (shape[1] * shape[2]), k // shape[2] % shape[1], k % shape[2]
        own = np.int64(labels[z, y, x])
        if own == OUTSIDE or surplus[own] <= 0:
            continue
        at[0, 0], at[0, 1], at[0, 2] = z, y, x
        for phase in range(len(surplus)):
            if surplus[phase] >= 0:
                continue
            near = not beside
            for way in range(6):
                step, axis = 1 - 2 * (way & 1), way >> 1
                v, u, t = z + (step if axis == 0 else 0), y + (step if axis == 1 else 0), x + (step if axis == 2 else 0)
                if 0 <= v < shape[0] and 0 <= u < shape[1] and 0 <= t < shape[2] and labels[v, u, t] == phase:
                    near = True
            if not near:
                continue
            cell = shift(constraint, at, 0, shape, own, phase)
            if shown(constraint, cell):
                labels[z, y, x] = phase
                surplus[own] -= 1
                surplus[phase] += 1
                changed += 1
                break
            shift(constraint, at, 0, shape, phase, own)
    return changed


def unconstrained(shape: Sequence[int], phases: int) -> Constraint:
    """Return a constraint that lets everything pass, for labels of a shape."""
    return Constraint(
        np.zeros(sum(shape), np.int64),
        np.ones(sum(shape), np.int64),
        np.full(phases, -1, np.int64),
        np.full(1, -1, np.int64),
        np.zeros((1, 1), np.int64),
    )


class Scan:
    """A scan, and where its voxels lie on the finer grid.

    Args:
        problem: Scale, and which phases each scan phase shows.
        region: Voxels of the scan.
        field: uint8 labels of the region; ignored voxels ask for nothing and hold no material.
        weights: Along z, y and x, how much each of a scan voxel's own voxels counts, as whole numbers; None where all
            count alike.
    """

    def __init__(
        self, problem: Problem, region: Region, field: np.ndarray, weights: Sequence[np.ndarray] | None = None
    ) -> None:
        self._problem, self._field, self._weights = problem, field, weights
        inner = region.scaled(problem.scale)
        self.shape = inner.shape
        self._owners = owners(region, problem.scale)
        spans = zip(self._owners, field.shape, strict=True)
        self._first = [np.searchsorted(owner, np.arange(n)) for owner, n in spans]
        self.groups = np.full(len(problem.phases), -1, np.int64)
        for low, phases in enumerate(problem.match.shows):
            self.groups[list(phases)] = low

    def arrays(self) -> list[np.ndarray]:
        """Return all that bears on a volume."""
        return [self._field, self.groups, *self._owners, *(self._weights or ())]

    def seen(self, lattice: Lattice) -> np.ndarray:
        """Return the scan's label at each site."""
        found: np.ndarray = self._field[np.ix_(*(owner[lattice.at(a)] for a, owner in enumerate(self._owners)))]
        return found

    def constraint(self, lattice: Lattice, labels: np.ndarray) -> Constraint:
        """Return what is asked of labels of a lattice, with their counts. Weights are for all voxels, level 0."""
        own = [owner[lattice.at(axis)] for axis, owner in enumerate(self._owners)]
        _, rows, columns = self._field.shape
        cells = [own[0] * rows * columns, own[1] * columns, own[2]]
        weights = [np.ones(n, np.int64) for n in lattice.shape]
        if self._weights is not None and lattice.level == 0:
            for axis, (first, owner) in enumerate(zip(self._first, own, strict=True)):
                weights[axis] = self._weights[axis][lattice.at(axis) - first[owner]]
        groups = len(self._problem.match.shows)
        scan = self._field.ravel().astype(np.int64)
        empty = [low for low, phases in enumerate(self._problem.match.shows) if not phases]
        scan[(scan == IGNORED) | np.isin(scan, empty)] = -1
        counts = np.zeros((self._field.size, groups), np.int64)
        cell = cells[0][:, None, None] + cells[1][:, None] + cells[2]
        weight = weights[0][:, None, None] * weights[1][:, None] * weights[2]
        counted = (labels != OUTSIDE) & (self.groups[np.where(labels == OUTSIDE, 0, labels)] >= 0)
        np.add.at(counts, (cell[counted], self.groups[labels[counted]]), weight[counted])
        return Constraint(np.concatenate(cells), np.concatenate(weights), self.groups, scan, counts)

    def start(self, lattice: Lattice, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return labels drawn among the phases that the scan shows at each site, in proportion to the images' shares.

        Phases that no scan phase shows are everywhere in their share. Where the scan is ignored there is no material.
        """
        seen = self.seen(lattice)
        labels = np.full(lattice.shape, OUTSIDE, np.uint8)
        free = self.groups < 0
        for low, phases in enumerate(self._problem.match.shows):
            wanted = np.where(free, shares, 0.0)
            own = list(phases)
            if own:
                wanted[own] = (1 - wanted.sum()) * shares[own] / shares[own].sum()
            there = np.flatnonzero(seen == low)
            counts = whole_shares(wanted if wanted.sum() > 0 else shares, len(there))
            labels.ravel()[there] = rng.permutation(np.repeat(np.arange(len(shares), dtype=np.uint8), counts))
        return labels


def whole_shares(shares: np.ndarray, total: int) -> np.ndarray:
    """Return whole numbers in proportion to shares, with this sum: the largest remainders are rounded up."""
    exact = shares / shares.sum() * total
    found: np.ndarray = np.floor(exact).astype(np.int64)
    up = np.argsort(found - exact, kind="stable")[: total - int(found.sum())]
    found[up] += 1
    return found


def settle(labels: np.ndarray, constraint: Constraint, shares: np.ndarray, rng: np.random.Generator) -> None:
    """Change labels, and the counts with them, so that they show the scan and have the shares as far as it lets them.

    Args:
        labels: uint8 (z, y, x).
        constraint: Its counts are of the labels.
        shares: Wanted share of each phase.
        rng: Decides which voxels change.
    """
    _repair(labels, constraint, rng.permutation(labels.size), shares)
    present = np.bincount(labels.ravel(), minlength=OUTSIDE + 1)[: len(shares)]
    surplus = present - whole_shares(shares, int(present.sum()))
    for near in (True, False):
        for _ in range(PASSES):
            if not surplus.any() or not _balance(labels, constraint, rng.permutation(labels.size), surplus, near):
                break
