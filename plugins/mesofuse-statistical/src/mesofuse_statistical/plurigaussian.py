"""Plurigaussian simulation, conditioned on the scan: phases as excursions of Gaussian fields."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import ndtr, ndtri

from mesofuse.errors import UserError
from mesofuse.interfaces.events import Note
from mesofuse.interfaces.method import FitRun, FusionInputs, TileInput, TileOutput
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Scale, Triple
from mesofuse.volumes.labels import LabelArray
from mesofuse_statistical.expected import expected_shares
from mesofuse_statistical.gaussian_fit import SMALLEST, correlations, kernel, two_point
from mesofuse_statistical.options import PlurigaussianOptions
from mesofuse_statistical.requirements import need_scan, need_whole

TILE_VOXELS = 64
MOST_ORDERED = 5
"""Phases of which all orders are tried; of more they go by size."""
LOST = 0.15
"""Share of a spectrum that no field can have, above which a note says so."""
SHARPNESS = 4.0
"""How quickly a probability falls with the distance of a field from its threshold, in standard deviations."""


class Plurigaussian:
    """Split phases off one after the other by the excursions of independent Gaussian fields.

    With the phases in an order k = 1 … n (those that the scan tells apart first, else the order in which the last one's
    statistics follow best from the others'), voxel x is of the first phase whose field exceeds its threshold,
    Zₖ(x) > tₖ(x), or else of the last. The covariance of Zₖ is fitted to the image: the pair probability of phase k
    among the voxels that no earlier phase took is S₂ of phase k over S₂ of all from k on, and is inverted for the
    correlation by the bivariate normal integral. The thresholds follow the scan: from the scan's shares, interpolated
    trilinearly, and the image's shares of the phases that a scan phase shows, comes each phase's local probability
    pₖ(x), and tₖ = Φ⁻¹(1 − pₖ / (1 − p₁ − … − pₖ₋₁)). Far from the scan's interfaces the scan alone decides between
    phases that it tells apart; those that it can't tell have the image's two-point statistics.

    Sources: truncated Gaussian and plurigaussian simulation, Matheron et al. (1987); Armstrong et al., "Plurigaussian
    simulations in geosciences" (2011); pair probabilities, Owen (1956).

    Args:
        options: Reach of the covariances.
    """

    trains = False

    def __init__(self, options: PlurigaussianOptions) -> None:
        self._options = options

    def fit(self, inputs: FusionInputs, run: FitRun) -> PlurigaussianModel:
        """Measure the image and find the fields' kernels.

        Raises:
            UserError: If there is no scan, a phase is missing or fills everything, or ignored pixels leave gaps.
        """
        problem = inputs.problem
        need_scan("plurigaussian", inputs)
        need_whole("plurigaussian", inputs.images, "two-point statistics of whole images")
        shares = _shares(inputs.images, len(problem.phases))
        radius = self._options.radius
        statistics = _Statistics(inputs.images, 2 * radius)
        order = _order(statistics, problem, shares, radius)
        kernels = []
        for k, phase in enumerate(order[:-1]):
            pairs = statistics.pairs(phase, order[k:])
            made, lost = kernel([correlations(p[0], p) for p in pairs], radius)
            kernels.append(made)
            if lost > LOST:
                name = problem.phases[phase].name
                run.emit(
                    Note(
                        f"{100 * lost:.0f} % of the covariance of {name} is of no Gaussian field and was left out: its "
                        "two-point statistics will be met only roughly."
                    )
                )
        return PlurigaussianModel(problem, np.array(order, np.uint8), shares, np.stack(kernels))

    def restore(self, problem: Problem, state: Mapping[str, np.ndarray]) -> PlurigaussianModel:
        """Rebuild a model from its arrays.

        Raises:
            UserError: If they are not those of this method for this problem.
        """
        phases = len(problem.phases)
        order, shares, kernels = (state.get(name) for name in ("order", "shares", "kernels"))
        if (
            order is None or shares is None or kernels is None
            or sorted(order.tolist()) != list(range(phases)) or shares.shape != (phases,)
            or kernels.ndim != 4 or len(kernels) != phases - 1 or len(set(kernels.shape[1:])) != 1
            or not (np.isfinite(shares).all() and np.isfinite(kernels).all())
        ):  # fmt: skip
            raise UserError("The model's arrays are not those of the method 'plurigaussian' for these phases.")
        return PlurigaussianModel(problem, order, shares, kernels)


class PlurigaussianModel:
    """The fitted method.

    Args:
        problem: Scale and phases.
        order: Phases in the order in which they are split off.
        shares: The image's share of each phase, by label.
        kernels: The fields' kernels, (phases − 1, n, n, n) with n odd.
    """

    can_tile = True

    def __init__(self, problem: Problem, order: np.ndarray, shares: np.ndarray, kernels: np.ndarray) -> None:
        self.problem = problem
        self.scale: Scale = problem.scale
        self.order, self.shares, self.kernels = order, shares, kernels
        self.radius = kernels.shape[1] // 2
        self.halo: Triple = tuple(max(1, math.ceil(self.radius / s) + 1) for s in problem.scale)
        self.noise = tuple(NoiseSpec(f"field{k}", 1, self.scale) for k in range(len(kernels)))
        z, y, x = (max(1, round(TILE_VOXELS / s)) for s in problem.scale)
        self.tile: Triple = (z, y, x)

    def to(self, device: str) -> PlurigaussianModel:
        """Return self: it computes on the CPU whatever the device."""
        return self

    def reconstruct(self, tile: TileInput, *, probabilities: bool = False) -> TileOutput:
        """Make one tile; the probability of a phase says how far the fields are from making it another."""
        local = expected_shares(tile, self.problem, self.shares)
        shape = local.shape[1:]
        labels = np.full(shape, self.order[-1], np.uint8)
        open_ = np.ones(shape, bool)
        left = np.ones(shape)
        found = np.zeros((len(self.order), *shape)) if probabilities else None
        chance = np.ones(shape)
        for k, phase in enumerate(self.order[:-1]):
            conditional = np.clip(np.divide(local[phase], left, out=np.zeros(shape), where=left > 1e-9), 0, 1)
            above = self._field(tile, k) - ndtri(1 - conditional)
            taken = open_ & (above > 0)
            labels[taken] = phase
            open_ &= ~taken
            left = left - local[phase]
            if found is not None:
                own = ndtr(SHARPNESS * np.clip(above, -20, 20))
                found[phase] = chance * own
                chance = chance * (1 - own)
        if found is None:
            return TileOutput(labels)
        found[self.order[-1]] = chance
        most = found.max(0)
        np.put_along_axis(found, labels[None].astype(np.intp), most[None] * (1 + 1e-6) + 1e-9, 0)
        return TileOutput(labels, (found / found.sum(0)).astype(np.float32))

    def _field(self, tile: TileInput, k: int) -> np.ndarray:
        """Return field k at the tile's voxels, of unit variance up to the volume's sides."""
        grown = tile.core.scaled(self.scale).grown((self.radius,) * 3)
        window = tile.window.scaled(self.scale)
        start = [max(a, b) for a, b in zip(grown.start, window.start, strict=True)]
        stop = [min(a, b) for a, b in zip(grown.stop, window.stop, strict=True)]
        inner = tuple(slice(a - o, b - o) for a, b, o in zip(start, stop, window.start, strict=True))
        white = tile.noise[k][0][inner].astype(np.float64)
        weights = self.kernels[k].astype(np.float64)
        field = fftconvolve(white, weights, "same")
        whole = all(a == g for a, g in zip((*start, *stop), (*grown.start, *grown.stop), strict=True))
        if not whole:  # beyond the volume's sides there is no noise
            field /= np.sqrt(np.maximum(fftconvolve(np.ones(white.shape), weights**2, "same"), 1e-12))
        own = tile.core.scaled(self.scale)
        cut = tuple(slice(a - o, b - o) for a, b, o in zip(own.start, own.stop, start, strict=True))
        found: np.ndarray = field[cut]
        return found

    def tile_bytes(self, window: Triple) -> int:
        """Return about how many bytes a window of this shape needs."""
        voxels = math.prod(n * s for n, s in zip(window, self.scale, strict=True))
        return math.ceil(voxels * 8 * (10 + 2 * len(self.order))) + 2**20

    def state(self) -> dict[str, np.ndarray]:
        """Return order, shares and kernels."""
        return {"order": self.order, "shares": self.shares, "kernels": self.kernels}


def _shares(images: tuple[LabelArray, ...], phases: int) -> np.ndarray:
    """Return the share of each phase, the mean over the images of the three directions.

    Raises:
        UserError: If a phase is missing.
    """
    counts = [np.bincount(image.array.ravel(), minlength=phases)[:phases] / image.array.size for image in images]
    found: np.ndarray = np.mean(counts, axis=0)
    if (found <= 0).any() or len(found) < 2:
        raise UserError(
            "The method 'plurigaussian' needs two phases or more, each with some pixels in the image, whose shares are "
            f"{', '.join(f'{100 * s:.3g} %' for s in found)}."
        )
    return found


class _Statistics:
    """Pair probabilities along the axes, each two-point function of an image measured once.

    Args:
        images: The images of planes normal to z, y and x.
        reach: The largest lag.
    """

    def __init__(self, images: tuple[LabelArray, LabelArray, LabelArray], reach: int) -> None:
        self._images, self._reach = images, reach
        self._known: dict[tuple[int, frozenset[int]], tuple[np.ndarray, np.ndarray]] = {}

    def pairs(self, phase: int, rest: list[int]) -> list[np.ndarray]:
        """Return along z, y and x how likely two voxels are of a phase, if both are of the rest it is split from."""
        found: dict[int, list[np.ndarray]] = {0: [], 1: [], 2: []}
        for normal in range(3):
            axes = (axis for axis in range(3) if axis != normal)
            for axis, s2, s2_rest in zip(axes, self._s2(normal, [phase]), self._s2(normal, rest), strict=True):
                share = s2[0] / s2_rest[0]
                found[axis].append(np.divide(s2, s2_rest, out=np.full(s2.shape, share**2), where=s2_rest > SMALLEST))
        lengths = {axis: min(map(len, lines)) for axis, lines in found.items()}
        return [np.mean([line[: lengths[axis]] for line in found[axis]], axis=0) for axis in range(3)]

    def _s2(self, normal: int, members: list[int]) -> tuple[np.ndarray, np.ndarray]:
        image = self._images[normal]
        first = next(i for i, other in enumerate(self._images) if other is image)
        key = first, frozenset(members)
        if key not in self._known:
            self._known[key] = two_point(image, members, self._reach)
        return self._known[key]


def _order(statistics: _Statistics, problem: Problem, shares: np.ndarray, radius: int) -> list[int]:
    """Return the phases in the order of their fields: those that the scan tells apart first.

    The statistics of every phase but the last are met by its own field; those of the last follow, by
    S₂ = Π (1 − 2 qₖ + Pₖ) with the shares qₖ and pair probabilities Pₖ of the others among what is left. The order is
    the one for which they follow best, up to lags of the kernels' radius.
    """
    alone = {shown[0] for shown in problem.match.shows if len(shown) == 1}
    by_size = sorted(range(len(shares)), key=lambda phase: (phase not in alone, -shares[phase]))
    if not 3 <= len(shares) <= MOST_ORDERED:
        return by_size

    def error(order: list[int]) -> float:
        known = [statistics.pairs(phase, order[k:]) for k, phase in enumerate(order[:-1])]
        last = statistics.pairs(order[-1], order)
        errors = []
        for axis in range(3):
            follows = np.prod([1 - 2 * pairs[axis][0] + pairs[axis] for pairs in known], axis=0)
            errors.append(float(np.abs(follows - last[axis])[: radius + 1].max()))
        return max(errors)

    first = [phase for phase in by_size if phase in alone]
    rest = [phase for phase in by_size if phase not in alone]
    orders = [[*a, *b] for a in itertools.permutations(first) for b in itertools.permutations(rest)]
    return min(orders, key=error)
