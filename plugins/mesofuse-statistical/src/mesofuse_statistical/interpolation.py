"""Trilinear interpolation of the scan phases: what every other method must beat."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FitRun, FusionInputs, TileInput, TileOutput
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Scale, Triple
from mesofuse.volumes.phases import IGNORED
from mesofuse_statistical.options import InterpolationOptions
from mesofuse_statistical.shares import interpolated

TILE_VOXELS = 128  # output voxels along a tile, about: large enough to be fast, some 30 MB of memory


class Interpolation:
    """Interpolates each scan phase's one-hot field linearly and takes the phase with the largest share.

    A scan phase that shows several image phases becomes the one that fills most of the images (the
    first listed where they are equal); the others do not appear.
    """

    trains = False

    def __init__(self, options: InterpolationOptions) -> None:
        pass

    def fit(self, inputs: FusionInputs, run: FitRun) -> InterpolationModel:
        """Find the image phase that each scan phase becomes.

        Raises:
            UserError: If there is no scan to interpolate.
        """
        if not inputs.problem.low_phases:
            raise UserError("The method 'interpolation' needs a scan, but none is given.")
        images = [image.array for image in inputs.groups.values()]
        phases = len(inputs.problem.phases)
        counts = np.sum([np.bincount(a.ravel(), minlength=phases)[:phases] / a.size for a in images], axis=0)
        becomes = [max(values, key=lambda v: counts[v]) for values in inputs.problem.match.shows]
        return InterpolationModel(inputs.problem, np.array(becomes, np.uint8))

    def restore(self, problem: Problem, state: Mapping[str, np.ndarray]) -> InterpolationModel:
        """Rebuild a model from its state.

        Raises:
            UserError: If the state is not one of this method for this problem.
        """
        becomes = state.get("becomes")
        sound = becomes is not None and becomes.shape == (len(problem.low_phases),) and becomes.dtype == np.uint8
        if becomes is None or not sound or int(becomes.max()) >= len(problem.phases):
            raise UserError("The model's arrays are not those of the method 'interpolation' for these phases.")
        return InterpolationModel(problem, becomes)


class InterpolationModel:
    """The fitted method. High-resolution voxel h takes its shares at (h+½)/s−½; beyond the volume its ends repeat."""

    can_tile = True
    sees_ignored = True  # of no phase: the shares are those among the others
    halo: Triple = (1, 1, 1)
    noise: tuple[NoiseSpec, ...] = ()

    def __init__(self, problem: Problem, becomes: np.ndarray) -> None:
        self.problem = problem
        self.scale: Scale = problem.scale
        z, y, x = (max(1, min(32, round(TILE_VOXELS / s))) for s in problem.scale)
        self.tile: Triple = (z, y, x)
        self._becomes = becomes

    def to(self, device: str) -> InterpolationModel:
        """Return self: it computes on the CPU whatever the device."""
        return self

    def reconstruct(self, tile: TileInput, *, probabilities: bool = False) -> TileOutput:
        """Interpolate one tile; the probability of a phase is its share, the labels' ties go to the first phase."""
        assert tile.field is not None
        shape = tile.core.scaled(self.scale).shape
        labels = np.full(shape, self._becomes[0], np.uint8)
        best = np.zeros(shape, np.float32)
        full = np.zeros((len(self.problem.phases), *shape), np.float32) if probabilities else None
        shares = interpolated(tile, self.scale, len(self._becomes))
        for phase, share in zip(self._becomes, shares, strict=True):
            better = share > best
            labels[better] = phase
            np.maximum(best, share, out=best)
            if full is not None:
                full[phase] = share
        if full is not None and (tile.field == IGNORED).any():
            whole = full.sum(0)
            full = np.divide(full, whole, out=full, where=whole > 0)
        return TileOutput(labels, full)

    def tile_bytes(self, window: Triple) -> int:
        """Return about how many bytes a window of this shape needs."""
        return math.ceil(math.prod(n * s for n, s in zip(window, self.scale, strict=True)) * 14) + 2**20

    def state(self) -> dict[str, np.ndarray]:
        """Return the image phase that each scan phase becomes."""
        return {"becomes": self._becomes}
