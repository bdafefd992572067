"""Matching the image's histogram of label patterns: texture learned without a critic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from mesofuse.errors import UserError
from mesofuse.interfaces.loss import CriticStep, GeneratorStep, LossSetting
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.patterns import MAX_PHASES, Stencil, turned_counts
from mesofuse_adversarial.options import PatternsOptions

LEAST = 1e-4
"""Smallest probability that counts, so that no product of seven is a denormal number, which is slow."""
SCALE = 1e15
"""What both factors of the joint histogram are multiplied by, so that no product of thirteen is denormal either."""
RAREST = 1e-30
BLOCK = 2048
"""Positions whose products fit into a processor's cache together."""
MEMORY = 20
"""Steps over which the running mean of the histogram grows to its final length, about."""


class Patterns:
    """Jensen–Shannon divergence between the result's and the image's histograms of label patterns.

    For one direction of planes and one spacing, with p the phase probabilities at the pixels of a pattern, the expected
    share of every pattern is the mean over positions of the product of its pixels' probabilities. With A the outer
    product of the first pixels of each position and B that of the others, all of them are one matrix product,
    Aᵀ B / positions. The term is weight · Σ over spacings JS(R, T), with T the exact histogram of the whole image over
    the symmetries of its planes, and R a running mean of the result's: R ← (1 − w) R + w H,
    w = max(``memory``, 1 / (1 + step / 20)), with the gradient that JS has at R. Every spacing looks at one direction a
    step, in turn, at ``positions`` places on a lattice with a random offset.

    The histogram is that of labels drawn from the probabilities: a recipe should draw its labels, and sharpen the
    probabilities as the run goes on (``labels: {choice: drawn, power: 12, first_power: 2}``). Without sharpening the
    network hides: soft histograms match and labels do not. Before `prepare` the step's crops stand for the image.

    Sources: multiple-point histograms, Deutsch (1992); Boisvert, Pyrcz and Deutsch (2010); Jensen–Shannon distance of
    textures, Tan, Tahmasebi and Caers (2014).

    Args:
        options: Spacings, sharpening, sampling.
        problem: The phases.

    Raises:
        UserError: If there are too many phases for any stencil.
    """

    def __init__(self, options: PatternsOptions, problem: Problem) -> None:
        if len(problem.phases) > MAX_PHASES:
            raise UserError(
                f"The loss 'patterns' takes at most {MAX_PHASES} phases, but the image has {len(problem.phases)}; "
                "merge some of them."
            )
        self._options = options
        self.stencil = Stencil.of(len(problem.phases))
        # The two factors of the matrix product are about as large as each other.
        self._split = len(self.stencil.offsets) // 2
        self._targets: dict[tuple[int, int], torch.Tensor] = {}
        self._means: dict[tuple[int, int], torch.Tensor] = {}
        self._pending: tuple[int, dict[tuple[int, int], torch.Tensor]] = (-1, {})

    def prepare(self, setting: LossSetting) -> None:
        """Count the patterns of the whole images.

        Raises:
            UserError: If an image is smaller than a pattern of the widest spacing.
        """
        for axis, image in setting.images.items():
            for spacing in self._options.spacings:
                counts = turned_counts(image.array, self.stencil, spacing, setting.turns[axis])
                if not counts.any():
                    rows, columns = image.array.shape[1:]
                    needed = 1 + spacing * max(self.stencil.extent)
                    raise UserError(
                        f"The image has {rows} × {columns} pixels, but patterns at a spacing of {spacing} reach over "
                        f"{needed}; use a larger image, or leave that spacing out of the loss 'patterns'."
                    )
                shares = counts / counts.sum()
                self._targets[axis, spacing] = torch.as_tensor(shares, dtype=torch.float32).to(setting.device)

    def state(self) -> dict[str, torch.Tensor]:
        """Return the running means, by ``axis spacing``."""
        self._settle(-1)
        return {f"{axis} {spacing}": mean for (axis, spacing), mean in self._means.items()}

    def load_state(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state` returned."""
        self._pending = (-1, {})
        self._means = {}
        for key, mean in tensors.items():
            axis, spacing = key.split()
            self._means[int(axis), int(spacing)] = mean

    def critic_term(self, step: CriticStep) -> None:
        """Return None: critics have no part in this."""
        return None

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return the term, a scalar; None where no pattern fits into the volumes, or nothing shows the image."""
        self._settle(step.number)
        axes = [a for a in range(3) if (a, self._options.spacings[0]) in self._targets or a in step.real]
        volumes = _floored(step.probabilities)
        terms = []
        for turn, spacing in enumerate(self._options.spacings):
            if not axes:
                break
            axis = axes[(step.number + turn) % len(axes)]
            places = self._places(step, axis, spacing)
            if places is None:
                continue
            made = step.share.average(self._histogram(volumes, places))
            target = self._target(step, axis, spacing)
            terms.append(self._divergence((axis, spacing), made, target, step.number))
        return self._options.weight * torch.stack(terms).sum() if terms else None

    # -- pieces ---------------------------------------------------------------------------------------------------

    def _places(self, step: GeneratorStep, axis: int, spacing: int) -> list[tuple[slice, ...]] | None:
        """Return, for each pixel of the stencil, the voxels (z, y, x) that it takes; None where no pattern fits."""
        shape = list(step.probabilities.shape[2:])
        rows, columns = (a for a in range(3) if a != axis)
        extent = [0, 0, 0]
        extent[rows], extent[columns] = (spacing * e for e in self.stencil.extent)
        counts = [n - e for n, e in zip(shape, extent, strict=True)]
        if min(counts) < 1:
            return None
        total = len(step.probabilities) * math.prod(counts)
        pace = max(1, round((total / self._options.positions) ** (1 / 3)))
        rng = np.random.default_rng(0) if step.rng is None else step.rng
        start = [int(rng.integers(min(pace, n))) for n in counts]
        places = []
        for r, c in self.stencil.offsets:
            shift = [0, 0, 0]
            shift[rows], shift[columns] = r * spacing, c * spacing
            spans = zip(start, shift, counts, strict=True)
            places.append(tuple(slice(a + s, n + s, pace) for a, s, n in spans))
        return places

    def _histogram(self, volumes: torch.Tensor, places: Sequence[tuple[slice, ...]]) -> torch.Tensor:
        """Return the expected share of every pattern: (bins,), in the order of `mesofuse.volumes.patterns`."""
        joint: torch.Tensor = _Joint.apply(volumes, places, self._split)  # type: ignore[no-untyped-call]
        return joint.flatten().clamp(min=RAREST)

    def _target(self, step: GeneratorStep, axis: int, spacing: int) -> torch.Tensor:
        if (axis, spacing) in self._targets:
            return self._targets[axis, spacing]
        stack = step.real[axis].argmax(1).to(torch.uint8).cpu().numpy()
        counts = torch.as_tensor(turned_counts(stack, self.stencil, spacing, (0,)), dtype=torch.float32)
        return step.share.average((counts / counts.sum().clamp(min=1)).to(step.probabilities.device))

    def _divergence(self, key: tuple[int, int], made: torch.Tensor, target: torch.Tensor, number: int) -> torch.Tensor:
        """Return the divergence of the running mean, with the gradient that it has with respect to ``made``."""
        before = self._means.get(key)
        weight = 1.0 if before is None else max(self._options.memory, 1 / (1 + number / MEMORY))
        mean = made if before is None else (1 - weight) * before.to(made.device) + weight * made
        self._pending[1][key] = mean.detach()
        middle = ((mean + target) / 2).log()
        own = torch.xlogy(target, target).sum() - (target * middle).sum()
        value = ((mean * (mean.log() - middle)).sum() + own) / (2 * math.log(2))
        return value.detach() + (value - value.detach()) / weight

    def _settle(self, number: int) -> None:
        """Take over the means of an earlier step; the same step seen twice starts from the same means."""
        if self._pending[0] != number:
            self._means |= self._pending[1]
            self._pending = (number, {})


class _Joint(torch.autograd.Function):
    """Return the mean over positions of the outer product of the first pixels of a pattern and of its others.

    Block by block of positions, so that the products stay in the processor's cache; they are made again for the
    gradient rather than kept.
    """

    @staticmethod
    def forward(ctx: Any, volumes: torch.Tensor, places: Sequence[tuple[slice, ...]], split: int) -> torch.Tensor:
        """Return (n ^ split, n ^ others) from probabilities (phases, batch, z, y, x)."""
        pixels = [volumes[(slice(None), slice(None), *place)].flatten(1) for place in places]
        ctx.places, ctx.split, ctx.shape = places, split, volumes.shape
        ctx.save_for_backward(*pixels)
        count = pixels[0].shape[1]
        total: torch.Tensor | float = 0.0
        for block in _blocks(pixels):
            first, second = _products(block[:split]), _products(block[split:])
            total = total + (first * SCALE) @ (second * SCALE).T
        assert isinstance(total, torch.Tensor)
        return total / (SCALE * SCALE * count)

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Add up what each voxel gets from the patterns that it is in."""
        pixels, split = ctx.saved_tensors, ctx.split
        slope = slope / pixels[0].shape[1]
        found = []
        for block in _blocks(pixels):
            first, second = _products(block[:split]), _products(block[split:])
            found.append(_shared_out(slope @ second, block[:split]) + _shared_out(slope.T @ first, block[split:]))
        total = slope.new_zeros(ctx.shape)
        for place, parts in zip(ctx.places, zip(*found, strict=True), strict=True):
            part = total[(slice(None), slice(None), *place)]
            part += torch.cat(parts, 1).view(part.shape)
        return total, None, None


def _blocks(pixels: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    size = BLOCK if pixels[0].device.type == "cpu" else pixels[0].shape[1]
    return (list(block) for block in zip(*(torch.split(p, size, 1) for p in pixels), strict=True))


def _products(pixels: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the outer product of the pixels of each position: of (n, positions) each, (n ^ pixels, positions)."""
    product = pixels[0]
    for pixel in pixels[1:]:
        product = (product.unsqueeze(1) * pixel.unsqueeze(0)).flatten(0, 1)
    return product


def _shared_out(slope: torch.Tensor, pixels: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the gradients of the pixels, (n, positions) each, from that of their outer product."""
    if len(pixels) == 1:
        return [slope]
    half = len(pixels) // 2
    first, second = _products(pixels[:half]), _products(pixels[half:])
    slope = slope.view(len(first), len(second), -1)
    to_first, to_second = torch.zeros_like(first), torch.zeros_like(second)
    for i in range(len(second)):
        to_first.addcmul_(slope[:, i], second[i])
    for i in range(len(first)):
        to_second.addcmul_(slope[i], first[i])
    return _shared_out(to_first, pixels[:half]) + _shared_out(to_second, pixels[half:])


def _floored(probabilities: torch.Tensor) -> torch.Tensor:
    """Return probabilities of at least `LEAST`, with a sum of 1: (phases, batch, z, y, x) in this order of memory."""
    count = probabilities.shape[1]
    return (LEAST + (1 - count * LEAST) * probabilities.movedim(1, 0)).contiguous()
