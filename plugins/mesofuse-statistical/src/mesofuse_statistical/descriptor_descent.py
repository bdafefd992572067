"""Descent of a volume's phase probabilities until its planes have an image's descriptors, from coarse to fine."""

from __future__ import annotations

import hashlib
import math
import os
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from mesofuse.interfaces.events import TileProgress
from mesofuse.interfaces.method import TileInput, TileRun
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Triple
from mesofuse_statistical.descriptor_terms import PatchProjections, PatternHistograms, TwoPointMaps
from mesofuse_statistical.options import DescriptorsOptions
from mesofuse_statistical.scan_shares import ScanShares

LEAST_EDGE = 4
"""Voxels that a coarse grid has along its shortest axis, at least."""
PLANES = 8
"""Planes whose patches a step looks at."""
MEMORY = 0.9
"""Weight of what was before in the running mean of the slopes."""
SURE = 12.0
"""Largest difference of two phases' logits: what is surer could not change any more."""
SHARPEN = (1.0, 2.0)
"""Factor of the logits before the softmax, at the first step of a grid and at its last."""
ALWAYS = 2.0
"""A margin that no lead reaches."""
START = 2.0
"""Logit by which the phases that the scan shows lead at the start."""
JITTER = 0.3
"""Standard deviation of the noise that a finer grid starts with, where the logits' own is 1."""
QUIET_SECONDS = 0.5
SAVE_SECONDS = 30.0
STATE = "descent.npz"


@dataclass(frozen=True)
class ImageDescriptors:
    """What one image shows.

    Attributes:
        shares: Of each phase, float32 (phases,).
        patterns: Its pattern histograms.
        two_point: Its two-point maps.
        patches: Its patches' projections.
    """

    shares: torch.Tensor
    patterns: PatternHistograms
    two_point: TwoPointMaps
    patches: PatchProjections

    def to(self, device: str) -> ImageDescriptors:
        """Return a twin on a device."""
        return ImageDescriptors(
            self.shares.to(device), self.patterns.to(device), self.two_point.to(device), self.patches.to(device)
        )


class Descent:
    """Exponentiated-gradient descent on phase probabilities of a volume, on grids from coarse to fine.

    Each step draws labels from the probabilities p = softmax(k ℓ), measures the descriptors of these labels in the
    planes normal to one axis (each descriptor and spacing another one, in turn), and lowers the logits ℓ by a rate
    times the running mean of the slopes, which is the mirror descent of the entropy (Kivinen & Warmuth 1997). Drawn
    labels have the descriptors that probabilities promise, so that no match of blurred probabilities is mistaken for
    one of labels; as the logits grow and k rises, the labels settle. A finer grid starts from the logits, interpolated
    trilinearly, and some noise.

    Args:
        problem: Scale and phases.
        options: Steps, weights.
        images: The descriptors of planes normal to z, y and x; None where no image shows them.
        device: Where to compute.
    """

    def __init__(
        self,
        problem: Problem,
        options: DescriptorsOptions,
        images: tuple[ImageDescriptors | None, ...],
        device: str = "cpu",
    ) -> None:
        self._problem, self._options, self._device = problem, options, device
        there = {id(image): image.to(device) for image in images if image is not None}
        self._images = {axis: there[id(image)] for axis, image in enumerate(images) if image is not None}
        self._shares = torch.stack([image.shares for image in self._images.values()]).mean(0)

    def run(self, tile: TileInput, run: TileRun | None = None) -> np.ndarray:
        """Return the logits of the result's voxels, float32 (phases, z, y, x)."""
        with one_thread(self._device), torch.no_grad():
            return self._run(tile, run)

    def _run(self, tile: TileInput, run: TileRun | None) -> np.ndarray:
        assert tile.field is not None
        shape = tile.core.scaled(self._problem.scale).shape
        seed = hashlib.sha256(b"".join(noise.tobytes() for noise in tile.noise)).digest()
        grids = [(f, _coarse(shape, f), self._options.steps) for f in factors(shape, self._options.levels)]
        store = _Store(run, seed + tile.field.tobytes() + self._identity())
        progress = _Progress(run, sum(math.prod(grid) * steps for _, grid, steps in grids))
        begun, done, arrays = store.load()
        for number, (factor, grid, steps) in enumerate(grids):
            if number < begun:
                progress.add(math.prod(grid) * steps)
                continue
            scan = ScanShares(tile.field, tile.core, self._problem, factor, self._device)
            if number == begun and arrays:
                logits, mean = (torch.from_numpy(arrays[name]).to(self._device) for name in ("logits", "mean"))
                progress.add(math.prod(grid) * done)
            else:
                rng = self._rng(seed, factor, 0)
                logits = self._begin(scan, grid, rng) if number == 0 else self._refined(logits, grid, rng)
                mean, done = torch.zeros_like(logits), 0
            for step in range(done, steps):
                sharpness = SHARPEN[0] * (SHARPEN[1] / SHARPEN[0]) ** (step / max(1, steps - 1))
                rng = self._rng(seed, factor, step + 1)
                errors = self._step(logits, mean, sharpness, _Turn(factor, step, rng), scan)
                progress.add(math.prod(grid), errors)
                store.save(number, step + 1, logits, mean)
        store.clear()
        return logits.cpu().numpy()

    def _identity(self) -> bytes:
        """Return what tells this descent from others of the same tile."""
        maps = b"".join(image.two_point.target.cpu().numpy().tobytes() for image in self._images.values())
        return repr((self._problem, self._options, self._device, sorted(self._images))).encode() + maps

    def _begin(self, scan: ScanShares, grid: Triple, rng: np.random.Generator) -> torch.Tensor:
        """Return the first logits: the image's shares, the scan's phases ahead, and noise."""
        logits = self._shares.log()[:, None, None, None] + self._normal((len(self._shares), *grid), rng)
        _, slope = scan.pull(torch.full_like(logits, 1 / len(logits)), ALWAYS)
        return logits if slope is None else logits - START * slope.sign()

    def _normal(self, shape: tuple[int, ...], rng: np.random.Generator) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(self._device)

    def _rng(self, seed: bytes, factor: int, step: int) -> np.random.Generator:
        """Return the random numbers of one step, so that none have to be kept for a descent to go on."""
        return np.random.default_rng([int.from_bytes(seed[:8], "little"), factor, step])

    def _refined(self, logits: torch.Tensor, grid: Triple, rng: np.random.Generator) -> torch.Tensor:
        """Return logits on a grid twice as fine, on their own scale again."""
        finer = functional.interpolate(logits[None], scale_factor=2, mode="trilinear", align_corners=False)[0]
        finer = finer[:, : grid[0], : grid[1], : grid[2]]
        finer = finer - finer.mean(0)
        return finer / finer.std().clamp(min=1e-6) + JITTER * self._normal(finer.shape, rng)

    def _step(
        self, logits: torch.Tensor, mean: torch.Tensor, sharpness: float, turn: _Turn, scan: ScanShares
    ) -> dict[str, float]:
        """Lower the logits by one step, in place; return the errors by descriptor."""
        probabilities = torch.softmax(sharpness * logits, 0)
        drawn = torch.rand(logits.shape[1:], generator=self._generator(turn.rng), device=logits.device)
        labels = (drawn > probabilities.cumsum(0)[:-1]).sum(0, dtype=torch.int32)
        slope = torch.zeros_like(logits)
        errors = {"patterns": self._patterns(labels, slope, turn)}
        errors["two-point"] = self._two_point(labels, slope, turn)
        errors["patches"] = self._patches(labels, slope, turn)
        shares = probabilities.mean((1, 2, 3))
        slope += (self._options.shares * (shares / self._shares - 1))[:, None, None, None]
        errors["scan"], pull = scan.pull(probabilities, self._options.margin)
        if pull is not None:
            slope.add_(pull, alpha=self._options.scan)
        slope -= slope.mean(0)
        mean.mul_(MEMORY).add_(slope, alpha=1 - MEMORY)
        logits.sub_(mean, alpha=self._options.rate)
        logits.sub_(logits.max(0).values).clamp_(min=-SURE / SHARPEN[1])
        return errors

    def _generator(self, rng: np.random.Generator) -> torch.Generator:
        return torch.Generator(self._device).manual_seed(int(rng.integers(2**62)))

    def _axis(self, turn: _Turn, number: int) -> int:
        axes = list(self._images)
        return axes[(turn.step + number) % len(axes)]

    def _patterns(self, labels: torch.Tensor, slope: torch.Tensor, turn: _Turn) -> float:
        """Add the slope of the pattern histograms; return the mean error over the spacings."""
        errors = []
        spacings = [s for s in self._options.spacings if s % turn.factor == 0]
        for number, spacing in enumerate(spacings):
            axis = self._axis(turn, number)
            pull = self._images[axis].patterns.pull(labels.movedim(axis, 0), turn.factor, spacing)
            if pull is not None:
                slope.movedim(axis + 1, 1).add_(pull.slope, alpha=self._options.patterns)
                errors.append(pull.error)
        return sum(errors) / max(1, len(errors))

    def _two_point(self, labels: torch.Tensor, slope: torch.Tensor, turn: _Turn) -> float:
        axis = self._axis(turn, 0)
        pull = self._images[axis].two_point.pull(labels.movedim(axis, 0), turn.factor)
        slope.movedim(axis + 1, 1).add_(pull.slope, alpha=self._options.two_point)
        return pull.error

    def _patches(self, labels: torch.Tensor, slope: torch.Tensor, turn: _Turn) -> float:
        """Add the slope of the patches' projections in some planes; return the mean error over the spacings."""
        errors = []
        spacings = [s for s in self._options.patch_spacings if s % turn.factor == 0]
        for number, spacing in enumerate(spacings):
            axis = self._axis(turn, number)
            planes = labels.movedim(axis, 0)
            some = np.sort(turn.rng.choice(len(planes), min(PLANES, len(planes)), replace=False))
            chosen = torch.from_numpy(some).to(labels.device)
            pull = self._images[axis].patches.pull(planes.index_select(0, chosen), turn.factor, spacing, turn.rng)
            if pull is not None:
                every = len(planes) / len(some)  # what all planes would add up to
                part = slope.movedim(axis + 1, 1)
                part[:, chosen] += every * self._options.patches * pull.slope
                errors.append(pull.error)
        return sum(errors) / max(1, len(errors))


@dataclass(frozen=True)
class _Turn:
    """Whose turn it is: how coarse the grid is, the number of its step, and the step's random numbers."""

    factor: int
    step: int
    rng: np.random.Generator


def factors(shape: Triple, levels: int) -> list[int]:
    """Return how many times coarser than the result the grids are, from the coarsest that is large enough to 1."""
    shortest = min((n for n in shape if n > 1), default=1)
    return [f for f in (2**i for i in reversed(range(levels))) if f == 1 or shortest >= LEAST_EDGE * f]


def _coarse(shape: Triple, factor: int) -> Triple:
    z, y, x = (-(-n // factor) for n in shape)
    return z, y, x


@contextmanager
def one_thread(device: str) -> Iterator[None]:
    """Let torch use one thread in this one, so that no sum depends on how many there are."""
    before = torch.get_num_threads()
    if device == "cpu" and before != 1:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


class _Progress:
    """Tells of the progress some times a second at most.

    Args:
        run: Takes the events; None where nobody listens.
        total: Work in all, in voxels times steps.
    """

    def __init__(self, run: TileRun | None, total: int) -> None:
        self._run, self._total, self._done, self._last = run, total, 0, -math.inf

    def add(self, work: int, errors: Mapping[str, float] | None = None) -> None:
        """Count work that is done."""
        self._done += work
        now = time.monotonic()
        if self._run is not None and errors and (now - self._last >= QUIET_SECONDS or self._done == self._total):
            self._last = now
            self._run.emit(TileProgress(self._done / self._total, errors))


class _Store:
    """The state of a descent on disk, from which it goes on.

    Args:
        run: Where; nothing is kept without a folder.
        inputs: All that bears on the descent: the state of another one is not taken.
    """

    def __init__(self, run: TileRun | None, inputs: bytes) -> None:
        self._path = None if run is None or run.folder is None else run.folder / STATE
        self._digest = np.frombuffer(hashlib.sha256(inputs).digest(), np.uint8)
        self._last = time.monotonic()

    def load(self) -> tuple[int, int, Mapping[str, np.ndarray]]:
        """Return the number of the grid, the steps that are done there, and the arrays; none where nothing is kept."""
        if self._path is None or not self._path.exists():
            return 0, 0, {}
        try:
            with np.load(self._path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in ("digest", "place", "logits", "mean")}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return 0, 0, {}
        if not np.array_equal(arrays["digest"], self._digest):
            return 0, 0, {}
        number, done = arrays["place"].tolist()
        return number, done, arrays

    def save(self, number: int, done: int, logits: torch.Tensor, mean: torch.Tensor) -> None:
        """Write the state, if the last one is old."""
        if self._path is None or time.monotonic() - self._last < SAVE_SECONDS:
            return
        self._last = time.monotonic()
        partial = self._path.with_suffix(".partial")
        with open(partial, "wb") as file:
            np.savez(
                file, digest=self._digest, place=np.array([number, done]), logits=logits.cpu().numpy(),
                mean=mean.cpu().numpy(),
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self._path)

    def clear(self) -> None:
        """Remove the state of a descent that has come to its end."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
