"""Local thickness: the diameter of the largest ball that fits into a phase around each of its points."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from mesofuse.interfaces.metric import Curve, Measurement, MetricContext, Needs, Result
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.quantities import power_unit
from mesofuse_metrics.ball_dilation import dilated, distance
from mesofuse_metrics.bit_rows import WORD, BitRows, unpacked
from mesofuse_metrics.options import ThicknessOptions
from mesofuse_metrics.reasons import ABSENT, FILLS

EXACT = 8.0  # radius in voxels up to which every size is told apart
RIM = 0.5  # how far off a ball, in voxels, a voxel still belongs to it
CHUNK = 1 << 16  # points looked at together
SAME = 1e-5  # radii nearer than this share of a voxel are one: distances are single precision


class LocalThickness:
    """Mean local thickness of each phase (of the pore: its pore size), and its distribution over the phase.

    Formula: t(x) = 2 max r over the balls of radius r that lie in the phase and hold x; radii are the distances of
    voxel centres from the nearest voxel centre outside. Mean over the phase's voxels; density p(t), ∫ p dt = 1, in
    bins of one voxel. Units: length; 1/length. NaN for a phase that is not there or fills all.
    Convention: the volume's sides and ignored voxels are no walls, so that balls go on beyond them; a voxel up to
    half a voxel off a ball still belongs to it, as balls of voxels have rough rims. Sizes are those of the balls that
    are there, whatever sizes lie next to each other: each by itself up to 16 voxels, above in groups of half a voxel
    (``step``), so that t is within ± ¼ voxel of that of all balls. Error of the voxels themselves: 0 or +1 voxel in
    layers (even widths are exact), −1.3 to +0.5 voxel in rods, −1.6 to 0 voxel in balls, so that features below 4
    voxels are rough.
    Source: Hildebrand, Rüegsegger, J. Microsc. 185 (1997) 67.
    """

    needs: ClassVar[Needs] = Needs(three_d=True, bytes_per_voxel=32, masked=True)

    def __init__(self, options: ThicknessOptions | None = None) -> None:
        """Take how finely sizes are told apart, and the threads."""
        self.options = options or ThicknessOptions()

    def measure(self, labels: np.ndarray, context: MetricContext) -> list[Result]:
        """Find the thickness of each phase."""
        results: list[Result] = []
        unit, per_unit = context.grid.symbol, power_unit(context.grid, -1)
        for number, phase in enumerate(context.phases):
            mask = labels == phase.value
            free = mask | (labels == IGNORED) if context.masked else None
            if not mask.any() or (mask if free is None else free).all():
                why = FILLS if mask.any() else ABSENT
                results.append(Measurement("local-thickness", Of(phase.name), float("nan"), unit, reason=why))
                continue

            def progress(share: float, before: int = number) -> None:
                context.progress((before + share) / len(context.phases))

            sizes, voxels = self._thickness(mask, context.grid.voxel_size, free, progress)
            results.append(
                Measurement("local-thickness", Of(phase.name), float(np.average(sizes, weights=voxels)), unit)
            )
            x, y = _density(sizes, voxels, min(context.grid.voxel_size))
            results.append(
                Curve("local-thickness", Of(phase.name), tuple(x.tolist()), tuple(y.tolist()), unit, per_unit)
            )
        return results

    def _thickness(
        self,
        mask: np.ndarray,
        voxel_size: Scale,
        free: np.ndarray | None = None,
        progress: Callable[[float], None] = lambda share: None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return sizes, decreasing, and the voxels whose thickness is each of them."""
        finest = min(voxel_size)
        z, y, x = (size / finest for size in voxel_size)
        radius = distance(mask if free is None else free, (z, y, x), self.options.threads)
        if free is not None:  # balls go on beyond the mask, but none is centred there
            radius[~mask] = 0
        groups = _groups(np.unique(radius[mask]), self.options.step / 2)
        missing = BitRows(mask).words
        voxels = np.zeros(len(groups), np.int64)
        for i, places in enumerate(_places(radius, mask, groups[:, 0])):
            # Only balls of these radii are looked at: what a larger ball holds has been found already.
            box, words = _held(places, radius, groups[i], (z, y, x), missing, self.options.threads)
            left = missing[_words(box)]
            words &= left
            voxels[i] = int(np.bitwise_count(words).sum(dtype=np.int64))
            left ^= words
            progress((i + 1) / len(groups))
        return groups.sum(1) * finest, voxels


def _groups(radii: np.ndarray, step: float) -> np.ndarray:
    """Return the smallest and the largest radius of each group, decreasing; up to `EXACT` each radius is a group."""
    groups: list[tuple[float, float]] = []
    for radius in radii[::-1].tolist():
        low, high = groups[-1] if groups else (np.inf, np.inf)
        if low - radius <= SAME or (radius > EXACT and high - radius <= step):
            groups[-1] = (radius, high)
        else:
            groups.append((radius, radius))
    return np.array(groups)


def _held(
    places: np.ndarray, radius: np.ndarray, group: np.ndarray, voxel_size: Scale, missing: np.ndarray, threads: int
) -> tuple[Region, np.ndarray]:
    """Return a box, and as rows of bits which of its voxels lie in a ball around one of some places."""
    low, high = (float(r) + RIM for r in group)
    box, where = _around(places, radius.shape, high, voxel_size)
    centres = np.zeros(box.shape, bool)
    centres[tuple(where.T)] = True
    if high - low <= SAME:
        return box, dilated(centres, [low], voxel_size, threads)[0]
    words, wider = dilated(centres, [low, high], voxel_size, threads)
    # Voxels that the smallest ball of the group does not reach but the largest would: each centre has its own radius.
    at = np.argwhere(unpacked(wider & ~words & missing[_words(box)], box.shape[2]))
    if len(at):
        found = _in_a_ball(at, where, radius.ravel()[places] + RIM, voxel_size)
        more = np.zeros(box.shape, bool)
        more[tuple(at[found].T)] = True
        words |= BitRows(more).words
    return box, words


def _in_a_ball(at: np.ndarray, centres: np.ndarray, radius: np.ndarray, voxel_size: Scale) -> np.ndarray:
    """Return which points lie in the ball of one of the centres; none is nearer to one than its smallest radius."""
    from scipy.spatial import cKDTree

    size = np.array(voxel_size)
    tree = cKDTree(centres * size)
    found = np.zeros(len(at), bool)
    for first in range(0, len(at), CHUNK):
        points = at[first : first + CHUNK] * size
        near = tree.query_ball_point(points, float(radius.max()))
        which = np.repeat(np.arange(len(points)), [len(n) for n in near])
        balls = np.array([c for n in near for c in n], np.intp)
        apart = np.linalg.norm(points[which] - centres[balls] * size, axis=1)
        found[first + which[apart < radius[balls]]] = True
    return found


def _words(box: Region) -> tuple[slice, slice, slice]:
    """Return where a box that begins with a word lies in rows of words."""
    return (*box.slices[:2], slice(box.start[2] // WORD, -(-box.stop[2] // WORD)))


def _places(radius: np.ndarray, mask: np.ndarray, levels: np.ndarray) -> list[np.ndarray]:
    """Return for each level (decreasing) the flat indices of the voxels whose radius reaches it, but not the last."""
    inside = np.flatnonzero(mask)
    kind = np.searchsorted(-levels, -(radius.ravel()[inside] + SAME / 2))
    order = np.argsort(kind.astype(np.min_scalar_type(len(levels))), kind="stable")  # quick for small integers
    ends = np.cumsum(np.bincount(kind, minlength=len(levels)))
    return np.split(inside[order], ends[:-1])


def _around(places: np.ndarray, shape: Triple, reach: float, voxel_size: Scale) -> tuple[Region, np.ndarray]:
    """Return a box around voxels with ``reach`` to spare, of whole words along x, and where in it they are."""
    where = np.stack(np.unravel_index(places, shape), axis=1)
    start, stop = [], []
    for axis, size in enumerate(voxel_size):
        spare = int(reach / size) + 1
        start.append(max(0, int(where[:, axis].min()) - spare))
        stop.append(min(shape[axis], int(where[:, axis].max()) + spare + 1))
    start[2] -= start[2] % WORD
    stop[2] = min(shape[2], -(-stop[2] // WORD) * WORD)
    return Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])), where - start


def _density(sizes: np.ndarray, voxels: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of bins of a voxel and the density of the sizes in them."""
    bins = np.floor(sizes / width + 0.5 + SAME).astype(int)
    share = np.bincount(bins, weights=voxels) / voxels.sum()
    k = np.arange(bins.min(), bins.max() + 1)
    return k * width, share[k] / width
