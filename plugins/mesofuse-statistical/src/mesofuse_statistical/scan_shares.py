"""Agreement of a volume with its scan by plain shares: a slope that asks for it, and the mending of what is left."""

from __future__ import annotations

import numpy as np
import torch

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region
from mesofuse.volumes.mask import owners
from mesofuse.volumes.phases import IGNORED

STEEP = 2.0
"""How much more a scan voxel pulls for each unit of share by which it misses its margin."""


class ScanShares:
    """The shares that a scan's voxels see of a volume, each the mean over its own voxels.

    The volume may be on a grid ``factor`` times coarser than the result's: its voxels are the points ``factor`` · i +
    ⌊``factor`` / 2⌋ of that, and a scan voxel without any asks for nothing. Neither do ignored voxels.

    Args:
        field: uint8 labels of the scan's voxels.
        core: Where they lie.
        problem: Scale, and which phases each scan phase shows.
        factor: How much coarser the volume is.
        device: Where it is.
    """

    def __init__(self, field: np.ndarray, core: Region, problem: Problem, factor: int = 1, device: str = "cpu") -> None:
        self._shows = [list(values) for values in problem.match.shows]
        self._group = torch.full((len(problem.phases),), len(self._shows))
        for low, values in enumerate(self._shows):
            self._group[values] = low
        self._group = self._group.to(device)
        seen = []
        for owner in owners(core, problem.scale):
            points = factor * np.arange(-(-len(owner) // factor)) + factor // 2
            seen.append(owner[np.minimum(points, len(owner) - 1)])
        counts = [np.bincount(o, minlength=n) for o, n in zip(seen, field.shape, strict=True)]
        self._owners = [torch.from_numpy(o).to(device) for o in seen]
        means = [
            (np.arange(len(c))[:, None] == o) / np.maximum(c, 1)[:, None] for o, c in zip(seen, counts, strict=True)
        ]
        self._means = [torch.from_numpy(m.astype(np.float32)).to(device) for m in means]
        asks = (field != IGNORED) & (counts[0][:, None, None] * counts[1][:, None] * counts[2] > 0)
        self._asks = torch.from_numpy(asks).to(device)
        self._scan = torch.from_numpy(np.where(asks, field, 0).astype(np.int64))[None].to(device)

    def pull(self, probabilities: torch.Tensor, margin: float) -> tuple[float, torch.Tensor | None]:
        """Return the share of scan voxels that see another phase, and the slope of a hinge.

        A voxel whose own phase leads over the strongest other by less than the margin, by ℓ, pulls its voxels towards
        the phases that it shows, and away from those of the other, by 1 + 2 (margin − ℓ).

        Args:
            probabilities: (phases, z, y, x) of the volume.
            margin: Share by which the scan's phase is to lead.

        Returns:
            The share that is wrong, and the slope (phases, z, y, x); None where there is one scan phase alone.
        """
        if len(self._shows) < 2:
            return 0.0, None
        shares = torch.stack([probabilities[values].sum(0) for values in self._shows])
        for axis, mean in enumerate(self._means):
            shares = torch.tensordot(mean, shares, ([1], [axis + 1])).movedim(0, axis + 1)
        own = shares.gather(0, self._scan)
        rival = shares.scatter(0, self._scan, -1).max(0, keepdim=True)
        lead = own - rival.values
        wrong = float(((lead < 0) & self._asks).float().mean())
        force = torch.where((lead < margin) & self._asks, 1 + STEEP * (margin - lead), 0)
        slope = torch.zeros_like(shares).scatter(0, rival.indices, force).scatter(0, self._scan, -force)
        for axis, owner in enumerate(self._owners):
            slope = slope.index_select(axis + 1, owner)
        free = torch.zeros_like(slope[:1])
        return wrong, torch.cat([slope, free]).index_select(0, self._group)


def mended(labels: np.ndarray, logits: np.ndarray, field: np.ndarray, core: Region, problem: Problem) -> np.ndarray:
    """Return labels of which every scan voxel sees its own phase most.

    In a scan voxel that does not, the voxel that loses least by it becomes of the likeliest phase that the scan's phase
    shows, then the next, until it does.

    Args:
        labels: uint8 labels of ``core.scaled(scale)``.
        logits: (phases, z, y, x): how likely each phase is there.
        field: uint8 labels of the scan.
        core: Where it lies.
        problem: Scale and phases.
    """
    shows = problem.match.shows
    group = np.full(len(problem.phases), len(shows))
    for low, values in enumerate(shows):
        group[list(values)] = low
    owner = np.ravel_multi_index(np.ix_(*owners(core, problem.scale)), field.shape).ravel()
    seen = np.bincount(owner * (len(shows) + 1) + group[labels.ravel()], minlength=field.size * (len(shows) + 1))
    counts = seen.reshape(field.size, -1)[:, :-1]
    scan = np.where(field.ravel() == IGNORED, 0, field.ravel()).astype(np.intp)

    def wrong(of: np.ndarray) -> np.ndarray:
        own = counts[of, scan[of]]
        others = counts[of].copy()
        others[np.arange(len(of)), scan[of]] = -1
        found: np.ndarray = of[(own <= others.max(1, initial=-1)) & (field.ravel()[of] != IGNORED)]
        return found

    left = wrong(np.arange(field.size))
    made = labels.copy()
    # Candidates by scan voxel, those that lose least first.
    places = np.flatnonzero(np.isin(owner, left))
    places = places[group[labels.ravel()[places]] != scan[owner[places]]]
    own_phase = group[:, None] == scan[owner[places]]
    likely = logits.reshape(len(group), -1)[:, places]
    best = np.where(own_phase, likely, -np.inf).argmax(0)
    every = np.arange(len(places))
    order = np.lexsort((likely[labels.ravel()[places], every] - likely[best, every], owner[places]))
    places, best = places[order], best[order]
    first = np.searchsorted(owner[places], left)
    last = np.searchsorted(owner[places], left, side="right")
    while len(left):
        at = first[first < last]
        changed, to = places[at], best[at]
        whose = owner[changed]
        before = group[made.ravel()[changed]]
        known = before < len(shows)
        counts[whose[known], before[known]] -= 1
        counts[whose, scan[whose]] += 1
        made.ravel()[changed] = to
        still = np.isin(left, wrong(left)) & (first + 1 < last)
        left, first, last = left[still], first[still] + 1, last[still]
    return made
