"""Matching the image's two-point probabilities: phase fractions, contacts and sizes of the finest features."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import torch

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse.training.sampling import plane_axes
from mesofuse.volumes.grid import Triple
from mesofuse_adversarial.options import TwoPointOptions


class TwoPoint:
    """Relative error of two-point probabilities at short distances.

    With P_ij(r) the probability, after sharpening, that a voxel is of phase i and the one displaced from it by r of
    phase j, and e = (P_ij(r) − T_ij(r)) / max(T_ij(r), floor), the term is weight · (√(1 + e²) − 1): quadratic in small
    errors, linear in large ones; a mean over phases i and j, a sum over the lags, averaged over the directions: the
    axes, and with ``diagonals`` as much again for the diagonals of the planes that images show. T is the value of the
    step's image crops of planes that hold r. At lag 1 it asks for the image's volume fractions and interphase surface
    areas, which a critic alone finds only slowly; the diagonals tell slanted streaks from round grains, which along the
    axes alone look alike. Descriptor matching of this kind: Seibert, Raßloff, Kalina, Ambati & Kästner (2022).
    """

    def __init__(self, options: TwoPointOptions, problem: Problem) -> None:
        self._options = options

    def critic_term(self, step: CriticStep) -> None:
        """Return None: critics have no part in this."""
        return None

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return the term, a scalar; None where the step has no image crops."""
        if not step.real:
            return None
        made_of = sharpened(step.probabilities, self._options.sharpness)
        made, target, shares = [], [], []
        for directions in (axes_of(step.real), diagonals_of(step.real) if self._options.diagonals else []):
            for direction, lag in itertools.product(directions, self._options.lags):
                shift = tuple(lag * d for d in direction)
                if any(abs(d) >= n for d, n in zip(shift, made_of.shape[2:], strict=True)):
                    continue
                sections = [
                    pair_probabilities(crops, shift[:axis] + shift[axis + 1 :])
                    for axis, crops in step.real.items()
                    if not direction[axis]
                ]
                target.append(torch.stack(sections).mean(0))
                made.append(pair_probabilities(made_of, shift))
                shares.append(1 / len(directions))
        wanted, found = step.share.average(torch.stack(target)), step.share.average(torch.stack(made))
        error = (found - wanted) / wanted.clamp(min=self._options.floor)
        terms = ((1 + error.square()).sqrt() - 1).mean((1, 2))
        return self._options.weight * (terms * terms.new_tensor(shares)).sum()


def axes_of(normals: Iterable[int]) -> list[Triple]:
    """Return the directions of the axes that lie in any plane normal to these axes."""
    axes = sorted(plane_axes(list(normals)))
    return [(int(axis == 0), int(axis == 1), int(axis == 2)) for axis in axes]


def diagonals_of(normals: Iterable[int]) -> list[Triple]:
    """Return both diagonals of each plane normal to one of these axes."""
    pairs = {0: ((0, 1, 1), (0, 1, -1)), 1: ((1, 0, 1), (1, 0, -1)), 2: ((1, 1, 0), (1, -1, 0))}
    return [diagonal for normal in normals for diagonal in pairs[normal]]


def sharpened(probabilities: torch.Tensor, power: float) -> torch.Tensor:
    """Return p^power / Σ p^power over the phases: closer to the labels that will be kept, and still differentiable."""
    if power == 1:
        return probabilities
    raised = probabilities.clamp(min=1e-6).pow(power)
    return raised / raised.sum(1, keepdim=True)


def pair_probabilities(values: torch.Tensor, shift: Sequence[int]) -> torch.Tensor:
    """Return P_ij of voxels that lie a displacement apart, made symmetric in i and j.

    Args:
        values: Phase probabilities (batch, phases, *space).
        shift: Voxels from the first point to the second along each axis of space, of either sign.

    Returns:
        (phases, phases), summing to 1.
    """
    first, second = values, values
    for dim, lag in enumerate(shift, 2):
        length = values.shape[dim] - abs(lag)
        first, second = first.narrow(dim, max(0, -lag), length), second.narrow(dim, max(0, lag), length)
    first, second = first.transpose(0, 1).flatten(1), second.transpose(0, 1).flatten(1)
    joint = first @ second.T / first.shape[1]
    return (joint + joint.T) / 2
