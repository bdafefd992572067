"""Making a result reproduce its scan: few, uncertain voxels change phase until the degraded result agrees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import TIE, Degradation, agrees, degraded
from mesofuse.interfaces.method import Model, TileInput, TileOutput, TileRun
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.streaming.ignored import ignored_out, shown_to
from mesofuse.streaming.long_tiles import reconstructed
from mesofuse.volumes.grid import Region, Scale, Triple, scaled_edge
from mesofuse.volumes.phases import IGNORED

ROUNDS = 2
"""Rounds where scan voxels share high-resolution voxels; one is enough where each sees its own alone."""
MARGIN = TIE / 2
"""What counts as a tie here: less than elsewhere, so that no rounding makes a voxel that agrees here disagree there."""
LEAST = 1e-12  # probability below which all are alike


class ProjectedModel:
    """A model whose result, degraded, shows what the scan shows; it counts what it changed.

    In each scan voxel that the model gets wrong, its own high-resolution voxels change to the most probable
    phase that the scan's phase shows, until the degraded voxel agrees: first those that lose least probability (log p
    of the present phase − log p of the new one) for what they add to the scan's phase (the degradation's gradient). The
    number is the least in that order, found by bisection; where none is enough, all of them change. Where a degradation
    sees beyond its own voxel, every voxel of a round is decided on the labels before it, and there are ``rounds`` of
    them: what then disagrees is left and counted.

    Args:
        model: Gives the probabilities.
        degradation: The model of the instrument, on the CPU.
        rounds: Rounds where the degradation has a halo.
        free: Phases of the scan that are not enforced, as a one-sided loss does not.

    Raises:
        UserError: If the model takes no scan.
    """

    sees_ignored = True
    extras = {  # noqa: RUF012
        "projection/moved": "high-resolution voxels whose phase was changed, in each scan voxel",
        "projection/violated": "1 where the degraded result still does not show the scan's phase, 0 where it does",
    }

    def __init__(
        self, model: Model, degradation: Degradation, *, rounds: int = ROUNDS, free: Collection[int] = ()
    ) -> None:
        if not model.problem.low_phases:
            raise UserError(
                "This model takes no scan, so there is nothing to project its result on; leave --project out."
            )
        self._model, self._degradation = model, degradation
        self.problem: Problem = model.problem
        self.scale: Scale = model.scale
        self.tile: Triple = model.tile
        self.noise: tuple[NoiseSpec, ...] = model.noise
        self.can_tile = model.can_tile
        self._rounds = rounds if any(degradation.halo) else 1
        self._free = tuple(sorted(free))
        z, y, x = ((self._rounds + 1) * h for h in degradation.halo)
        self._reach: Triple = (z, y, x)
        z, y, x = (a + b for a, b in zip(model.halo, self._reach, strict=True))
        self.halo: Triple = (z, y, x)

    def describe(self) -> dict[str, Any]:
        """Return what bears on the voxels, as plain values."""
        return {"rounds": self._rounds, "free": list(self._free)}

    def to(self, device: str) -> ProjectedModel:
        """Move the model inside to a device and return self; the projection is done on the CPU."""
        self._model.to(device)
        return self

    def reconstruct(self, tile: TileInput, *, probabilities: bool = False) -> TileOutput:
        """Reconstruct a tile and project it; ``extra`` has the counts of the core."""
        return self._reconstructed(tile, None, probabilities)

    def reconstruct_long(self, tile: TileInput, run: TileRun, *, probabilities: bool = False) -> TileOutput:
        """Reconstruct a tile with the progress of the model inside, and project it."""
        return self._reconstructed(tile, run, probabilities)

    def _reconstructed(self, tile: TileInput, run: TileRun | None, probabilities: bool) -> TileOutput:
        assert tile.field is not None
        core = tile.core.grown(self._reach).intersect(tile.window)
        assert core is not None
        wider = TileInput(core, tile.window, tile.shape, tile.field, tile.noise)
        made = reconstructed(self._model, shown_to(self._model, wider), run, probabilities=True)
        made = ignored_out(self, wider, made)  # or they would be seen by neighbours
        if made.probabilities is None:
            raise UserError("This method gives no probabilities, which the projection needs; leave --project out.")
        scan = tile.field[core.within(tile.window)]
        target = Target(scan, core, self.problem, self._degradation, self._free)
        labels = target.reached(made.labels, made.probabilities, self._rounds)
        own = tile.core.scaled(self.scale).within(core.scaled(self.scale))
        inner = tile.core.within(core)
        extra = {
            "projection/moved": target.own_sums(labels != made.labels)[inner],
            "projection/violated": target.wrong(labels, TIE)[inner].astype(np.uint32),
        }
        given = np.ascontiguousarray(made.probabilities[:, *own]) if probabilities else None
        return TileOutput(np.ascontiguousarray(labels[own]), given, extra)

    def tile_bytes(self, window: Triple) -> int:
        """Return about how many bytes a window of this shape needs: the model's, and one-hot copies of it."""
        fine = math.prod(n * s for n, s in zip(window, self.scale, strict=True))
        return self._model.tile_bytes(window) + math.ceil(fine * (16 * len(self.problem.phases) + 32))

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays of the model inside."""
        return self._model.state()


@dataclass(frozen=True)
class Target:
    """What labels of a region are to show.

    Attributes:
        scan: uint8 labels (z, y, x) of the scan.
        region: The scan voxels that it fills.
        problem: Scale and phases.
        degradation: The model of the instrument.
        free: Phases of the scan that are not enforced.
    """

    scan: np.ndarray
    region: Region
    problem: Problem
    degradation: Degradation
    free: tuple[int, ...] = ()

    def reached(self, labels: np.ndarray, probabilities: np.ndarray, rounds: int) -> np.ndarray:
        """Return labels changed so that they show the scan, as far as ``rounds`` rounds reach.

        Args:
            labels: uint8 labels of ``region.scaled(scale)``.
            probabilities: float32 (phases, z, y, x) of the same voxels.
            rounds: How often all scan voxels that disagree are changed.
        """
        for _ in range(rounds):
            wrong = self.wrong(labels, MARGIN)
            if not wrong.any():
                break
            changed = labels.copy()
            # Voxels of one colour are too far apart to see each other's changes.
            for color in self._colors():
                some = np.zeros_like(wrong)
                some[color] = wrong[color]
                if some.any():
                    places, phases = self._changes(labels, probabilities, some)
                    changed.ravel()[places] = phases
            labels = changed
        return labels

    def wrong(self, labels: np.ndarray, tie: float) -> np.ndarray:
        """Return where an enforced scan voxel is not shown as the scan has it."""
        seen = degraded(self.degradation, labels, len(self.problem.phases), self.region)
        left = [i for i, values in enumerate(self.problem.match.shows) if not values or i in self.free]
        return ~agrees(seen, self.scan, tie) & ~np.isin(self.scan, left)

    def own_sums(self, values: np.ndarray) -> np.ndarray:
        """Sum high-resolution values over each scan voxel's own: uint32."""
        sums = values.astype(np.uint32)
        for axis, edges in enumerate(self._edges()):
            sums = np.add.reduceat(sums, edges[:-1], axis=axis, dtype=np.uint32)
        return sums

    def _changes(
        self, labels: np.ndarray, probabilities: np.ndarray, wrong: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which voxels to change (flat index) to which phase, so that scan voxels become right."""
        places, owner = self._candidates(labels, wrong)
        allowed = self._allowed()[self.scan.ravel()[owner]].T
        logs = np.log(np.maximum(probabilities.reshape(len(allowed), -1)[:, places], LEAST))
        phases = np.where(allowed, logs, -np.inf).argmax(0).astype(np.uint8)
        every = np.arange(len(places))
        cost = logs[labels.ravel()[places], every] - logs[phases, every]
        weight = self._effect(labels, wrong, places, owner, phases)
        key = np.where(weight > 0, cost / np.where(weight > 0, weight, 1), np.inf)
        order = np.lexsort((key, owner))  # stable: equal ones stay in the order of their positions
        places, owner, phases = places[order], owner[order], phases[order]
        count = np.bincount(owner, minlength=wrong.size)
        rank = every - (np.cumsum(count) - count)[owner]

        few, many = np.zeros_like(count), count
        while (active := many - few > 1).any():
            tried = np.where(active, (few + many) // 2, many)
            trial = labels.copy()
            taken = rank < tried[owner]
            trial.ravel()[places[taken]] = phases[taken]
            bad = self.wrong(trial, MARGIN).ravel()
            few, many = np.where(active & bad, tried, few), np.where(active & ~bad, tried, many)
        taken = rank < many[owner]
        return places[taken], phases[taken]

    def _candidates(self, labels: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the voxels (flat index) of wrong scan voxels that show another phase, and whose they are."""
        owners = [np.repeat(np.arange(len(e) - 1), np.diff(e)) for e in self._edges()]
        z, y, x = np.nonzero(wrong[np.ix_(*owners)])
        owner = np.ravel_multi_index((owners[0][z], owners[1][y], owners[2][x]), wrong.shape)
        places = np.ravel_multi_index((z, y, x), labels.shape)
        other = ~self._allowed()[self.scan.ravel()[owner], labels.ravel()[places]]
        return places[other], owner[other]

    def _effect(
        self, labels: np.ndarray, wrong: np.ndarray, places: np.ndarray, owner: np.ndarray, phases: np.ndarray
    ) -> np.ndarray:
        """Return how much each change adds to the scan's phase over its strongest rival, relative to the voxel's best.

        1 for all of a voxel whose gradient says nothing.
        """
        import torch

        one_hot = labels[None] == np.arange(len(self.problem.phases), dtype=np.uint8)[:, None, None, None]
        with torch.enable_grad():
            x = torch.from_numpy(one_hot).float().requires_grad_()
            seen = self.degradation(x[None], self.region)[0]
            truth = torch.from_numpy(np.where(self.scan == IGNORED, 0, self.scan).astype(np.int64))[None]
            rival = seen.detach().scatter(0, truth, -math.inf).argmax(0, keepdim=True)
            lead = (seen.gather(0, truth) - seen.gather(0, rival))[0][torch.from_numpy(wrong)].sum()
            slope = torch.autograd.grad(lead, x)[0].numpy() if lead.requires_grad else np.zeros(x.shape, np.float32)
        slope = slope.reshape(len(slope), -1)
        gain = slope[phases, places] - slope[labels.ravel()[places], places]
        best = np.zeros(wrong.size, np.float32)
        np.maximum.at(best, owner, np.nan_to_num(gain))
        top = best[owner]
        # Rounded, so that voxels that count alike are ordered by cost and position, not by the last bit.
        relative: np.ndarray = np.round(np.nan_to_num(gain) / np.where(top > 0, top, 1), 3)
        return np.where(top > 0, relative, 1)

    def _allowed(self) -> np.ndarray:
        """Return which image phases each scan phase shows: booleans (low phases, phases)."""
        table = np.zeros((len(self.problem.match.shows), len(self.problem.phases)), bool)
        for low, values in enumerate(self.problem.match.shows):
            table[low, list(values)] = True
        return table

    def _edges(self) -> list[np.ndarray]:
        """Return, along each axis, where each scan voxel's own voxels begin, and the end."""
        spans = zip(self.region.start, self.region.stop, self.problem.scale, strict=True)
        return [np.array([scaled_edge(i, s) - scaled_edge(a, s) for i in range(a, b + 1)]) for a, b, s in spans]

    def _colors(self) -> Iterator[tuple[slice, slice, slice]]:
        steps = [h + 1 for h in self.degradation.halo]
        for z, y, x in itertools.product(*(range(s) for s in steps)):
            yield (slice(z, None, steps[0]), slice(y, None, steps[1]), slice(x, None, steps[2]))
