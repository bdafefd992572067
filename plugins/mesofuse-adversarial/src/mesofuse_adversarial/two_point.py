"""Matching the image's two-point probabilities: phase fractions, contacts and sizes of the finest features."""

from __future__ import annotations

import torch

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse_adversarial.options import TwoPointOptions


class TwoPoint:
    """Relative error of two-point probabilities at short distances.

    With P_ij(r) the probability, after sharpening, that a voxel is of phase i and the one r voxels further along an
    axis of phase j, and e = (P_ij(r) − T_ij(r)) / max(T_ij(r), floor), the term is weight · (√(1 + e²) − 1): quadratic
    in small errors, linear in large ones; a mean over phases i and j, a sum over the lags r, averaged over the
    directions. T is the value of the step's image crops of planes that hold the direction. At r = 1 it asks for the
    image's volume fractions and interphase surface areas, which a critic alone finds only slowly. Descriptor matching
    of this kind: Seibert, Raßloff, Kalina, Ambati & Kästner (2022).
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
        made, target = [], []
        for direction in range(3):
            for lag in self._options.lags:
                planes = {axis: crops for axis, crops in step.real.items() if axis != direction}
                if lag >= made_of.shape[2 + direction] or not planes:
                    continue
                sections = [
                    # In a plane normal to an axis, the lower of the other two runs along its rows.
                    pair_probabilities(crops, 2 + (direction > min(a for a in range(3) if a != axis)), lag)
                    for axis, crops in planes.items()
                ]
                target.append(torch.stack(sections).mean(0))
                made.append(pair_probabilities(made_of, 2 + direction, lag))
        wanted, found = step.share.average(torch.stack(target)), step.share.average(torch.stack(made))
        error = (found - wanted) / wanted.clamp(min=self._options.floor)
        directions = len({d for axis in step.real for d in range(3) if d != axis})
        return self._options.weight * ((1 + error.square()).sqrt() - 1).mean((1, 2)).sum() / directions


def sharpened(probabilities: torch.Tensor, power: float) -> torch.Tensor:
    """Return p^power / Σ p^power over the phases: closer to the labels that will be kept, and still differentiable."""
    if power == 1:
        return probabilities
    raised = probabilities.clamp(min=1e-6).pow(power)
    return raised / raised.sum(1, keepdim=True)


def pair_probabilities(values: torch.Tensor, dim: int, lag: int) -> torch.Tensor:
    """Return P_ij(lag) along a dimension, made symmetric in i and j.

    Args:
        values: Phase probabilities (batch, phases, *space).
        dim: Dimension of ``values`` to go along.
        lag: Voxels between the two points, at least 0.

    Returns:
        (phases, phases), summing to 1.
    """
    length = values.shape[dim] - lag
    first = values.narrow(dim, 0, length).transpose(0, 1).flatten(1)
    second = values.narrow(dim, lag, length).transpose(0, 1).flatten(1)
    joint = first @ second.T / first.shape[1]
    return (joint + joint.T) / 2
