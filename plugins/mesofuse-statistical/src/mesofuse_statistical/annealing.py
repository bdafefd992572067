"""Simulated annealing of a volume to the statistics of images, conditioned on the scan."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import uniform_filter

from mesofuse.errors import UserError
from mesofuse.interfaces.events import Note
from mesofuse.interfaces.method import FitRun, FusionInputs, TileInput, TileOutput, TileRun
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.training.parts import build_degradation
from mesofuse.volumes.grid import Scale, Triple
from mesofuse_statistical.annealing_degradation import own_weights
from mesofuse_statistical.annealing_energy import OUTSIDE, UNIT, layout
from mesofuse_statistical.annealing_field import Weights
from mesofuse_statistical.annealing_run import Run, Settings
from mesofuse_statistical.annealing_scan import Scan
from mesofuse_statistical.annealing_targets import Targets, measure
from mesofuse_statistical.options import AnnealingOptions
from mesofuse_statistical.requirements import need_scan

SEED_BITS = 4096
MOST_VOXELS = 2**31 // UNIT - 1
"""So that counts of patterns fit into 32 bits."""
SURE = 0.5
"""Part of a voxel's probability that is its label's; the rest is shared as the labels around it are."""


class Annealing:
    """Swap voxels until a volume has the images' statistics, from coarse to fine, keeping what the scan shows.

    The energy is the sum of squared differences from the images' pair probabilities along axes and diagonals (S₂ and
    cross-correlations), lineal paths along axes, and histograms of patterns in planes, each for its own axes, and
    relative to that of independent voxels. Swaps of two voxels at interfaces are accepted by Metropolis' rule at a
    falling temperature. Voxels that the scan tells apart swap only if every scan voxel goes on to show its phase.

    Sources: Yeong and Torquato, Phys. Rev. E 57, 495 (1998); swaps at interfaces, Tang, Teng, He and Luo, J. Microsc.
    234, 262 (2009); from coarse to fine, Alexander, Fieguth, Ioannidis and Vrscay, Math. Geosci. 41, 357 (2009);
    patterns as an energy, Deutsch (1992).

    Args:
        options: What is compared with the images, and for how long.
    """

    trains = False
    test_options: ClassVar[dict[str, Any]] = {"radius": 8, "sweeps": 2.0}  # quick to check

    def __init__(self, options: AnnealingOptions) -> None:
        self._options = options

    def fit(self, inputs: FusionInputs, run: FitRun) -> AnnealingModel:
        """Measure the images.

        Raises:
            UserError: If there is no scan, an image is too small or has ignored pixels, or a phase has none.
        """
        problem, options = inputs.problem, self._options
        need_scan("annealing", inputs)
        targets = measure(inputs, options.radius, options.spacings, options.levels)
        model = AnnealingModel(problem, targets, options)
        if model.weights() is None:
            run.emit(
                Note(
                    f"What the degradation {options.degradation.name!r} shows of a scan voxel is not a mean over its "
                    "own voxels: while annealing, each scan voxel keeps its phase by count; --project does the rest."
                )
            )
        return model

    def restore(self, problem: Problem, state: Mapping[str, np.ndarray]) -> AnnealingModel:
        """Rebuild a model from its arrays.

        Raises:
            UserError: If they are not those of this method for this problem.
        """
        return AnnealingModel(problem, Targets.from_state(state, len(problem.phases)), self._options)


class AnnealingModel:
    """The fitted method.

    Args:
        problem: Scale and phases.
        targets: What the images say.
        options: How to anneal.
    """

    can_tile = False
    sees_ignored = True
    halo: Triple = (0, 0, 0)
    tile: Triple = (1, 1, 1)
    noise = (NoiseSpec("annealing", 1),)

    def __init__(self, problem: Problem, targets: Targets, options: AnnealingOptions) -> None:
        self.problem = problem
        self.scale: Scale = problem.scale
        self.targets, self._options = targets, options

    def to(self, device: str) -> AnnealingModel:
        """Return self: it computes on the CPU whatever the device."""
        return self

    def weights(self) -> list[np.ndarray] | None:
        """Return how much a scan voxel's own voxels count in what the degradation shows; None: all alike."""
        try:
            return own_weights(build_degradation(self._options.degradation, self.problem), self.problem)
        except UserError:
            return None

    def reconstruct(self, tile: TileInput, *, probabilities: bool = False) -> TileOutput:
        """Anneal a volume; a voxel's probabilities say how mixed the labels around it are."""
        return self.reconstruct_long(tile, TileRun(lambda event: None), probabilities=probabilities)

    def reconstruct_long(self, tile: TileInput, run: TileRun, *, probabilities: bool = False) -> TileOutput:
        """Anneal a volume, or resume it where ``run.folder`` has one that was interrupted."""
        assert tile.field is not None
        options, size = self._options, tile.core.scaled(self.scale).size
        if size > MOST_VOXELS:
            raise UserError(
                f"The method 'annealing' makes volumes of at most {MOST_VOXELS:,} voxels at once, but this one has "
                f"{size:,}: cut the scan into smaller parts."
            )
        field = tile.field[tile.core.within(tile.window)]
        scan = Scan(self.problem, tile.core, field, self.weights())
        weights = Weights(options.pairs, options.paths, options.patterns)
        settings = Settings(weights, options.sweeps, options.acceptance, options.tolerance, options.levels)
        # Signs, because the last bits of noise may differ between processors.
        signs = np.packbits(tile.noise[0].ravel()[:SEED_BITS] > 0)
        labels = Run(self.targets, scan, settings, hashlib.sha256(signs.tobytes()).digest()).labels(run)
        labels[labels == OUTSIDE] = 0  # ignored in the end, whatever is here
        return TileOutput(labels, self._probabilities(labels) if probabilities else None)

    def _probabilities(self, labels: np.ndarray) -> np.ndarray:
        found = np.empty((len(self.problem.phases), *labels.shape), np.float32)
        for phase in range(len(found)):
            own = (labels == phase).astype(np.float32)
            found[phase] = SURE * own + (1 - SURE) * uniform_filter(own, 3, mode="nearest")
        found /= found.sum(0)
        return found

    def tile_bytes(self, window: Triple) -> int:
        """Return about how many bytes a window of this shape needs."""
        fine = tuple(math.ceil(n * s) for n, s in zip(window, self.scale, strict=True))
        tables = int((~np.isnan(self.targets.patterns[..., 0])).any(0).sum()) if self._options.patterns > 0 else 0
        lines = layout(fine, self.targets.radius)[1]  # type: ignore[arg-type]
        return lines + math.prod(fine) * (2 * tables + len(self.problem.phases) + 40) + 2**26

    def state(self) -> dict[str, np.ndarray]:
        """Return the targets."""
        return self.targets.state()
