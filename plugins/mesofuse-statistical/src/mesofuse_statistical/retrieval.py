"""The search for labels with given two-point maps and fractions that agree with a scan: projections, then exchanges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Triple
from mesofuse_statistical.pair_error import POWER, PairError
from mesofuse_statistical.scan_rule import LEAST, ScanRule

FIRST_STEP, STEP_UP, STEP_DOWN = 1.0, 1.1, 0.8
FIRST_MOVED, MOVED_UP, MOVED_DOWN = 0.01, 1.2, 0.6
"""Share of the voxels that the first exchange moves; what follows a good exchange, and a bad one."""
SWEEPS = 20
BALANCED = 1e-4
"""Error of a fraction at which offsets are good enough between rounds."""
REPAIRS = 50
PATIENCE, PROGRESS = 30, 0.95
"""Exchanges in which the error must fall to this part of what it was, or the search ends."""


@dataclass(frozen=True)
class Search:
    """How long and how finely to search.

    Attributes:
        projections: Rounds in which spectra, fractions and scan are imposed on all voxels.
        exchanges: Rounds in which the few voxels change that lessen the error most.
        tolerance: Largest error of a map at which the search ends; of displacements h below 4 voxels |h| / 4 of it.
        blur: Standard deviation in voxels of the blur of what is imposed.
    """

    projections: int
    exchanges: int
    tolerance: float
    blur: float


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        labels: uint8 labels.
        error: Largest error of a map.
    """

    labels: np.ndarray
    error: float


def retrieve(
    fields: np.ndarray,
    counts: np.ndarray,
    target: np.ndarray,
    radius: int,
    rule: ScanRule | None,
    search: Search,
    report: Callable[[float, float], None] = lambda share, error: None,
) -> Found:
    """Find labels.

    Each round of projections (Gerchberg and Saxton 1972; input–output, Fienup 1982) adds to the fields what imposing
    the target's magnitude on the spectra of the labels' indicators changes, raises them where the scan is not
    reproduced, and takes as labels the phases of the highest fields, with offsets such that each has its number of
    voxels. The best labels then go on: pairs of voxels exchange their phases, most useful first, as many at once as
    lessen the error; the scan stays reproduced and the fractions stay.

    Args:
        fields: Where to start, float32 (phases, z, y, x); changed in place.
        counts: How many voxels each phase is to have; they sum to all.
        target: The map of each of `phase_pairs`, (pairs, 2 n + 1, …).
        radius: Displacements up to this length count.
        rule: The scan, or None.
        search: How long.
        report: Takes the share of the rounds that are done, and the largest error.
    """
    shape: Triple = fields.shape[1:]
    rounds = max(1, search.projections + search.exchanges)
    error = PairError(target, len(fields), shape, radius, target.shape[-1] // 2)
    labels = _projected(fields, counts, error, rule, search, lambda k, worst: report(k / rounds, worst))
    near = min(radius, target.shape[-1] // 2)
    exchange = Exchange(PairError(target, len(fields), shape, radius, near), rule, labels, counts)
    before = np.inf
    for k in range(search.exchanges):
        report((search.projections + k) / rounds, exchange.worst)
        if k % PATIENCE == 0:
            if exchange.level > PROGRESS * before:
                break
            before = exchange.level
        if exchange.weighted <= search.tolerance or not exchange.step():
            break
    report(1.0, exchange.worst)
    return Found(exchange.labels, exchange.worst)


def _projected(
    fields: np.ndarray,
    counts: np.ndarray,
    error: PairError,
    rule: ScanRule | None,
    search: Search,
    report: Callable[[int, float], None],
) -> np.ndarray:
    offsets = np.zeros(len(fields), np.float32)
    labels, offsets = chosen(fields, counts, offsets, rule, SWEEPS)
    best, least, before, step = labels, np.inf, np.inf, FIRST_STEP
    for k in range(search.projections + 1):
        spectra = error.spectra(labels)
        missing = error.error(spectra)
        squares = float((missing**2).sum())
        if squares < least:
            best, least = labels, squares
        report(k, float(np.abs(missing).max()))
        if k == search.projections or error.largest(missing) <= search.tolerance:
            break
        step, before = step * (STEP_UP if squares <= before else STEP_DOWN), squares
        fields += np.float32(step) * error.imposed(spectra, search.blur)
        labels, offsets = chosen(fields, counts, offsets, rule, 3)
    return best


def chosen(
    fields: np.ndarray, counts: np.ndarray, offsets: np.ndarray, rule: ScanRule | None, sweeps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the phases of the highest fields with offsets for their numbers, after the scan; and the offsets.

    Args:
        fields: (phases, z, y, x), raised in place where the scan is not reproduced.
        counts: How many voxels each phase is to have before that.
        offsets: Where the search of offsets starts.
        rule: The scan, or None.
        sweeps: Rounds over the phases at most.
    """
    flat = fields.reshape(len(fields), -1)
    offsets = balanced_offsets(flat, counts, offsets, sweeps)
    flat += offsets[:, None]
    labels = flat.argmax(0).astype(np.uint8).reshape(fields.shape[1:])
    if rule is not None:
        labels = rule.raised(flat, labels)
    flat -= offsets[:, None]
    return labels, offsets


def balanced_offsets(fields: np.ndarray, counts: np.ndarray, offsets: np.ndarray, sweeps: int) -> np.ndarray:
    """Return the offsets with which each phase has the highest field at its number of voxels.

    Phase by phase, an offset is set to the quantile of how far the field is below the highest other one.

    Args:
        fields: (phases, voxels), float32.
        counts: The numbers; they sum to the voxels.
        offsets: Where to start.
        sweeps: Rounds over the phases at most; two phases need one.
    """
    found = offsets.astype(np.float32)
    for _ in range(sweeps):
        for p, count in enumerate(counts):
            if count == 0:
                found[p] = -np.inf
                continue
            others = [q for q in range(len(fields)) if q != p]
            rival = fields[others[0]] + found[others[0]]
            for q in others[1:]:
                np.maximum(rival, fields[q] + found[q], out=rival)
            rival -= fields[p]
            if not np.isfinite(rival).any():  # all other phases are to have no voxel
                continue
            found[p] = np.nextafter(np.partition(rival, count - 1)[count - 1], np.float32(np.inf))
        made = np.bincount((fields + found[:, None]).argmax(0), minlength=len(fields))
        if np.abs(made - counts).max() <= max(1, BALANCED * fields.shape[1]):
            break
    return found


class Exchange:
    """Labels whose voxels exchange their phases to lessen the error of the maps.

    Args:
        error: What is minimised.
        rule: The scan, whose voxels keep what they show; or None.
        labels: Where to start.
        counts: How many voxels each phase is to have; labels are brought to them first, as far as the scan lets.
    """

    def __init__(self, error: PairError, rule: ScanRule | None, labels: np.ndarray, counts: np.ndarray) -> None:
        self._error, self._rule = error, rule
        self._plain = False
        self._moved = max(2.0, FIRST_MOVED * labels.size)
        self._take(labels)
        for _ in range(REPAIRS):
            surplus = np.bincount(self.labels.ravel(), minlength=error.phases) - counts
            if not surplus.any() or not self._repair(surplus):
                break

    @property
    def worst(self) -> float:
        """The largest error of a map."""
        return float(np.abs(self._missing).max())

    @property
    def weighted(self) -> float:
        """The largest error of a map, those of short displacements multiplied."""
        return self._error.largest(self._missing)

    @property
    def level(self) -> float:
        """The error that is minimised, as a power mean."""
        return float(self._cost ** (1 / POWER))

    def step(self) -> bool:
        """Try an exchange; False where none of even two voxels lessens the error any more."""
        limit = int(self._moved)
        phases = range(self._error.phases)
        moves = self._moves({(p, q): limit for p in phases for q in phases if p != q})
        ahead, back = [], []
        for p in phases:
            for q in range(p + 1, self._error.phases):
                there = np.flatnonzero((moves["from"] == p) & (moves["to"] == q))
                here = np.flatnonzero((moves["from"] == q) & (moves["to"] == p))
                both = min(len(there), len(here))
                ahead.append(there[:both])
                back.append(here[:both])
        a, b = np.concatenate(ahead), np.concatenate(back)
        gain = moves["gain"][a] + moves["gain"][b]
        order = np.argsort(-gain, kind="stable")[:limit]
        order = order[gain[order] > 0]
        better = False
        if len(order):
            taken = np.concatenate([a[order], b[order]])
            labels = self._changed(moves, taken)
            spectra = self._error.spectra(labels)
            missing = self._error.error(spectra)
            better = self._error.cost(missing) < self._cost
        if better:
            self._take(labels, spectra, missing)
            self._moved *= MOVED_UP
            return True
        self._moved = MOVED_DOWN * min(self._moved, max(1, len(order)))
        if self._moved >= 1:
            return True
        if self._plain:
            return False
        self._plain, self._moved = True, max(2.0, FIRST_MOVED * self.labels.size)
        return True

    def _take(
        self, labels: np.ndarray, spectra: list[np.ndarray] | None = None, missing: np.ndarray | None = None
    ) -> None:
        self.labels = labels
        self._spectra = self._error.spectra(labels) if spectra is None else spectra
        self._missing = self._error.error(self._spectra) if missing is None else missing
        self._cost = self._error.cost(self._missing)
        self._lead = None if self._rule is None else self._rule.lead(labels)

    def _repair(self, surplus: np.ndarray) -> bool:
        """Move voxels from the phases that have too many to those that have too few; False where none may."""
        limits = {
            (p, q): int(min(surplus[p], -surplus[q]))
            for p in np.flatnonzero(surplus > 0).tolist()
            for q in np.flatnonzero(surplus < 0).tolist()
        }
        moves = self._moves(limits)
        taken = []
        for p, q in limits:
            own = np.flatnonzero((moves["from"] == p) & (moves["to"] == q))[: int(min(surplus[p], -surplus[q]))]
            surplus[p] -= len(own)
            surplus[q] += len(own)
            taken.append(own)
        chosen_ = np.concatenate(taken)
        if len(chosen_):
            self._take(self._changed(moves, chosen_))
        return bool(len(chosen_))

    def _changed(self, moves: Mapping[str, np.ndarray], taken: np.ndarray) -> np.ndarray:
        labels = self.labels.copy()
        labels.ravel()[moves["voxel"][taken]] = moves["to"][taken]
        return labels

    def _moves(self, limits: Mapping[tuple[int, int], int]) -> dict[str, np.ndarray]:
        """Return the most useful changes of voxels, from one phase to another, best first.

        Each voxel is in one at most, and those that take from the lead of the scan's phase in a scan voxel are so few
        that it stays.

        Args:
            limits: How many at most, for each present and new phase.
        """
        gains = self._error.gains(self._spectra, self._missing, plain=self._plain).reshape(self._error.phases, -1)
        flat = self.labels.ravel()
        parts: list[tuple[np.ndarray, ...]] = []
        places = {p: np.flatnonzero(flat == p) for p in {p for p, _ in limits}}
        for (p, q), limit in limits.items():
            at = places[p]
            gain = gains[q, at] - gains[p, at]
            harm = np.zeros(len(at), np.float32)
            if self._rule is not None and self._lead is not None:
                harm = self._rule.harm(at, p, q)
                possible = (harm == 0) | (harm <= self._lead[self._rule.cell[at]] - LEAST)
                at, gain, harm = at[possible], gain[possible], harm[possible]
            if limit < len(at):
                best = np.argpartition(-gain, limit)[:limit]
                at, gain, harm = at[best], gain[best], harm[best]
            parts.append((at, gain, harm, np.full(len(at), p), np.full(len(at), q)))
        at, gain, harm, present, new = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((new, at, -gain))
        order = order[np.sort(np.unique(at[order], return_index=True)[1])]
        if self._rule is not None:
            order = order[self._kept(at[order], harm[order])]
        return {"voxel": at[order], "gain": gain[order], "from": present[order], "to": new[order]}

    def _kept(self, voxels: np.ndarray, harm: np.ndarray) -> np.ndarray:
        """Return which changes to keep, so that those of a scan voxel, in this order, take no more than its lead."""
        assert self._rule is not None
        assert self._lead is not None
        cell = self._rule.cell[voxels]
        together = np.argsort(cell, kind="stable")
        total = np.cumsum(harm[together], dtype=np.float64)
        starts = np.flatnonzero(np.diff(cell[together], prepend=-1))
        before = np.append(0, total)[starts]
        total -= np.repeat(before, np.diff(np.append(starts, len(cell))))
        keep = np.ones(len(cell), bool)
        keep[together] = total <= self._lead[cell[together]] - LEAST
        kept: np.ndarray = keep | (harm == 0)
        return kept
