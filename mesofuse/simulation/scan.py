"""Simulating a scan: what a scan's instrument would show of a known volume, block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np

from mesofuse.errors import UserError, nearest
from mesofuse.interfaces.degradation import Degradation, seen
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.models.provenance import versions
from mesofuse.pipeline.inputs import named_after
from mesofuse.registry import get_registry
from mesofuse.streaming.noise import draw_noise
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.mask import compared
from mesofuse.volumes.phases import IGNORED, Phase, PhaseMatch, default_phases

VALUES_AT_ONCE = 1 << 23
BINS = 1024

Thresholds = tuple[float, ...] | Literal["otsu"] | None


@dataclass(frozen=True)
class Scanner:
    """How a volume is scanned.

    Attributes:
        degradation: Name of the registered degradation.
        options: Its options.
        noise: Standard deviation of Gaussian grey noise, where 1 is the contrast of two phases.
        seed: Of the noise.
        thresholds: None: a voxel shows the phase of the largest share, noise added to each. Numbers (or ``otsu`` for
            two phases): its grey value g = Σ k·share_k, noise added, is cut at them, so phases between two others
            appear at their interfaces, as in a real segmentation.
    """

    degradation: str = "blur-downsample"
    options: Mapping[str, Any] | None = None
    noise: float = 0.0
    seed: int = 0
    thresholds: Thresholds = None


class Scan:
    """The scan of a volume: labels of the scan phases, computed where they are read.

    A voxel is the same whatever region it is read in: the volume is degraded by blocks with the degradation's halo,
    and the noise belongs to coordinates. Memory is bounded. Voxels at the volume's end that fill no scan voxel are
    left out. A scan voxel is ignored where all of the volume's voxels in its space are; else it sees shares among those
    that are not.

    Args:
        volume: The known volume.
        problem: Scale, scan phases, and what they show; of ``volume.phases``.
        scanner: The instrument.

    Attributes:
        progress: Called with the voxels of each block that is done.

    Raises:
        UserError: If the volume is smaller than one scan voxel, or the instrument's options or thresholds don't suit
            it.
    """

    def __init__(self, volume: Labels, problem: Problem, scanner: Scanner) -> None:
        self.volume, self.problem, self.scanner = volume, problem, scanner
        if not (math.isfinite(scanner.noise) and scanner.noise >= 0):
            raise UserError(f"The noise {scanner.noise:g} is not usable: give a standard deviation of 0 or more.")
        component = get_registry().find("degradation", scanner.degradation)
        chosen = component.options(scanner.options)
        self.degradation = cast(Degradation, component.build(chosen, problem))
        self.phases = problem.low_phases
        self.masked = is_masked(volume)
        self.grid = volume.grid.coarsened(problem.scale)
        self.filled = self.grid.region.scaled(problem.scale)
        edge = (VALUES_AT_ONCE / len(problem.phases)) ** (1 / 3)
        self.block: Triple = tuple(  # type: ignore[assignment]
            max(1, h, int(edge / s) - 2 * h) for s, h in zip(problem.scale, self.degradation.halo, strict=True)
        )
        self._chosen = chosen.model_dump(mode="json")
        self._check_thresholds()
        self.progress: Callable[[int], object] = lambda voxels: None
        self._counts: dict[Region, tuple[np.ndarray, np.ndarray, int]] = {}

    @property
    def provenance(self) -> dict[str, Any]:
        """How it is made, for the file that it is written to."""
        said = {
            "scale": list(self.problem.scale),
            "shows": [list(values) for values in self.problem.match.shows],
            "degradation": {"name": self.scanner.degradation, **self._chosen},
            "noise": self.scanner.noise,
            "seed": self.scanner.seed,
            "thresholds": None if self.cuts is None else list(self.cuts),
        }
        return {"simulated_scan": said, "versions": versions()}

    def read(self, region: Region) -> np.ndarray:
        """Return the uint8 labels of a region."""
        labels = np.empty(region.shape, np.uint8)
        for core in region.blocks(self.block):
            fine, shares = self._shares(core)
            clean = self._decide(shares, core, noise=0.0)
            noisy = self._decide(shares, core, noise=self.scanner.noise) if self.scanner.noise else clean
            labels[core.within(region)] = noisy
            if self.masked:
                gone = ~compared(np.zeros(core.shape, np.uint8), fine, core, self.problem.scale)
                labels[core.within(region)][gone] = noisy[gone] = clean[gone] = IGNORED
            fractions, seen = (
                np.bincount(of.ravel(), minlength=len(phases))[: len(phases)]
                for of, phases in ((fine, self.problem.phases), (noisy, self.phases))
            )
            self._counts[core] = fractions, seen, int(np.count_nonzero(noisy != clean))
            self.progress(core.size)
        return labels

    def summary(self) -> dict[str, Any]:
        """Return shapes, fractions before and after, and the share of voxels that the noise changed."""
        if self._counted() != self.grid.region.size:  # a writer that reads the volume in parts, or some twice
            self._counts.clear()
            for block in self.grid.region.blocks(self.block):
                self.read(block)
        counts = list(self._counts.values())
        fine, low = np.sum([c[0] for c in counts], axis=0), np.sum([c[1] for c in counts], axis=0)
        changed, inside = sum(c[2] for c in counts), int(low.sum())
        showing = [int(fine[list(values)].sum()) / int(fine.sum()) for values in self.problem.match.shows]
        return {
            "shape": list(self.grid.shape),
            "voxel_size": list(self.grid.voxel_size),
            "unit": self.grid.unit,
            "left_out": self.left_out,
            **self.provenance["simulated_scan"],
            "phases": [
                {"name": p.name, "before": before, "after": n / inside}
                for p, before, n in zip(self.phases, showing, low.tolist(), strict=True)
            ],
            "changed_by_noise": changed / inside,
            **({"ignored": 1 - inside / self.grid.region.size} if self.masked else {}),
        }

    @property
    def left_out(self) -> list[int]:
        """High-resolution voxels at the end of z, y, x that fill no scan voxel."""
        return [n - m for n, m in zip(self.volume.grid.shape, self.filled.shape, strict=True)]

    def _counted(self) -> int:
        return sum(region.size for region in self._counts)

    def _shares(self, core: Region) -> tuple[np.ndarray, np.ndarray]:
        """Return the volume's labels in the space of ``core``, and the shares that the instrument sees there."""
        import torch

        scale = self.problem.scale
        window = core.grown(self.degradation.halo, self.grid.shape)
        fine = self.volume.read(window.scaled(scale))
        hot = np.empty((1, len(self.problem.phases), *fine.shape), np.float32)
        for value in range(len(self.problem.phases)):
            np.equal(fine, value, out=hot[0, value])
        see = seen(self.degradation)
        with torch.inference_mode():
            shares: np.ndarray = see(torch.from_numpy(hot), window)[0].numpy()
        if self.masked:
            whole = shares.sum(0)
            shares = np.divide(shares, whole, out=np.zeros_like(shares), where=whole > 0)
        return fine[core.scaled(scale).within(window.scaled(scale))], shares[:, *core.within(window)]

    def _decide(self, shares: np.ndarray, core: Region, noise: float) -> np.ndarray:
        """Return the labels that shares are taken for."""
        if self.cuts is not None:
            return np.searchsorted(self.cuts, self._grey(shares, core, noise), side="right").astype(np.uint8)
        if noise:
            spec = NoiseSpec("scan", len(shares))
            shares = shares + np.float32(noise) * draw_noise(spec, self.scanner.seed, core)
        labels: np.ndarray = shares.argmax(0).astype(np.uint8)
        return labels

    def _grey(self, shares: np.ndarray, core: Region, noise: float) -> np.ndarray:
        """Return grey values: 0 for the first scan phase, 1 for the second …, and noise."""
        grey: np.ndarray = shares[0] * np.float32(0)
        for value in range(1, len(shares)):
            grey = grey + shares[value] * np.float32(value)
        if noise:
            grey = grey + np.float32(noise) * draw_noise(NoiseSpec("grey", 1), self.scanner.seed, core)[0]
        return grey

    @cached_property
    def cuts(self) -> tuple[float, ...] | None:
        """The grey values that separate the phases, if any; Otsu's takes a pass over the volume."""
        if self.scanner.thresholds != "otsu":
            return self.scanner.thresholds
        tail = 5 * self.scanner.noise
        edges = np.linspace(-tail, 1 + tail, BINS + 1)
        counts = np.zeros(BINS, np.int64)
        for core in self.grid.region.blocks(self.block):
            fine, shares = self._shares(core)
            grey = self._grey(shares, core, self.scanner.noise)
            if self.masked:
                grey = grey[compared(np.zeros(core.shape, np.uint8), fine, core, self.problem.scale)]
            counts += np.histogram(np.clip(grey, edges[0], edges[-1]), edges)[0]
        return (otsu(counts, edges),)

    def _check_thresholds(self) -> None:
        given, count = self.scanner.thresholds, len(self.phases) - 1
        example = ",".join(f"{i + 0.5:g}" for i in range(count))
        if given == "otsu" and count != 1:
            raise UserError(
                f"Otsu's threshold separates two phases, but the scan has {count + 1}; give {count} numbers, for "
                f"example --threshold {example}."
            )
        if isinstance(given, tuple) and (len(given) != count or sorted(set(given)) != list(given)):
            raise UserError(
                f"{len(given)} thresholds ({', '.join(f'{t:g}' for t in given)}) don't separate {count + 1} phases; "
                f"give {count} rising ones, for example --threshold {example}."
            )


def otsu(counts: np.ndarray, edges: np.ndarray) -> float:
    """Return the threshold of a histogram that makes the variance between the two classes largest.

    Where several do (an empty stretch between two peaks), it is their middle. Source: Otsu, IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979) 62.

    Args:
        counts: Voxels in each bin.
        edges: The bins' edges, one more.
    """
    share = np.cumsum(counts) / counts.sum()
    mean = np.cumsum(counts * (edges[:-1] + edges[1:]) / 2) / counts.sum()
    inside = (share > 0) & (share < 1)
    if not inside.any():
        raise UserError(
            "All voxels of the scan have one grey value, so Otsu's threshold does not exist; give a number."
        )
    between = np.zeros(len(share))
    between[inside] = (mean[-1] * share - mean)[inside] ** 2 / (share * (1 - share))[inside]
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float((edges[best[0] + 1] + edges[best[-1] + 1]) / 2)


def scan_problem(phases: Sequence[Phase], scale: Scale, rules: Mapping[str, Sequence[str]]) -> Problem:
    """Return the problem of scanning a volume.

    Args:
        phases: The volume's phases.
        scale: Voxels of the volume along one of the scan.
        rules: Which of them each phase of the scan shows; the scan's phases are the rules' keys in their order (or
            numbers 0 … n−1). Without rules the scan has the volume's phases.

    Raises:
        UserError: If a rule names an unknown phase, a phase is shown twice or never, or numbers have gaps.
    """
    high = tuple(phases)
    if not rules:
        return Problem(scale, high, high, PhaseMatch.by_index(len(high), len(high)))
    keys = list(rules)
    if all(key.isdecimal() for key in keys):
        if sorted(map(int, keys)) != list(range(len(keys))):
            raise UserError(f"The rules number the scan's phases {', '.join(keys)}; number them from 0 without gaps.")
        low = default_phases(len(keys))
    else:
        low = default_phases(len(keys), keys)
    match = PhaseMatch.parse(rules, low, high)
    shown = {value for values in match.shows for value in values}
    unseen = [p.name for p in high if p.value not in shown]
    if unseen:
        raise UserError(
            f"No rule says what the scan shows where the volume has {unseen[0]!r}; add it to a rule, for example "
            f"{keys[0]}={','.join((*rules[keys[0]], unseen[0]))}."
        )
    return Problem(scale, named_after(low, high, match), high, match)


def parse_thresholds(text: str | None) -> Thresholds:
    """Read ``otsu``, or numbers such as ``0.5`` or ``0.5,1.5``.

    Raises:
        UserError: If it is neither.
    """
    if text is None:
        return None
    if text.strip().lower() == "otsu":
        return "otsu"
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        hint = nearest(text.strip(), ["otsu"])
        raise UserError(f"The threshold {text!r} is no number.{hint} Or numbers, for example 0.5.") from None
    if not all(map(math.isfinite, values)):
        raise UserError(f"The threshold {text!r} is not finite; for two phases give a share such as 0.5.")
    return values
