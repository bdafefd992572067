"""What images say of a volume: pairs and paths along axes and diagonals, and patterns in planes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.volumes.grid import Triple
from mesofuse.volumes.patterns import TURNS, Stencil, turned_counts
from mesofuse_statistical.requirements import need_whole

MAX_BINS = 19_683
"""Patterns that a histogram tells apart, at most: with three phases those of 3 × 3 pixels."""
TWO_PHASE_BINS = 512
"""The same with two phases, whose larger stencil would cost more than it tells."""
DIRECTIONS: tuple[Triple, ...] = (
    (1, 0, 0), (0, 1, 0), (0, 0, 1),
    (0, 1, 1), (0, 1, -1), (1, 0, 1), (1, 0, -1), (1, 1, 0), (1, -1, 0),
)  # fmt: skip
"""The axes, then the two diagonals of the planes normal to z, y and x."""
PLANES = ((1, 2), (0, 2), (0, 1))
"""Axes of rows and columns of the planes normal to z, y and x."""
REACH = 0.5
"""Share of an image's edge up to which statistics at wider spacings are trusted."""


def stencil_of(phases: int) -> Stencil:
    """Return the pixels of the patterns of so many phases."""
    return Stencil.of(phases, TWO_PHASE_BINS if phases == 2 else MAX_BINS)


def pair_counts(array: np.ndarray, direction: Triple, lags: Sequence[int], phases: int) -> np.ndarray:
    """Count pairs of voxels some lags apart along a direction.

    Args:
        array: uint8 labels (z, y, x); labels that are no phase are in no pair.
        direction: Step between voxels one lag apart.
        lags: Distances in such steps.
        phases: Number of phases.

    Returns:
        int64 (phases, phases, lags): [i, i] pairs of two voxels of phase i; [i, j] with i < j, of one of each, in
        either order; [j, i] is 0.
    """
    inside = [array == phase for phase in range(phases)]
    found = np.zeros((phases, phases, len(lags)), np.int64)
    for k, lag in enumerate(lags):
        head, tail = _ends(array.shape, [lag * d for d in direction])
        if head is None:
            continue
        for i in range(phases):
            for j in range(phases):
                found[min(i, j), max(i, j), k] += np.count_nonzero(inside[i][head] & inside[j][tail])
    return found


def _ends(shape: Sequence[int], shift: Sequence[int]) -> tuple[tuple[slice, ...] | None, tuple[slice, ...]]:
    """Return where pairs start and where they end; no start where none fits."""
    if any(abs(s) >= n for s, n in zip(shift, shape, strict=True)):
        return None, ()
    head = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, shape, strict=True))
    tail = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, shape, strict=True))
    return head, tail


def pair_totals(shape: Sequence[int], direction: Triple, lags: Sequence[int]) -> np.ndarray:
    """Return how many pairs there are in all, int64 (lags,)."""
    sides = [[max(0, n - abs(lag * d)) for n, d in zip(shape, direction, strict=True)] for lag in lags]
    return np.array([math.prod(side) for side in sides], np.int64)


def path_counts(array: np.ndarray, axis: int, step: int, length: int, phases: int) -> np.ndarray:
    """Count segments along an axis that lie in one phase (Lu and Torquato 1992), by their number of voxels.

    Args:
        array: uint8 labels (z, y, x).
        axis: Along which.
        step: Distance between the voxels of a segment.
        length: Voxels of the longest segment.
        phases: Number of phases.

    Returns:
        int64 (phases, length), of segments of 1 … ``length`` voxels.
    """
    lines = np.moveaxis(array, axis, 0)
    found = np.zeros((phases, length), np.int64)
    for phase in range(phases):
        inside = lines == phase
        whole = inside
        for k in range(length):
            if k * step >= len(lines):
                break
            whole = whole[: len(lines) - k * step] & inside[k * step :]
            found[phase, k] = np.count_nonzero(whole)
    return found


def path_totals(shape: Sequence[int], axis: int, step: int, length: int) -> np.ndarray:
    """Return how many segments there are in all, int64 (length,)."""
    lines = math.prod(n for a, n in enumerate(shape) if a != axis)
    return np.array([lines * max(0, shape[axis] - k * step) for k in range(length)], np.int64)


UNSEEN = -1.0
"""Stands for a probability that no image shows, in a model's arrays."""


@dataclass(frozen=True)
class Targets:
    """Probabilities that a volume is to have.

    A level is a lattice of every 2^level-th voxel along each axis. What the images are too small for is NaN.

    Attributes:
        shares: The images' share of each phase, by label.
        pairs: Of the pairs of `pair_counts`, (levels, directions, phases, phases, lags 1 … radius of the lattice).
        paths: Of the segments of `path_counts`, (levels, axes, phases, lengths 1 … radius).
        patterns: Of the patterns, (levels, normals z y x, spacings of the lattice, bins of `stencil_of`).
        spacings: Distance between neighbouring pixels of a pattern in sites of the lattice.
    """

    shares: np.ndarray
    pairs: np.ndarray
    paths: np.ndarray
    patterns: np.ndarray
    spacings: tuple[int, ...]

    @property
    def phases(self) -> int:
        """Number of phases."""
        return len(self.shares)

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.pairs)

    @property
    def radius(self) -> int:
        """The largest lag, and voxels of the longest segment."""
        return int(self.pairs.shape[-1])

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays; what no image shows is `UNSEEN`, as a package holds no NaN."""
        arrays = {"shares": self.shares, "pairs": self.pairs, "paths": self.paths, "patterns": self.patterns}
        seen = {name: np.where(np.isnan(a), a.dtype.type(UNSEEN), a) for name, a in arrays.items()}
        return {**seen, "spacings": np.array(self.spacings, np.int64)}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray], phases: int) -> Targets:
        """Rebuild the targets of so many phases.

        Raises:
            UserError: If the arrays are not such targets.
        """
        names = ("shares", "pairs", "paths", "patterns", "spacings")
        shares, pairs, paths, patterns, spacings = (state.get(name, np.empty(0)) for name in names)
        levels, radius = (pairs.shape[0], pairs.shape[-1]) if pairs.ndim == 5 else (0, 0)
        sound = (
            phases > 1 and levels > 0 and radius > 0
            and shares.shape == (phases,) and pairs.shape == (levels, len(DIRECTIONS), phases, phases, radius)
            and paths.shape == (levels, 3, phases, radius) and spacings.ndim == 1
            and patterns.shape == (levels, 3, len(spacings), stencil_of(phases).bins)
            and all(a.dtype.kind == "f" for a in (shares, pairs, paths, patterns)) and spacings.dtype.kind == "i"
            and (shares > 0).all() and not any(np.isinf(a).any() for a in (shares, pairs, paths, patterns))
            and all(1 <= s <= 64 for s in spacings.tolist())
        )  # fmt: skip
        if not sound:
            raise UserError("The model's arrays are not those of the method 'annealing' for these phases.")
        pairs, paths, patterns = (np.where(a < 0, a.dtype.type(np.nan), a) for a in (pairs, paths, patterns))
        return cls(shares, pairs, paths, patterns, tuple(spacings.tolist()))


def measure(inputs: FusionInputs, radius: int, spacings: Sequence[int], levels: int) -> Targets:
    """Measure images.

    Directions that several images show have the mean over all pairs of them. Of one image for all directions rows,
    columns and both diagonals count alike, and its patterns turned and mirrored.

    Args:
        inputs: The images.
        radius: The largest lag, and voxels of the longest segment.
        spacings: Between neighbouring pixels of patterns.
        levels: How many lattices, each twice as wide as the one before.

    Raises:
        UserError: If an image is smaller than ``radius`` + 1, has ignored pixels, or a phase has none.
    """
    phases = len(inputs.problem.phases)
    normals = inputs.axes
    _check(inputs, normals, radius)
    counts = [np.bincount(inputs.images[n].array.ravel(), minlength=phases)[:phases] for n in normals]
    shares = np.mean([c / c.sum() for c in counts], axis=0)
    if len(shares) < 2 or (shares <= 0).any():
        raise UserError(
            "The method 'annealing' needs two phases or more, each with some pixels in the image, whose shares are "
            f"{', '.join(f'{100 * s:.3g} %' for s in shares)}."
        )
    alike = inputs.isotropic and len(normals) == 3
    found = [_Level(phases, radius, len(spacings)) for _ in range(levels)]
    for normal in (0,) if alike else normals:
        image = _Image(inputs.images[normal].array, phases, TURNS["rotate" if alike else "none"])
        for level, counted in enumerate(found):
            counted.add(image, normal, 2**level, spacings)
    if alike:
        for counted in found:
            counted.make_alike()
    return Targets(
        shares,
        np.stack([_shares(level.pairs, level.pair_totals) for level in found]),
        np.stack([_shares(level.paths, level.path_totals) for level in found]),
        np.stack([level.patterns for level in found]),
        tuple(spacings),
    )


def _check(inputs: FusionInputs, normals: Sequence[int], radius: int) -> None:
    need_whole("annealing", (inputs.images[normal] for normal in normals), "statistics of whole images")
    for normal in normals:
        image = inputs.images[normal]
        rows, columns = image.array.shape[1:]
        if min(rows, columns) <= radius:
            raise UserError(
                f"An image of {rows} × {columns} pixels is too small for the method 'annealing' with a radius of "
                f"{radius}, which needs {radius + 1} or more: give a larger image or a smaller radius."
            )


class _Image:
    """A stack whose pairs and patterns are counted once each, however many lattices have them."""

    def __init__(self, stack: np.ndarray, phases: int, turns: Sequence[int]) -> None:
        self.stack, self._phases, self._turns = stack, phases, turns
        self._pairs: dict[tuple[Triple, int], np.ndarray] = {}
        self._patterns: dict[int, np.ndarray] = {}

    def pairs(self, direction: Triple, lags: Sequence[int]) -> np.ndarray:
        for lag in lags:
            if (direction, lag) not in self._pairs:
                self._pairs[direction, lag] = pair_counts(self.stack, direction, [lag], self._phases)
        none = np.zeros((self._phases, self._phases, 0), np.int64)
        return np.concatenate([none, *(self._pairs[direction, lag] for lag in lags)], axis=2)

    def patterns(self, spacing: int) -> np.ndarray:
        if spacing not in self._patterns:
            counts = turned_counts(self.stack, stencil_of(self._phases), spacing, self._turns)
            self._patterns[spacing] = counts / counts.sum()
        return self._patterns[spacing]


class _Level:
    """Counts of one lattice; arguments and attributes as of `Targets`."""

    def __init__(self, phases: int, radius: int, spacings: int) -> None:
        self.pairs = np.zeros((len(DIRECTIONS), phases, phases, radius), np.int64)
        self.pair_totals = np.zeros((len(DIRECTIONS), 1, 1, radius), np.int64)
        self.paths = np.zeros((3, phases, radius), np.int64)
        self.path_totals = np.zeros((3, 1, radius), np.int64)
        self.patterns = np.full((3, spacings, stencil_of(phases).bins), np.nan, np.float32)

    def add(self, image: _Image, normal: int, step: int, spacings: Sequence[int]) -> None:
        """Count an image of planes normal to an axis, at every ``step``-th pixel."""
        phases, radius = self.paths.shape[1:]
        stack = image.stack
        for way, direction in enumerate(((0, 1, 0), (0, 0, 1), (0, 1, 1), (0, 1, -1))):
            index = PLANES[normal][way] if way < 2 else 3 + 2 * normal + way - 2
            edge = min(n for n, d in zip(stack.shape, direction, strict=True) if d)
            last = edge - 1 if step == 1 else int(REACH * edge)
            lags = [step * k for k in range(1, radius + 1) if step * k <= last]
            known = len(lags)
            self.pairs[index, ..., :known] += image.pairs(direction, lags)
            self.pair_totals[index, ..., :known] += pair_totals(stack.shape, direction, lags)
            if way < 2:
                length = min(known + 1, radius)
                self.paths[index, :, :length] += path_counts(stack, 1 + way, step, length, phases)
                self.path_totals[index, :, :length] += path_totals(stack.shape, 1 + way, step, length)
        stencil = stencil_of(phases)
        for k, spacing in enumerate(spacings):
            wide = spacing * step
            if max(stencil.extent) * wide < REACH * min(stack.shape[1:]):
                self.patterns[normal, k] = image.patterns(wide)

    def make_alike(self) -> None:
        """Make all axes, diagonals and planes alike, after planes normal to z were counted."""
        for pairs in (self.pairs, self.pair_totals):
            pairs[:3] = pairs[:3].sum(0)
            pairs[3:] = pairs[3:].sum(0)
        for paths in (self.paths, self.path_totals):
            paths[:] = paths.sum(0)
        self.patterns[:] = self.patterns[0]


def _shares(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return counts as shares of their totals, NaN where there is nothing."""
    whole = np.broadcast_to(totals, counts.shape)
    found: np.ndarray = np.divide(counts, whole, out=np.full(counts.shape, np.nan), where=whole > 0)
    return found
