"""Lattices of every 2^level-th voxel, on which annealing begins coarsely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.grid import Triple

FEWEST = 8
"""Sites along an axis that a lattice has, at least."""


@dataclass(frozen=True)
class Lattice:
    """Sites at ``offset`` + i · ``step`` along each axis of a volume.

    Attributes:
        level: The step is 2^level along the axes that it widens.
        step: Voxels between sites along z, y, x.
        offset: The first site.
        shape: Sites along z, y, x.
    """

    level: int
    step: Triple
    offset: Triple
    shape: Triple

    def at(self, axis: int) -> np.ndarray:
        """Return the voxels of the sites along an axis."""
        found: np.ndarray = self.offset[axis] + self.step[axis] * np.arange(self.shape[axis])
        return found

    def of(self, volume: np.ndarray) -> np.ndarray:
        """Return a volume's values at the sites (a copy)."""
        found: np.ndarray = volume[np.ix_(*(self.at(axis) for axis in range(3)))]
        return found


def lattices(shape: Triple, levels: int, wide: tuple[bool, bool, bool] = (True, True, True)) -> list[Lattice]:
    """Return lattices from the coarsest to all voxels, each of whose sites are sites of the next.

    Those with fewer than `FEWEST` sites along an axis are left out. Sites lie about in the middle of what they stand
    for.

    Args:
        shape: Voxels of the volume.
        levels: How many, at most.
        wide: Which axes are widened.
    """
    narrowest = min((n for n, w in zip(shape, wide, strict=True) if w), default=1)
    coarsest = max((level for level in range(levels) if level == 0 or narrowest >> level >= FEWEST), default=0)
    middle = (2**coarsest - 1) // 2
    found = []
    for level in range(coarsest, -1, -1):
        step = tuple(2**level if w else 1 for w in wide)
        offset = tuple(middle % s for s in step)
        sites = tuple(-(-(n - o) // s) for n, o, s in zip(shape, offset, step, strict=True))
        found.append(Lattice(level, step, offset, sites))  # type: ignore[arg-type]
    return found


def refined(labels: np.ndarray, coarse: Lattice, fine: Lattice, rng: np.random.Generator) -> np.ndarray:
    """Return labels of a finer lattice: a site between two coarser ones is like either, by chance.

    Args:
        labels: uint8, of the coarse lattice.
        coarse: The coarser lattice.
        fine: The finer one, of whose sites the coarser's are some.
        rng: Decides.
    """
    index = []
    for axis in range(3):
        place = (fine.at(axis) - coarse.offset[axis]).reshape(-1, *(1,) * (2 - axis))
        lower = np.floor_divide(place, coarse.step[axis])
        rest = place - lower * coarse.step[axis]
        upper = rng.integers(0, coarse.step[axis], fine.shape) < rest
        index.append(np.clip(lower + upper, 0, coarse.shape[axis] - 1))
    found: np.ndarray = labels[tuple(index)]
    return found
