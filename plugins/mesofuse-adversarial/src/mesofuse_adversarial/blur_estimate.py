"""The blur that makes the image look like the scan: fitted on planes before training, when no 3D truth exists."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FusionInputs
from mesofuse.volumes.grid import Region, Scale
from mesofuse.volumes.labels import Labels

LAGS = (1, 2, 3, 4)  # scan voxels
PATCHES = 32
EDGES = (16, 48)  # shortest and longest edge of a patch, scan voxels
RIM = 2  # scan voxels at a patch's sides that are not compared: the blur lacks what lies beyond
WIDEST = 2.0  # scan voxels
CLEARLY = 9.0  # by how much a blur for each axis must fit better than one for all

Weights = Callable[[int, int, float], tuple[np.ndarray, np.ndarray]]
"""Taps (index, weight) of the first n scan voxels of an axis for a standard deviation."""


@dataclass(frozen=True)
class Estimate:
    """A fitted blur.

    Attributes:
        sigma: Standard deviation along z, y, x, in high-resolution voxels.
        low: The least common change of all three that fits about as well (two standard errors), 0 or less.
        high: The largest, 0 or more.
        misfit: Root mean square difference of the statistics from the scan's, in standard errors.
        difference: Largest difference of an autocorrelation from the scan's.
        at_limit: Whether a stronger blur than is searched would fit better.
    """

    sigma: Scale
    low: float
    high: float
    misfit: float
    difference: float
    at_limit: bool

    def sentences(self, scale: Scale) -> list[str]:
        """Say what was found, and what is to be doubted."""
        text = ", ".join(f"{s:g}" for s in self.sigma)
        said = [
            f"The scan's blur, estimated from image and scan: sigma {text} (z, y, x) high-resolution voxels, "
            f"{self.low:+.2g} to {self.high:+.2g}; autocorrelations agree to {self.difference:.2g} "
            f"({self.misfit:.2g} standard errors)."
        ]
        if self.misfit > 3 or self.at_limit:
            said.append(
                "Warning: no blur makes the image look like the scan (they may show other material, have another scale "
                "factor or be segmented differently); check the scale factor, or give sigma as numbers."
            )
        if self.high - self.low > max(scale):
            said.append(
                "Warning: image and scan hardly say how strong the blur is, because many values fit; give sigma as "
                "numbers if they are known, or larger images."
            )
        return said


def estimate_sigma(inputs: FusionInputs, weights: Weights) -> Estimate:
    """Fit the standard deviation of the blur along each axis.

    Patches of the images, cut at random sub-voxel offsets, are degraded in their plane with a candidate σ and take the
    scan phase of the largest share. Compared is the autocorrelation of each scan phase's indicator,
    ρ(r) = (S₂(r) − φ²)/(φ − φ²), along each axis at 1 to 4 scan voxels: independent of the fraction φ, by
    which one image differs from the whole material. The differences are weighed by their covariance over patches, and
    their squares minimised. One σ for all axes is taken unless one for each fits clearly better.

    The blur across the plane is left out (there is no image of it), which makes σ too large by some tenths of a voxel.

    Args:
        inputs: Images, scan and problem.
        weights: The degradation's taps, for its thickness.

    Raises:
        UserError: If there is no scan, or image or scan are too small.
    """
    if inputs.low_res is None:
        raise UserError("sigma: estimate needs a scan to compare the image with; this job has none.")
    fit = _Fit(inputs, inputs.low_res, weights)
    return fit.run()


class _Fit:
    """The search: statistics of patches for candidates, compared with the scan's."""

    def __init__(self, inputs: FusionInputs, scan: Labels, weights: Weights) -> None:
        self.problem, self.weights, self.isotropic = inputs.problem, weights, inputs.isotropic
        self.scale = inputs.problem.scale
        self.phases = len(self.problem.low_phases)
        self.axes = [a for a in range(3) if any(n != a for n in inputs.axes) and scan.grid.shape[a] > 1]
        self.patches = {n: self._cut(inputs, n) for n in inputs.axes}
        self.scan = self._scan(scan)
        self.image = {n: id(inputs.images[n]) for n in inputs.axes}
        self._seen: dict[tuple[object, ...], tuple[_Statistic, _Statistic]] = {}

    def run(self) -> Estimate:
        """Search a common blur on a grid, then refine it, for all axes together and for each."""
        widest = WIDEST * min(self.scale[a] for a in self.axes)
        common = list(np.linspace(0, widest, 17))
        first = min(common, key=lambda s: self._misfit([s] * 3, weigh=False))
        self._weigh([first] * 3)
        start = min(common, key=lambda s: self._misfit([s] * 3))
        together = self._refine([start] * 3, [self.axes], widest / 32)
        apart = self._refine(together, [[a] for a in self.axes], widest / 16)
        best = apart if self._misfit(apart) < self._misfit(together) - CLEARLY else together
        least = self._misfit(best)
        low, high = (self._reach(best, least, sign * widest / 64) for sign in (-1, 1))
        differences = [self._difference(best, a) for a in self.axes]
        z, y, x = (round(float(s), 3) if a in self.axes else 0.0 for a, s in enumerate(best))
        return Estimate(
            (z, y, x),
            low,
            high,
            math.sqrt(least / sum(d.size for d in differences)),
            max(float(np.abs(d).max()) for d in differences),
            max(best[a] for a in self.axes) >= WIDEST * max(self.scale[a] for a in self.axes) - 1e-9,
        )

    def _refine(self, sigma: list[float], groups: list[list[int]], step: float) -> list[float]:
        """Change the axes of each group together, by steps that are halved, while it helps."""
        best, least = list(sigma), self._misfit(sigma)
        for size in (step, step / 2, step / 4):
            moved = True
            while moved:
                moved = False
                for group in groups:
                    for sign in (1, -1):
                        limits = [WIDEST * s for s in self.scale]
                        trial = [
                            min(max(s + sign * size, 0.0), limits[a]) if a in group else s for a, s in enumerate(best)
                        ]
                        if trial != best and (value := self._misfit(trial)) < least - 1e-9:
                            best, least, moved = trial, value, True
        return best

    def _reach(self, sigma: list[float], least: float, step: float) -> float:
        """Return by how much all axes can change before the fit is worse by two standard errors."""
        change = 0.0
        while abs(change) < WIDEST * max(self.scale) and max(sigma) + change + step >= 0:
            if self._misfit([max(0.0, s + change + step) for s in sigma]) > least + 4:
                break
            change += step
        return change

    def _misfit(self, sigma: list[float], weigh: bool = True) -> float:
        """Return the sum of squares, weighed for what axes have in common and for what sets them apart."""
        each = np.stack([self._difference(sigma, a) for a in self.axes])
        if not weigh:
            return float((each**2).sum())
        mean = each.mean(0)
        apart = each - mean
        return float(mean @ self.common @ mean + np.einsum("ai,ij,aj->", apart, self.contrast, apart))

    def _difference(self, sigma: list[float], axis: int) -> np.ndarray:
        """Return the image's autocorrelations along an axis less the scan's, phases and lags in one row."""
        found = [self._degraded(n, sigma)[axis].value for n in self.patches if n != axis]
        difference: np.ndarray = np.mean(found, axis=0) - self.scan[axis].value
        return difference

    def _weigh(self, sigma: list[float]) -> None:
        """Set the inverse covariances of the mean of the axes' differences, and of their contrasts.

        Contrasts are known far better: what is by chance in one scan, or one image, is in all its directions.
        """
        scan = np.stack([self.scan[a].influence for a in self.axes])
        mean, axes = scan.mean(0), len(self.axes)
        common = _covariance(mean)
        contrast = np.sum([_covariance(part - mean) for part in scan], axis=0) / max(1, axes - 1)
        found = [s.influence for n in self.patches for s in self._degraded(n, sigma).values()]
        if self.isotropic:  # patches and their transposes: one chance for all axes
            both = (found[0] + found[1]) / 2
            half = both.shape[1] // 2
            common = common + _covariance((both[:, :half] + both[:, half:]) / 2)
            count = half
        else:
            image = np.mean([_covariance(part) for part in found], axis=0)
            common, contrast = common + image / axes, contrast + image
            count = min(part.shape[1] for part in found)
        self.common, self.contrast = (_inverse(c, 0.1 + len(mean) / count) for c in (common, contrast))

    def _degraded(self, normal: int, sigma: list[float]) -> dict[int, _Statistic]:
        """Return the statistics of the degraded patches of planes normal to an axis."""
        rows, columns = (a for a in range(3) if a != normal)
        shares = self.patches[normal]
        along = [self._matrix(a, sigma[a], n) for a, n in ((rows, shares.shape[2]), (columns, shares.shape[3]))]
        key = (self.image[normal], self.scale[rows], self.scale[columns], along[0].tobytes(), along[1].tobytes())
        if key not in self._seen:
            for axis, matrix in zip((2, 3), along, strict=True):
                shares = np.moveaxis(np.tensordot(shares, matrix, (axis, 1)), -1, axis)
            labels = shares.argmax(0)[:, RIM:-RIM, RIM:-RIM]
            self._seen[key] = (_statistic(labels, 1, self.phases), _statistic(labels, 2, self.phases))
        return dict(zip((rows, columns), self._seen[key], strict=True))

    def _matrix(self, axis: int, sigma: float, length: int) -> np.ndarray:
        """Return the degradation along an axis as a matrix, its ends repeated: (low voxels, ``length``)."""
        count = math.floor(length / self.scale[axis] + 1e-6)
        index, weight = self.weights(axis, count, sigma)
        matrix = np.zeros((count, length), np.float32)
        np.add.at(matrix, (np.arange(count)[:, None], np.clip(index, 0, length - 1)), weight)
        return matrix

    def _cut(self, inputs: FusionInputs, normal: int) -> np.ndarray:
        """Return patches of the image of planes normal to an axis: shares (low phases, patches, rows, columns)."""
        stack = inputs.images[normal].array
        rows, columns = (self.scale[a] for a in range(3) if a != normal)
        low = min(stack.shape[1] / rows, stack.shape[2] / columns)
        if inputs.isotropic:
            low = min(stack.shape[1:]) / max(rows, columns)
        edge = math.floor(min(max(math.sqrt(stack.size / (rows * columns)) / 4, EDGES[0]), EDGES[1], low))
        if edge < EDGES[0]:
            raise UserError(
                f"An image of {stack.shape[1]} × {stack.shape[2]} pixels is too small to estimate a blur from: "
                f"it needs {EDGES[0]} scan voxels along each side; give sigma as numbers, or larger images."
            )
        rng = np.random.default_rng(0)
        size = height, width = math.ceil(edge * rows), math.ceil(edge * columns)
        patches, turned = [], []
        for i in range(min(PATCHES, max(8, round(2 * stack.size / (height * width))))):
            image = stack[i % len(stack)]
            top, left = (int(rng.integers(n - m + 1)) for n, m in zip(image.shape, size, strict=True))
            patches.append(image[top : top + height, left : left + width])
            if inputs.isotropic:  # rows and columns look alike: neither direction's chance counts for one axis
                if height != width:
                    left, top = (int(rng.integers(n - m + 1)) for n, m in zip(image.T.shape, size, strict=True))
                turned.append(image.T[left : left + height, top : top + width])
        patches += turned
        shown = [np.isin(np.stack(patches), values) for values in self.problem.match.shows]
        return np.stack(shown).astype(np.float32)

    def _scan(self, scan: Labels) -> dict[int, _Statistic]:
        """Return the scan's own statistics, from parts of it spread over the whole."""
        shape = scan.grid.shape
        edge = [min(n, EDGES[1], max(EDGES[0], n // 3)) for n in shape]
        if any(shape[a] < EDGES[0] for a in self.axes):
            raise UserError(
                f"A scan of {' × '.join(map(str, shape))} voxels is too small to estimate its blur from: it needs "
                f"{EDGES[0]} voxels along each axis; give sigma as numbers."
            )
        starts = [
            np.unique(np.linspace(0, n - e, min(4, -(-n // e))).astype(int)) for n, e in zip(shape, edge, strict=True)
        ]
        blocks = [
            scan.read(Region((z, y, x), (z + edge[0], y + edge[1], x + edge[2])))
            for z in starts[0].tolist()
            for y in starts[1].tolist()
            for x in starts[2].tolist()
        ]
        labels = np.stack(blocks)
        return {a: _statistic(labels, a + 1, self.phases) for a in self.axes}


@dataclass(frozen=True)
class _Statistic:
    """Autocorrelations (phases · lags), and how far each part that they are the mean of moves them (…, parts)."""

    value: np.ndarray
    influence: np.ndarray


def _statistic(labels: np.ndarray, axis: int, phases: int) -> _Statistic:
    """Return the autocorrelations of each phase's indicator along an axis, for parts along axis 0."""
    values, influences = [], []
    for phase in range(phases) if phases > 2 else (1,):
        indicator = (labels == phase).astype(np.float32)
        inner = tuple(range(1, labels.ndim))
        fraction = indicator.mean(dtype=np.float64)
        variance = max(fraction * (1 - fraction), 1e-6)
        own = indicator.mean(inner) * (1 - 2 * fraction) + fraction**2
        centred = np.moveaxis(indicator - np.float32(fraction), axis, 1)
        for lag in LAGS:
            part = (centred[:, lag:] * centred[:, :-lag]).mean(inner)
            value = part.mean() / variance
            values.append(value)
            influences.append((part - value * own) / variance)
    return _Statistic(np.array(values), np.stack(influences))


def _covariance(influence: np.ndarray) -> np.ndarray:
    """Return the covariance of a mean over parts; zero where there is one part."""
    count = influence.shape[1]
    if count < 2:
        return np.zeros((len(influence),) * 2)
    covariance: np.ndarray = np.atleast_2d(np.cov(influence)) / count
    return covariance


def _inverse(covariance: np.ndarray, ridge: float) -> np.ndarray:
    """Return the inverse, kept away from singular."""
    inverse: np.ndarray = np.linalg.inv(covariance + np.diag(ridge * np.maximum(np.diag(covariance), 1e-8)))
    return inverse
