"""Descriptors of planes that descriptor matching compares: pattern histograms, two-point maps, patch projections.

Each class holds what one image shows, and tells of the labels of a volume, given as a stack of the planes that the
image shows, how far they are from it, and the slope of that error: what it would change by, to first order and times
the number of voxels, if a voxel became of another phase. All planes are pooled: a target for each plane alone would
ask every plane for the image's mean, and leave no room for structure from plane to plane.

A volume may be on a grid that is ``factor`` times coarser than the image: its voxels are points of the image's grid,
``factor`` apart, so that one set of targets serves every grid. Distances are in the image's pixels throughout.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from mesofuse.volumes.patterns import Stencil, turned_counts

FLOOR = 1e-4
"""Added to the variance of an image's projections, so that an even image is no division by zero."""
PATCHES = 8192
"""Patches of an image in each of its symmetric positions that the quantiles are of, at most."""
QUANTILES = 1024
BANK = 128
"""Random directions that the patches' projections are drawn from."""
DIRECTIONS = 16
"""Directions that a step looks at."""
PART = 8.0
"""Weight of the histogram of each part of the stencil, next to that of the whole one: where it is small, spots of noise
freeze in, none of whose patterns is the image's (in the demo's electrode, of 64³ voxels, 1.0 % of the patterns are none
of the image's with a weight of 0.5, and 0.3 % with 8)."""
NUMBERS = 1 << 25
"""Numbers that planes are transformed to at once, about."""


class Pull(NamedTuple):
    """What a descriptor says of labels.

    Attributes:
        error: How far they are from the image's.
        slope: (phases, plane, row, column): the first derivative of the error by the voxel's one-hot phases, times the
            number of voxels; only differences between phases count.
    """

    error: float
    slope: torch.Tensor


class PatternHistograms:
    """Histograms of label patterns (`mesofuse.volumes.patterns`) at several spacings.

    The error at one spacing is the Jensen–Shannon divergence in bits of the histograms of volume (R) and image (T). It
    is measured wholly, and its slope is that of the histogram as a product over the pixels of each pattern: where pixel
    j of a pattern changes to phase a, the pattern's bin loses a count to the bin that differs in that digit. With
    ∂JS/∂R_c = ½ log₂(2 R_c / (R_c + T_c)) in a table, each pixel of each pattern asks the table once a phase. Patterns
    that the image never shows all cost the same; so that the slope leads out of them too, the table holds the
    derivative of the divergences of parts of the stencil as well (blocks of 2 × 2 pixels, one pixel).

    Source: multiple-point histograms, Deutsch (1992); their divergence as a distance, Tan, Tahmasebi & Caers (2014).

    Args:
        stencil: The pixels of a pattern.
        targets: By spacing, the image's share of each pattern, float32 (stencil.bins,).
    """

    def __init__(self, stencil: Stencil, targets: Mapping[int, torch.Tensor]) -> None:
        self.stencil, self.targets = stencil, dict(targets)
        self._parts = list(_parts(stencil))

    @classmethod
    def measure(
        cls, stack: np.ndarray, phases: int, spacings: Sequence[int], turns: Sequence[int]
    ) -> PatternHistograms:
        """Count the patterns of an image stack and of its symmetric twins; spacings that don't fit are left out."""
        stencil = Stencil.of(phases)
        counts = {s: turned_counts(stack, stencil, s, turns) for s in spacings}
        shares = {s: torch.from_numpy((c / c.sum()).astype(np.float32)) for s, c in counts.items() if c.any()}
        return cls(stencil, shares)

    def pull(self, labels: torch.Tensor, factor: int, spacing: int) -> Pull | None:
        """Compare at one spacing, a multiple of the factor; None where no pattern fits.

        Args:
            labels: int32 (plane, row, column).
            factor: Pixels of the image from one voxel to the next.
            spacing: Pixels of the image from one pixel of a pattern to the next.
        """
        step, phases = spacing // factor, self.stencil.phases
        rows, columns = (n - step * e for n, e in zip(labels.shape[1:], self.stencil.extent, strict=True))
        if min(rows, columns) < 1:
            return None
        places = [
            (slice(None), slice(r * step, r * step + rows), slice(c * step, c * step + columns))
            for r, c in self.stencil.offsets
        ]
        code = torch.zeros_like(labels[places[0]])
        for place in places:
            code.mul_(phases).add_(labels[place])
        counts = torch.bincount(code.flatten(), minlength=self.stencil.bins).float()
        target = self.targets[spacing]
        table = self._table(counts / code.numel(), target, 0.5 / code.numel())
        # By how many phases a label is raised, modulo their number, so that the present one has no slope to look up.
        raised = labels.new_zeros((phases, *labels.shape), dtype=torch.float32)
        own = table.index_select(0, code.flatten()).view(code.shape)
        for place, digit in zip(places, _digits(self.stencil), strict=True):
            here = labels[place]
            for by in range(1, phases):
                other = torch.where(here < phases - by, by * digit, (by - phases) * digit).add_(code)
                raised[by][place] += table.index_select(0, other.flatten()).view(code.shape).sub_(own)
        raised *= labels.numel() / code.numel()
        return Pull(_divergence(counts / code.numel(), target), _by_phase(raised, labels))

    def _table(self, made: torch.Tensor, target: torch.Tensor, least: float) -> torch.Tensor:
        """Return the derivative of the divergences by each pattern's share; shares count as ``least`` more."""
        pixels = (self.stencil.phases,) * len(self.stencil.offsets)
        table = _derivative(made, target, least).view(pixels)
        for part in self._parts:
            rest = [j for j in range(len(pixels)) if j not in part]
            own, wanted = (share.view(pixels).sum(rest, keepdim=True) for share in (made, target))
            table = table + PART * _derivative(own, wanted, least)
        return table.flatten()

    def to(self, device: str) -> PatternHistograms:
        """Return a twin on a device."""
        return PatternHistograms(self.stencil, {s: t.to(device) for s, t in self.targets.items()})


def _derivative(made: torch.Tensor, target: torch.Tensor, least: float) -> torch.Tensor:
    return 0.5 * torch.log2((made + least) / ((made + target) / 2 + least))


def _divergence(p: torch.Tensor, q: torch.Tensor) -> float:
    middle = (p + q) / 2
    entropy = [-torch.xlogy(x, x).sum(dtype=torch.float64) for x in (p, q, middle)]
    return max(0.0, float(entropy[2] - (entropy[0] + entropy[1]) / 2) / math.log(2))


def _digits(stencil: Stencil) -> list[int]:
    """Return what one phase more at each pixel adds to a pattern's number."""
    return [stencil.phases ** (len(stencil.offsets) - 1 - j) for j in range(len(stencil.offsets))]


def _parts(stencil: Stencil) -> Iterator[tuple[int, ...]]:
    """Yield the parts of a stencil whose histograms are matched too, as numbers of its pixels."""
    number = {pixel: j for j, pixel in enumerate(stencil.offsets)}
    found = 0
    for r, c in stencil.offsets:
        block = [(r, c), (r, c + 1), (r + 1, c), (r + 1, c + 1)]
        if len(stencil.offsets) > len(block) and all(pixel in number for pixel in block):
            found += 1
            yield tuple(number[pixel] for pixel in block)
    for r, c in stencil.offsets if not found else ():
        for neighbour in ((r, c + 1), (r + 1, c)):
            if neighbour in number:
                yield number[r, c], number[neighbour]
    yield (0,)


def _by_phase(raised: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return slopes by phase from slopes by how much the label is raised modulo the number of phases."""
    phases = len(raised)
    slope = torch.zeros_like(raised)
    for by in range(1, phases):
        slope.scatter_(0, ((labels + by) % phases).long()[None], raised[by][None])
    return slope


class TwoPointMaps:
    """Two-point probabilities of all pairs of phases for all displacements within a plane, up to a radius.

    C_ab(r) is the share of voxels x with phase a at x and b at x + r among those for which both are in the volume; for
    a = b it is S₂. The error is the mean over phases and displacements of e², e = (C_ab − T_ab) / (σ_a σ_b) with
    σ_a² the variance of phase a in the image, a difference of correlation coefficients. A displacement's weight is the
    number of its pairs over 1 + its length, so that short and long ones count alike. All of it goes through Fourier
    transforms of the planes, padded with zeros so that no plane meets its own other end.

    Sources: Torquato (2002); Seibert, Raßloff, Kalina, Ambati & Kästner (2022).

    Args:
        target: T, float32 (phases, phases, 2 radius + 1, 2 radius + 1), zero displacement in the middle.
    """

    def __init__(self, target: torch.Tensor) -> None:
        self.target = target
        self.radius = target.shape[-1] // 2
        shares = target[..., self.radius, self.radius].diagonal()
        variance = (shares * (1 - shares)).clamp(min=FLOOR)
        self._scale = 1 / (variance[:, None] * variance)[:, :, None, None]

    @classmethod
    def measure(cls, stack: np.ndarray, phases: int, radius: int, turns: Sequence[int]) -> TwoPointMaps:
        """Measure an image stack and its symmetric twins, whose maps are turned and mirrored alike."""
        rows, columns = stack.shape[1:]
        size, found = _padded(rows, columns, radius), torch.zeros(())
        for plane in stack:
            spectrum = torch.fft.rfft2(_one_hot(torch.from_numpy(plane), phases), s=size)
            found = found + _sums(spectrum[:, None].conj() * spectrum, size, radius)
        found = found / _pairs(stack.shape, radius, found.device)
        turned = [torch.rot90(found, turn % 4, (2, 3)) for turn in turns]
        twins = [maps.flip(3) if turn >= 4 else maps for turn, maps in zip(turns, turned, strict=True)]
        return cls(torch.stack(twins).mean(0))

    def pull(self, labels: torch.Tensor, factor: int) -> Pull:
        """Compare all displacements that are multiples of the factor; arguments as of `PatternHistograms.pull`."""
        phases, (rows, columns) = len(self.target), labels.shape[1:]
        reach = min(self.radius // factor, rows - 1, columns - 1)
        size = _padded(rows, columns, reach)
        blocks = torch.split(labels, max(1, NUMBERS // (phases * math.prod(size))))
        spectra = (torch.fft.rfft2(_one_hot(block, phases), s=size) for block in blocks)
        products, kept = None, None
        for kept in spectra:
            power = torch.stack([(first.conj() * kept).sum(1) for first in kept])
            products = power if products is None else products + power
        assert products is not None
        assert kept is not None
        pairs = _pairs(labels.shape, reach, labels.device)
        middle = slice(self.radius - reach * factor, self.radius + reach * factor + 1, factor)
        at = torch.arange(-reach, reach + 1, device=labels.device)
        length = (at[:, None] ** 2 + at**2).float().sqrt()
        weight = torch.where(length < reach + 0.5, pairs / (1 + factor * length), 0)
        weight = weight / weight.sum() / phases**2
        excess = _sums(products, size, reach) / pairs - self.target[:, :, middle, middle]
        error = (weight * self._scale * excess.square()).sum()
        slope = 2 * weight * self._scale * excess / pairs
        # A voxel is the first of a pair at r, and the second of another at −r.
        kernel = slope + slope.transpose(0, 1).flip(2, 3)
        padded = functional.pad(kernel, (0, size[1] - 2 * reach - 1, 0, size[0] - 2 * reach - 1))
        filters = torch.fft.rfft2(padded.roll((-reach, -reach), (2, 3))).conj()
        found = torch.empty((phases, *labels.shape), device=labels.device)
        for part, block in zip(torch.split(found, blocks[0].shape[0], 1), blocks, strict=True):
            spectrum = kept if len(blocks) == 1 else torch.fft.rfft2(_one_hot(block, phases), s=size)
            for phase, filtered in enumerate(filters):
                part[phase] = torch.fft.irfft2((filtered[:, None] * spectrum).sum(0), s=size)[:, :rows, :columns]
        return Pull(float(error), found.mul_(labels.numel()))

    def to(self, device: str) -> TwoPointMaps:
        """Return a twin on a device."""
        return TwoPointMaps(self.target.to(device))


def _one_hot(labels: torch.Tensor, phases: int) -> torch.Tensor:
    """Return float32 (phases, *labels.shape)."""
    values = torch.arange(phases, device=labels.device).view(-1, *(1,) * labels.dim())
    return (labels == values).float()


def _padded(rows: int, columns: int, reach: int) -> tuple[int, int]:
    """Return even lengths of the transforms, without large prime factors."""

    def smooth(n: int) -> int:
        rest = n
        for factor in (2, 3, 5, 7):
            while rest % factor == 0:
                rest //= factor
        return n if rest == 1 and n % 2 == 0 else smooth(n + 1)

    return smooth(rows + reach), smooth(columns + reach)


def _sums(products: torch.Tensor, size: tuple[int, int], reach: int) -> torch.Tensor:
    """Return the sums over voxels of products of phases, by displacement, from those of their spectra."""
    whole: torch.Tensor = torch.fft.irfft2(products, s=size)
    return whole.roll((reach, reach), (2, 3))[..., : 2 * reach + 1, : 2 * reach + 1]


def _pairs(shape: Sequence[int], reach: int, device: torch.device) -> torch.Tensor:
    """Return the number of pairs of voxels by displacement, at least 1."""
    lags = torch.arange(-reach, reach + 1, device=device).abs()
    rows, columns = ((n - lags).clamp(min=0) for n in shape[1:])
    return (shape[0] * rows[:, None] * columns).clamp(min=1).float()


class PatchProjections:
    """Sorted random projections of patches, the sliced Wasserstein distance of patch distributions.

    A patch is ``edge``² pixels, ``spacing`` apart, of one-hot phases. The error at one spacing is the mean over random
    directions of unit length and over ranks of the squared difference between the sorted projections of the volume's
    patches and the quantiles of the image's, over the variance of the image's. A step looks at a few planes and
    directions; the directions are drawn from a fixed bank whose quantiles are kept.

    Source: Elnekave & Weiss (2022, GPDM); sorted projections of texture, Pitié, Kokaram & Dahyot (2005).

    Args:
        bank: Directions, float32 (directions, phases, edge, edge).
        targets: By spacing, quantiles of the image's projections, float32 (directions, quantiles).
    """

    def __init__(self, bank: torch.Tensor, targets: Mapping[int, torch.Tensor]) -> None:
        self.bank, self.targets = bank, dict(targets)
        self._variance = {s: t.var(1, keepdim=True) + FLOOR for s, t in self.targets.items()}

    @classmethod
    def measure(
        cls, stack: np.ndarray, phases: int, spacings: Sequence[int], turns: Sequence[int], edge: int
    ) -> PatchProjections:
        """Measure the quantiles of an image stack and its symmetric twins; spacings that don't fit are left out."""
        rng = np.random.default_rng(0)
        bank = torch.from_numpy(rng.standard_normal((BANK, phases, edge, edge), dtype=np.float32))
        bank = bank / bank.flatten(1).norm(dim=1)[:, None, None, None]
        levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
        targets = {}
        for spacing in spacings:
            if min(stack.shape[1:]) <= spacing * (edge - 1):
                continue
            patches = torch.from_numpy(np.concatenate([_patches(stack, turn, spacing, edge, rng) for turn in turns]))
            hot = _one_hot(patches, phases).transpose(0, 1).flatten(1)
            projected = bank.flatten(1) @ hot.T
            targets[spacing] = torch.from_numpy(np.quantile(projected.numpy(), levels, axis=1).T.astype(np.float32))
        return cls(bank, targets)

    def pull(self, labels: torch.Tensor, factor: int, spacing: int, rng: np.random.Generator) -> Pull | None:
        """Compare at one spacing, a multiple of the factor, by some directions; None where no patch fits.

        Args:
            labels: int32 (plane, row, column).
            factor: Pixels of the image from one voxel to the next.
            spacing: Pixels of the image from one pixel of a patch to the next.
            rng: Draws the directions.
        """
        edge, step = self.bank.shape[-1], spacing // factor
        if min(labels.shape[1:]) <= step * (edge - 1):
            return None
        chosen = torch.from_numpy(np.sort(rng.choice(len(self.bank), DIRECTIONS, replace=False))).to(labels.device)
        with torch.enable_grad():
            hot = _one_hot(labels, self.bank.shape[1]).transpose(0, 1).contiguous().requires_grad_()
            projected = functional.conv2d(hot, self.bank[chosen], dilation=step).transpose(0, 1).flatten(1)
            ordered = projected.sort(dim=1).values
            wanted = _resampled(self.targets[spacing][chosen], ordered.shape[1])
            error = ((ordered - wanted).square() / self._variance[spacing][chosen]).mean()
            (slope,) = torch.autograd.grad(error, hot)
        return Pull(error.item(), slope.transpose(0, 1) * labels.numel())

    def to(self, device: str) -> PatchProjections:
        """Return a twin on a device."""
        return PatchProjections(self.bank.to(device), {s: t.to(device) for s, t in self.targets.items()})


def _patches(stack: np.ndarray, turn: int, spacing: int, edge: int, rng: np.random.Generator) -> np.ndarray:
    """Return patches from random places of a turned stack: uint8 (patch, edge, edge)."""
    turned = np.rot90(stack, turn % 4, axes=(1, 2))
    turned = turned[..., ::-1] if turn >= 4 else turned
    planes, rows, columns = (n - e for n, e in zip(turned.shape, (0, *(spacing * (edge - 1),) * 2), strict=True))
    places = planes * rows * columns
    chosen = np.sort(rng.choice(places, min(PATCHES, places), replace=False))
    plane, row, column = (part[:, None, None] for part in np.unravel_index(chosen, (planes, rows, columns)))
    at = spacing * np.arange(edge)
    found: np.ndarray = turned[plane, row + at[:, None], column + at]
    return found


def _resampled(quantiles: torch.Tensor, count: int) -> torch.Tensor:
    """Return quantiles (rows, n) at ``count`` levels, (rank + ½) / count, linearly between those that are known."""
    known = quantiles.shape[1]
    place = ((torch.arange(count, device=quantiles.device) + 0.5) * (known / count) - 0.5).clamp(0, known - 1)
    below = place.floor().long().clamp(max=known - 2)
    return torch.lerp(quantiles[:, below], quantiles[:, below + 1], (place - below).float())
