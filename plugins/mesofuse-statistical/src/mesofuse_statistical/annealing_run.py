"""A volume annealed from coarse to fine, kept on disk as it goes."""

from __future__ import annotations

import hashlib
import math
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.interfaces.events import TileProgress
from mesofuse.interfaces.method import TileRun
from mesofuse.volumes.files import replacing
from mesofuse_statistical.annealing_energy import OUTSIDE
from mesofuse_statistical.annealing_field import PARTS, Weights, build, energy, labels_of
from mesofuse_statistical.annealing_lattice import lattices, refined
from mesofuse_statistical.annealing_scan import Scan, settle
from mesofuse_statistical.annealing_schedule import Cooling
from mesofuse_statistical.annealing_shares import with_shares
from mesofuse_statistical.annealing_targets import Targets

SAVE_SECONDS = 20.0
EMIT_SECONDS = 0.4
FILE = "annealing.npz"


@dataclass(frozen=True)
class Settings:
    """How a volume is annealed.

    Attributes:
        weights: Of the parts of the energy.
        sweeps: Moves a voxel, on each lattice.
        acceptance: See `annealing_schedule.Cooling`.
        tolerance: All is done where no part of the energy is more than this share of its start.
        levels: Lattices, at most.
    """

    weights: Weights
    sweeps: float
    acceptance: float
    tolerance: float
    levels: int


@dataclass
class _State:
    """Where a run is: the lattice by its place in the list, its labels and cooling, and its energy at the start."""

    index: int
    labels: np.ndarray
    cooling: Cooling
    start: dict[str, float]


class Run:
    """Anneal a volume on a scan.

    Args:
        targets: What the images say.
        scan: What the volume has to show.
        settings: How.
        seed: Of the random numbers: bytes.
    """

    def __init__(self, targets: Targets, scan: Scan, settings: Settings, seed: bytes) -> None:
        self._targets, self._scan, self._settings, self._seed = targets, scan, settings, seed
        wide = not np.isnan(targets.pairs[0, 0]).all()
        self._lattices = lattices(scan.shape, min(settings.levels, targets.levels), (wide, True, True))

    def labels(self, run: TileRun) -> np.ndarray:
        """Return the labels, uint8 (z, y, x); ``OUTSIDE`` where the scan is ignored."""
        path = None if run.folder is None else run.folder / FILE
        state = (path and self._load(path)) or self._begin(0, None)
        clock = _Clock()
        while True:
            self._anneal(state, run, path, clock)
            if state.index + 1 == len(self._lattices):
                return state.labels
            state = self._begin(state.index + 1, state.labels)

    def _random(self, index: int, purpose: bytes) -> bytes:
        return hashlib.sha256(self._seed + bytes([index]) + purpose).digest()

    def _begin(self, index: int, coarse: np.ndarray | None) -> _State:
        """Return the state at the start of a lattice, after the one before."""
        lattice = self._lattices[index]
        words = np.frombuffer(self._random(index, b"start")[:16], "<u8")
        rng = np.random.Generator(np.random.Philox(key=words.astype(np.uint64)))
        labels = self._scan.start(lattice, self._targets.shares, rng)
        if coarse is not None:
            from_coarse = refined(coarse, self._lattices[index - 1], lattice, rng)
            labels = np.where((labels != OUTSIDE) & (from_coarse != OUTSIDE), from_coarse, labels)
        settle(labels, self._scan.constraint(lattice, labels), self._targets.shares, rng)
        random = np.frombuffer(self._random(index, b"moves")[:8], "<u8").astype(np.uint64)
        return _State(index, labels, self._cooling(labels.size, random), {})

    def _anneal(self, state: _State, run: TileRun, path: Path | None, clock: _Clock) -> None:
        """Anneal one lattice to its end."""
        lattice, cooling = self._lattices[state.index], state.cooling
        present = np.bincount(state.labels.ravel(), minlength=OUTSIDE + 1)[: self._targets.phases]
        if not present.any():
            return
        targets = with_shares(self._targets, present / present.sum())
        field = build(state.labels, targets, lattice.level, self._settings.weights)
        constraint = self._scan.constraint(lattice, state.labels)
        bounds = np.array([(0, 0, 0), state.labels.shape], np.int64)
        parts = energy(field)
        state.start = state.start or parts
        ended = cooling.finished or self._near(parts, state.start)
        while not ended:
            cooling.advance(field, constraint, bounds)
            parts = energy(field)
            ended = cooling.finished or self._near(parts, state.start)
            if path is not None and clock.due("save", SAVE_SECONDS):
                state.labels = labels_of(field)
                self._save(path, state)
            if clock.due("emit", EMIT_SECONDS) or ended:
                run.emit(TileProgress(self._fraction(state), {"energy": sum(parts.values()), **parts}))
        state.labels = labels_of(field)

    def _near(self, parts: Mapping[str, float], start: Mapping[str, float]) -> bool:
        return all(parts[name] <= self._settings.tolerance * start[name] for name in parts)

    def _fraction(self, state: _State) -> float:
        sites = [math.prod(lattice.shape) for lattice in self._lattices]
        own = sites[state.index] * state.cooling.done / max(1, state.cooling.moves)
        return float((sum(sites[: state.index]) + own) / sum(sites))

    def _key(self) -> str:
        """Return what a saved state must have been made with."""
        key = hashlib.sha256(self._seed + repr((self._settings, self._scan.shape)).encode())
        for array in (*self._targets.state().values(), *self._scan.arrays()):
            key.update(np.ascontiguousarray(array).tobytes())
        return key.hexdigest()

    def _save(self, path: Path, state: _State) -> None:
        cooling = state.cooling
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file, key=np.array(self._key()), index=np.array(state.index), labels=state.labels,
                random=cooling.random, done=np.array(cooling.done), hot=np.array(cooling.hot),
                start=np.array(list(state.start.values())),
            )  # fmt: skip

    def _load(self, path: Path) -> _State | None:
        """Return the state that an interrupted run of the same kind left, or None."""
        try:
            with np.load(path, allow_pickle=False) as file:
                saved: dict[str, Any] = {name: file[name] for name in file.files}
            if str(saved["key"]) != self._key():
                return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        index, labels = int(saved["index"]), saved["labels"]
        cooling = self._cooling(labels.size, saved["random"])
        cooling.done, cooling.hot = int(saved["done"]), float(saved["hot"])
        return _State(index, labels, cooling, dict(zip(PARTS, saved["start"].tolist(), strict=True)))

    def _cooling(self, sites: int, random: np.ndarray) -> Cooling:
        return Cooling(round(self._settings.sweeps * sites), self._settings.acceptance, random)


class _Clock:
    """Say when so many seconds have passed since the last time, by name."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._last: dict[str, float] = {}

    def due(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._last.get(name, self._start) < seconds:
            return False
        self._last[name] = now
        return True
