"""The scan as a rule for labels: in each of its voxels the phases that it may show must have the largest share."""

from __future__ import annotations

import itertools

import numpy as np

from mesofuse.interfaces.degradation import Degradation, SupportsShares
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.mask import owners
from mesofuse.volumes.phases import IGNORED

BLOCK: Triple = (16, 16, 16)
"""Scan voxels whose weights are found at once."""
LEAST = -1e-6
"""Lead above which a phase of the scan counts as the strongest; equal ones tie (`mesofuse.interfaces.degradation`)."""


def own_weights(degradation: Degradation, problem: Problem, shape: Triple) -> np.ndarray:
    """Return how much each high-resolution voxel counts in the scan voxel it lies in: float32, positive or 0.

    What a degradation takes from neighbouring scan voxels is left out. One that does not tell shares counts all alike.

    Args:
        degradation: The model of the instrument, whose shares are sums over voxels.
        problem: Scale and phases.
        shape: Shape of the scan.
    """
    import torch

    whole = Region.whole(shape)
    found = np.ones(whole.scaled(problem.scale).shape, np.float32)
    if not isinstance(degradation, SupportsShares) or not any(problem.match.shows):
        return found
    low = next(i for i, values in enumerate(problem.match.shows) if values)
    phase = problem.match.shows[low][0]
    for core in whole.blocks(BLOCK):
        window = core.grown(degradation.halo, shape)
        own = owners(window, problem.scale)
        weights = np.zeros(window.scaled(problem.scale).shape, np.float32)
        ones = torch.zeros((1, len(problem.phases), *weights.shape), requires_grad=True)
        with torch.enable_grad():
            seen = degradation.shares(ones, window)[0, low]
            # Scan voxels of one colour do not see each other's own voxels, so that one gradient serves them all.
            steps = [h + 1 for h in degradation.halo]
            for first in itertools.product(*(range(s) for s in steps)):
                color = tuple(slice(a, None, s) for a, s in zip(first, steps, strict=True))
                slope = torch.autograd.grad(seen[color].sum(), ones, retain_graph=True)[0][0, phase].numpy()
                mine = np.ix_(*(o % s == a for o, s, a in zip(own, steps, first, strict=True)))
                weights[mine] = slope[mine]
        fine = core.scaled(problem.scale)
        found[fine.slices] = weights[fine.within(window.scaled(problem.scale))]
    return np.maximum(found, 0)


class ScanRule:
    """Which labels agree with a scan whose voxels each see their own high-resolution voxels, by weights.

    Args:
        scan: uint8 labels (z, y, x).
        problem: Scale, phases, and which shows which.
        weights: How much each high-resolution voxel counts in its scan voxel; None: all alike.

    Attributes:
        cell: For each high-resolution voxel, in C order, the scan voxel it lies in: int32.
        weight: Its share of that scan voxel: float32; those of a scan voxel sum to 1.
        wanted: The scan's phase in each scan voxel; −1 where nothing is asked.
        group: The scan phase that shows each phase of the result; −1 for free ones.
    """

    def __init__(self, scan: np.ndarray, problem: Problem, weights: np.ndarray | None = None) -> None:
        shape: Triple = scan.shape
        z, y, x = owners(Region.whole(shape), problem.scale)
        cell = (z[:, None, None] * shape[1] + y[:, None]) * shape[2] + x
        self.cell = cell.astype(np.int32).ravel()
        self.cells = scan.size
        given = np.ones(cell.size, np.float32) if weights is None else weights.ravel()
        whole = np.bincount(self.cell, given, self.cells)
        count = np.bincount(self.cell, minlength=self.cells)
        plain = whole <= 0
        own = np.where(plain, 1 / np.maximum(count, 1), 1 / np.where(plain, 1, whole))
        self.weight = (np.where(plain[self.cell], 1, given) * own[self.cell]).astype(np.float32)
        self.lows = len(problem.match.shows)
        self.group = np.full(len(problem.phases), -1, np.int16)
        for low, values in enumerate(problem.match.shows):
            self.group[list(values)] = low
        asked = np.array([bool(values) for values in problem.match.shows])
        wanted = np.where(scan == IGNORED, 0, scan).astype(np.int16)
        self.wanted = np.where(asked[wanted] & (scan != IGNORED), wanted, -1).ravel().astype(np.int16)
        self.members = [np.array(values, np.intp) for values in problem.match.shows]

    def shares(self, labels: np.ndarray) -> np.ndarray:
        """Return the share of each scan phase in each scan voxel: (low phases, cells)."""
        groups = self.group[labels.ravel()]
        return np.stack([np.bincount(self.cell, self.weight * (groups == m), self.cells) for m in range(self.lows)])

    def lead(self, labels: np.ndarray) -> np.ndarray:
        """Return by how much the scan's phase has more than its strongest rival in each scan voxel.

        Infinite where nothing is asked or there is no rival.
        """
        return self.lead_of(self.shares(labels), self.wanted)

    def lead_of(self, shares: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return the lead in shares (low phases, …) of the wanted phases (…)."""
        index = np.maximum(wanted, 0)[None].astype(np.intp)
        own = np.take_along_axis(shares, index, 0)[0]
        rivals = shares.copy()
        np.put_along_axis(rivals, index, -np.inf, 0)
        found: np.ndarray = np.where(wanted < 0, np.inf, own - rivals.max(0))
        return found

    def agreement(self, labels: np.ndarray) -> float:
        """Return the share of scan voxels that labels reproduce."""
        return float(np.mean(self.lead(labels) >= LEAST))

    def raised(self, fields: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return labels that agree with the scan, after raising fields as little as needed.

        In each scan voxel that disagrees, the fields of the phases that it may show are raised together, in place, by
        the least number with which their share, where a voxel takes the phase of the highest field, is the largest.

        Args:
            fields: Each phase's field, (phases, voxels), float32; the labels are those of the highest.
            labels: uint8 labels, of any shape with as many voxels.
        """
        shares = self.shares(labels)
        wrong = self.lead_of(shares, self.wanted) < LEAST
        if not wrong.any():
            return labels
        flat = labels.ravel().copy()
        inside = np.flatnonzero(wrong[self.cell])
        wanted = self.wanted[self.cell[inside]]
        others = self.group[flat[inside]] != wanted
        inside, wanted = inside[others], wanted[others]
        best = np.zeros(len(inside), np.uint8)
        gap = np.zeros(len(inside), np.float32)
        for low in np.unique(wanted):
            mine = wanted == low
            there = fields[self.members[low][:, None], inside[mine]]
            choice = there.argmax(0)
            best[mine] = self.members[low][choice]
            gap[mine] = fields[flat[inside[mine]], inside[mine]] - there.max(0)
        order = np.lexsort((inside, gap, self.cell[inside]))
        inside, best, gap = inside[order], best[order], gap[order]
        taken, last = self._fewest(inside, flat, shares)
        flat[inside[taken]] = best[taken]
        amount = np.zeros(self.cells, np.float32)
        rounding = 4 * np.finfo(np.float32).eps * np.abs(fields[:, inside[last]]).max(initial=0)
        amount[self.cell[inside[last]]] = gap[last] + rounding
        for low, members in enumerate(self.members):
            up = np.where(self.wanted == low, amount, 0)
            if up.any():
                fields[members] += up[self.cell]
        return flat.reshape(labels.shape)

    def _fewest(self, inside: np.ndarray, flat: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which candidates, sorted by scan voxel, to take, and which of them is the last of each."""
        cell, weight = self.cell[inside], self.weight[inside].astype(np.float64)
        starts = np.flatnonzero(np.diff(cell, prepend=-1))
        lengths = np.diff(np.append(starts, len(cell)))

        def running(values: np.ndarray) -> np.ndarray:
            total = np.cumsum(values)
            before = np.append(0, total)[starts]
            since: np.ndarray = total - np.repeat(before, lengths)
            return since

        after = shares[:, cell].copy()
        groups = self.group[flat[inside]]
        for m in range(self.lows):
            after[m] -= running(weight * (groups == m))
        wanted = self.wanted[cell][None].astype(np.intp)
        np.put_along_axis(after, wanted, np.take_along_axis(after, wanted, 0) + running(weight)[None], 0)
        short = self.lead_of(after, wanted[0]) < LEAST
        needed = np.minimum(np.add.reduceat(short.astype(np.intp), starts) + 1, lengths)
        rank = np.arange(len(cell)) - np.repeat(starts, lengths)
        return rank < np.repeat(needed, lengths), starts + needed - 1

    def harm(self, labels: np.ndarray, present: int, new: int) -> np.ndarray:
        """Return by how much at most the lead in its scan voxel falls if a voxel goes from a phase to another one.

        Args:
            labels: Flat index of voxels of the phase ``present``.
            present: Their phase.
            new: The one that they would get.
        """
        before, after = self.group[present], self.group[new]
        if before == after:
            return np.zeros(len(labels), np.float32)
        wanted = self.wanted[self.cell[labels]]
        steps = (wanted == before).astype(np.float32)
        if after >= 0:
            steps += wanted != after
        found: np.ndarray = self.weight[labels] * steps
        found[(wanted < 0) | (wanted == after)] = 0
        return found
