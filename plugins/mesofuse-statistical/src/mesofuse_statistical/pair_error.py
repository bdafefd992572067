"""How far the two-point maps of a labelled volume are from their target, and which fields would lessen that."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy import fft

from mesofuse.volumes.grid import Triple
from mesofuse_statistical.correlation_maps import around, lengths, padded, pair_counts, phase_pairs

WORKERS = 2
POWER = 8
"""Power of the error that is minimised: high, so that the largest error falls."""
SHORT = 4.0
"""Up to this displacement errors count the more, the shorter it is: those make the surface, and there are few."""
UNIT = 1e-3
"""An error of which high powers are neither huge nor tiny."""
LEVEL = 1.0
"""Added to a spectrum, relative to its largest value, by which the gains are divided."""
LOWEST = 0.01
"""The same where a magnitude is imposed, relative to the spectrum's mean."""
STRONGEST = 3.0
"""Factor by which a magnitude changes in one round, at most."""


class PairError:
    """The error of the maps of labels in a box, over all pairs inside it (nothing wraps around).

    Displacements up to ``radius`` count, and no further than half an edge. Magnitudes are imposed with those up to
    ``reach`` as well, which fade out in between: a sharp end would put power where the labels have none.

    Args:
        target: The wanted map of each of `phase_pairs`, (pairs, 2 n + 1, …).
        phases: Number of phases.
        shape: Shape of the box.
        radius: Displacements up to this length, in voxels, count.
        reach: The largest displacement that is looked at, between radius and n.
    """

    def __init__(self, target: np.ndarray, phases: int, shape: Triple, radius: int, reach: int) -> None:
        middle = target.shape[-1] // 2
        self.shape = shape
        self.phases, self._all = phases, phase_pairs(phases)
        self._reach = [min(reach, n - 1) for n in shape]
        self._box = padded(shape, self._reach)
        self._around = around(self._box, self._reach)
        inner = tuple(slice(middle - k, middle + k + 1) for k in self._reach)
        self.target = target[(slice(None), *inner)]
        self.shares = target[(slice(phases), *(middle,) * 3)]
        length = lengths(middle)[inner]
        near = [np.abs(np.arange(-k, k + 1)) <= n // 2 for k, n in zip(self._reach, shape, strict=True)]
        self.counted = (length <= radius) & np.logical_and.outer(np.logical_and.outer(near[0], near[1]), near[2])
        self._window = np.clip((reach + 1 - length) / (reach + 1 - radius), 0, 1)
        self._pairs = pair_counts(shape, self._reach)
        self._weight = self.counted * np.maximum(1, SHORT / np.maximum(length, 1))

    def spectra(self, labels: np.ndarray) -> list[np.ndarray]:
        """Return the transform of each phase's indicator in the padded box, complex64."""
        return [self._transform(labels == p) for p in range(self.phases)]

    def error(self, spectra: Sequence[np.ndarray]) -> np.ndarray:
        """Return target − map of the labels with these spectra: (pairs, …), 0 at displacements that do not count."""
        return np.stack([self._missing(k, spectra[p], spectra[q]) for k, (p, q) in enumerate(self._all)]) * self.counted

    def cost(self, error: np.ndarray) -> float:
        """Return Σ |w error|⁸, with w = max(1, 4 / |h|)."""
        return float((np.abs(error * self._weight / UNIT) ** POWER).sum())

    def largest(self, error: np.ndarray) -> float:
        """Return max |w error|."""
        return float(np.abs(error * self._weight).max())

    def gains(self, spectra: Sequence[np.ndarray], error: np.ndarray, *, plain: bool = False) -> np.ndarray:
        """Return for each phase how quickly the cost falls as a voxel becomes of it, up to a factor.

        Of phase p it is Σ_h g_pp(h) · [voxel x + h is of p], and half of Σ_h g_pq(h) · [x + h is of q] for each other
        phase that counts, with g the derivative of the cost by a map; float32 (phases, *shape). Unless ``plain``, the
        spectrum of g is divided by that of the phase and a constant: what a phase has much of is easily changed.

        Args:
            spectra: What `spectra` gave.
            error: What `error` gave.
            plain: Leave out the division.
        """
        found = np.empty((self.phases, *self.shape), np.float32)
        slope = np.sign(error) * np.abs(error * self._weight / UNIT) ** (POWER - 1) * self._weight / self._pairs
        slope /= max(float(np.abs(slope).max()), 1e-300)
        sums = [np.zeros_like(spectrum) for spectrum in spectra]
        for (p, q), wanted in zip(self._all, map(self._even, slope), strict=True):
            for a, b in {(p, q), (q, p)}:
                usual = 0 if plain else self._spectra[b] / max(float(self._spectra[b].max()), 1e-30) + LEVEL - 1
                sums[a] += spectra[b] * (wanted / (1 + usual) * np.float32(1 if p == q else 0.5))
        for p, total in enumerate(sums):
            found[p] = self._inverse(total)
        return found

    def imposed(self, spectra: Sequence[np.ndarray], blur: float) -> np.ndarray:
        """Return by how much each phase's indicator changes as the wanted magnitude is imposed on its spectrum.

        The phases of the spectrum F stay, and |F|² changes by the transform of the missing correlation, relative to
        the spectrum that the target has in this box: F → F √(1 + Ê / P). The change is blurred slightly. float32
        (phases, *shape).

        Args:
            spectra: What `spectra` gave.
            blur: Standard deviation of the blur in voxels.
        """
        found = np.empty((self.phases, *self.shape), np.float32)
        low = self._blur(blur)
        for p, spectrum in enumerate(spectra):
            missing = self._missing(p, spectrum, spectrum)
            usual = self._spectra[p]
            floor = max(LOWEST * float(usual.mean()), 1e-30)
            ratio = 1 + self._even(missing * self._pairs * self._window) / np.maximum(usual, floor)
            factor = np.sqrt(np.clip(ratio, STRONGEST**-2, STRONGEST**2)) - 1
            found[p] = self._inverse((spectrum - np.float32(self.shares[p]) * self._whole) * factor * low)
        return found

    @cached_property
    def _whole(self) -> np.ndarray:
        return self._transform(np.ones(self.shape, np.float32))

    @cached_property
    def _spectra(self) -> list[np.ndarray]:
        """The power that the target has in this box, for each phase, nowhere negative."""
        parts = zip(self.target[: self.phases], self.shares, strict=True)
        return [np.maximum(self._even((t - s**2) * self._pairs * self._window), 0) for t, s in parts]

    def _missing(self, index: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        power = one.real * other.real + one.imag * other.imag
        pairs = fft.irfftn(power, self._box, workers=WORKERS)[self._around]
        found: np.ndarray = self.target[index] - pairs / self._pairs
        return found

    def _transform(self, values: np.ndarray) -> np.ndarray:
        found: np.ndarray = fft.rfftn(values.astype(np.float32), self._box, workers=WORKERS)
        return found

    def _inverse(self, spectrum: np.ndarray) -> np.ndarray:
        inside = tuple(slice(n) for n in self.shape)
        found: np.ndarray = fft.irfftn(spectrum, self._box, workers=WORKERS)[inside]
        return found

    def _even(self, values: np.ndarray) -> np.ndarray:
        """Return the transform of values at displacements, which is real as they are even."""
        whole = np.zeros(self._box, np.float32)
        whole[self._around] = values
        found: np.ndarray = fft.rfftn(whole, workers=WORKERS).real
        return found

    def _blur(self, sigma: float) -> np.ndarray:
        axes = [fft.fftfreq(n) for n in self._box[:-1]] + [fft.rfftfreq(self._box[-1])]
        squares = sum(k**2 for k in np.meshgrid(*axes, indexing="ij", sparse=True))
        found: np.ndarray = np.exp(-2 * (np.pi * sigma) ** 2 * squares).astype(np.float32)
        return found
