"""Phase retrieval, conditioned on the scan: volumes with the image's two-point statistics in all directions."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping

import numpy as np
from scipy.ndimage import gaussian_filter

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.events import Event, Note, TileProgress
from mesofuse.interfaces.method import FitRun, FusionInputs, TileInput, TileOutput, TileRun
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.training.parts import build_degradation
from mesofuse.volumes.grid import Scale, Triple
from mesofuse_statistical.correlation_maps import correlation_map, phase_pairs
from mesofuse_statistical.options import PhaseRetrievalOptions
from mesofuse_statistical.pair_targets import (
    correlated,
    image_targets,
    missed_by_scan,
    products,
    scan_shares,
    scan_targets,
    voxel_counts,
)
from mesofuse_statistical.requirements import need_scan, need_whole
from mesofuse_statistical.retrieval import Search, retrieve
from mesofuse_statistical.scan_rule import ScanRule, own_weights

NAME = "phase-retrieval"
ALIEN = f"The model's arrays are not those of the method {NAME!r} for these phases."
PAUSE = 0.5
"""Seconds between reports."""


class PhaseRetrieval:
    """Find a volume with given S2 maps by alternating projections, one of which is the scan's constraint.

    The S2 map of each phase, at every displacement up to ``radius``, comes from the full maps of the images in their
    planes (`mesofuse_statistical.correlation_maps`). Of two or three phases it fixes the cross-correlations too (what
    is even in the displacement), as the phases fill space; of more, those count as well. Where the scan tells phases
    apart, the maps are those of the scan's own interpolated shares, plus what a scan misses as the images have it
    (`mesofuse_statistical.pair_targets`): large structures are this volume's, not the images'. The search is
    `mesofuse_statistical.retrieval`. Pairs are counted inside the volume, which is padded by the displacements that
    count: its sides do not see each other, and the result is not periodic.

    Sources: Fullwood, Niezgoda and Kalidindi (2008); Gerchberg and Saxton (1972); Fienup (1982); volumes from the
    images of three planes, Hasanabadi et al. (2016).

    Args:
        options: Reach of the maps, and how long to search.
    """

    trains = False

    def __init__(self, options: PhaseRetrievalOptions) -> None:
        self._options = options

    def fit(self, inputs: FusionInputs, run: FitRun) -> PhaseRetrievalModel:
        """Measure the images' maps, and what a scan misses of them.

        Raises:
            UserError: If there is no scan, a phase is missing or fills everything, ignored pixels leave gaps, or an
                image is too small.
        """
        problem, phases = inputs.problem, len(inputs.problem.phases)
        scan = need_scan(NAME, inputs)
        need_whole(NAME, inputs.images, "two-point statistics of whole images")
        degradation = _instrument(self._options, problem)
        planes, radius = self._planes(inputs, run)
        middle = planes.shape[-1] // 2
        shares = planes[:, range(phases), range(phases), middle, middle].mean(0)
        if phases < 2 or (shares <= 0).any():
            raise UserError(
                f"The method {NAME!r} needs two phases or more, each with some pixels in the image, whose shares are "
                f"{', '.join(f'{100 * s:.3g} %' for s in shares)}."
            )
        target, change = image_targets(planes, shares, radius)
        for phase, by in zip(problem.phases, change, strict=True):
            if by > self._options.tolerance:
                run.emit(
                    Note(
                        f"No volume has the two-point statistics of {phase.name} that the images show in their planes; "
                        f"the nearest that one may have, and which are met, differ by up to {by:.2g}."
                    )
                )
        missed = target - products(shares)
        if sum(map(bool, problem.match.shows)) > 1:
            planar, rng = scan.grid.shape[0] == 1, np.random.default_rng(run.seed)
            missed = missed_by_scan(target, shares, radius, problem, degradation, planar, rng)
        return PhaseRetrievalModel(problem, self._options, shares, missed.astype(np.float32), radius)

    def _planes(self, inputs: FusionInputs, run: FitRun) -> tuple[np.ndarray, int]:
        """Return the images' maps, normal to z, y and x, and up to which displacement they are used."""
        edge = min(min(image.array.shape[1:]) for image in inputs.images)
        radius = min(self._options.radius, (edge - 1) // 2)
        if radius < 1:
            raise UserError(
                f"The method {NAME!r} needs images of at least 3 × 3 pixels, but one has an edge of {edge}: give "
                "larger images."
            )
        if radius < self._options.radius:
            run.emit(
                Note(
                    f"The images are only {edge} pixels wide: two-point statistics are met up to {radius} voxels, not "
                    f"{self._options.radius}."
                )
            )
        maps = {
            id(i): correlation_map(i.array, len(inputs.problem.phases), (reach_of(radius),) * 2) for i in inputs.images
        }
        return np.stack([maps[id(image)] for image in inputs.images]), radius

    def restore(self, problem: Problem, state: Mapping[str, np.ndarray]) -> PhaseRetrievalModel:
        """Rebuild a model from its arrays.

        Raises:
            UserError: If they are not those of this method for this problem.
        """
        phases = len(problem.phases)
        shares, missed, radius = (state.get(name) for name in ("shares", "missed", "radius"))
        if shares is None or missed is None or radius is None or radius.shape != (1,) or int(radius[0]) < 1:
            raise UserError(ALIEN)
        shape = (len(phase_pairs(phases)), *(2 * reach_of(int(radius[0])) + 1,) * 3)
        finite = np.isfinite(shares).all() and np.isfinite(missed).all()
        if shares.shape != (phases,) or missed.shape != shape or not finite:
            raise UserError(ALIEN)
        return PhaseRetrievalModel(problem, self._options, shares, missed, int(radius[0]))


class PhaseRetrievalModel:
    """The fitted method.

    Args:
        problem: Scale and phases.
        options: How long to search, and the scan's instrument.
        shares: The image's share of each phase, by label.
        missed: What a scan misses of the phases' covariances, (pairs, 2 reach + 1, …), 0 at the sides.
        radius: Displacements up to which S2 is met.
    """

    can_tile = False
    halo: Triple = (0, 0, 0)
    tile: Triple = (16, 16, 16)  # counts for nothing: the whole volume is one tile
    noise = (NoiseSpec("start", 1),)

    def __init__(
        self, problem: Problem, options: PhaseRetrievalOptions, shares: np.ndarray, missed: np.ndarray, radius: int
    ) -> None:
        self.problem, self.options = problem, options
        self.scale: Scale = problem.scale
        self.shares, self.missed, self.radius = shares, missed, radius

    def to(self, device: str) -> PhaseRetrievalModel:
        """Return self: it computes on the CPU whatever the device."""
        return self

    def reconstruct(self, tile: TileInput, *, probabilities: bool = False) -> TileOutput:
        """Make the volume; the probability of a phase is half its label, half its share of the neighbourhood."""
        return self.reconstruct_long(tile, TileRun(lambda event: None), probabilities=probabilities)

    def reconstruct_long(self, tile: TileInput, run: TileRun, *, probabilities: bool = False) -> TileOutput:
        """Make the volume and report how far it is; a note says where S2 was not met."""
        labels = self._labels(tile, run.emit)
        return TileOutput(labels, neighbourhood(labels, len(self.shares)) if probabilities else None)

    def _labels(self, tile: TileInput, emit: Callable[[Event], None]) -> np.ndarray:
        assert tile.field is not None
        scan = tile.field[tile.core.within(tile.window)]
        fields = scan_shares(scan, self.problem, self.shares)
        target, shares = scan_targets(fields, self.missed.astype(np.float64))
        seed = hashlib.sha256(np.ascontiguousarray(tile.noise[0]).tobytes()).digest()
        rng = np.random.default_rng(np.frombuffer(seed, np.uint32))
        shape: Triple = fields.shape[1:]
        fields += correlated(self.missed[: len(fields)], shape, rng)
        degradation = _instrument(self.options, self.problem)
        cells: Triple = scan.shape
        weights = None if degradation is None else own_weights(degradation, self.problem, cells)
        rule = ScanRule(scan, self.problem, weights)
        search = Search(self.options.projections, self.options.exchanges, self.options.tolerance, self.options.blur)
        counts = voxel_counts(shares, math.prod(shape))
        found = retrieve(fields, counts, target, self.radius, rule, search, Reports(emit))
        if found.error > self.options.tolerance:
            emit(
                Note(
                    f"The two-point statistics are met to {found.error:.2g}, not to {self.options.tolerance:g}: the "
                    "scan contradicts the images, no volume has them, or the search was too short."
                )
            )
        return found.labels

    def tile_bytes(self, window: Triple) -> int:
        """Return about how many bytes a volume of this shape needs."""
        shape = [n * s for n, s in zip(window, self.scale, strict=True)]
        box = math.prod(n + reach_of(self.radius) if n > 1 else 1 for n in shape)
        phases = len(self.shares)
        return math.ceil(box * (8 * phases + 16) + math.prod(shape) * (12 * phases + 24)) + 2**20

    def state(self) -> dict[str, np.ndarray]:
        """Return shares, what a scan misses, and the radius."""
        return {"shares": self.shares, "missed": self.missed, "radius": np.array([self.radius])}


class Reports:
    """Turns the search's reports into events, at most one each `PAUSE` seconds.

    Args:
        emit: Takes the events.
    """

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._last = -math.inf

    def __call__(self, share: float, error: float) -> None:
        """Report the share of the rounds that are done, and the largest error of an S2 map."""
        now = time.monotonic()
        if now - self._last >= PAUSE or share >= 1:
            self._last = now
            self._emit(TileProgress(share, {"largest error of S2": error}))


def reach_of(radius: int) -> int:
    """Return up to which displacement maps are kept for a radius: correlations fade to none in between."""
    return 2 * radius


def neighbourhood(labels: np.ndarray, phases: int) -> np.ndarray:
    """Return half of each phase's indicator and half of its blurred one: float32 (phases, …), 1 in sum.

    The label has the most; another phase has the more, the more of it is near.
    """
    found = np.empty((phases, *labels.shape), np.float32)
    for p in range(phases):
        own = (labels == p).astype(np.float32)
        found[p] = (own + gaussian_filter(own, 1.0, mode="nearest", truncate=2.0)) / 2
    found /= found.sum(0)
    return found


def _instrument(options: PhaseRetrievalOptions, problem: Problem) -> Degradation | None:
    return None if options.degradation is None else build_degradation(options.degradation, problem)
