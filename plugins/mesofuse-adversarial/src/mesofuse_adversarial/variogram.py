"""Matching the mean, the spread and the variogram of grey values and colours."""

from __future__ import annotations

import torch

from mesofuse.interfaces.loss import CriticStep, GeneratorStep
from mesofuse.interfaces.problem import Problem
from mesofuse.training.sampling import plane_axes
from mesofuse_adversarial.options import VariogramOptions


class Variogram:
    """What `two-point` is for phases: errors of second-order statistics at short distances.

    With γ(r) half the mean squared difference of voxels r apart along an axis (the variance minus the autocovariance),
    T its value in the step's image crops of planes that hold the axis, and e = ln (γ(r) / T), floor added to both, the
    term is weight · (√(1 + e²) − 1), a sum over the lags, a mean over channels and directions; the same once of the
    variance, and of the mean's error over the image's standard deviation. The logarithm makes half a value as wrong as
    twice: relative errors would be reduced by making everything one grey.
    """

    def __init__(self, options: VariogramOptions, problem: Problem) -> None:
        self._options = options

    def critic_term(self, step: CriticStep) -> None:
        """Return None: critics have no part in this."""
        return None

    def generator_term(self, step: GeneratorStep) -> torch.Tensor | None:
        """Return the term, a scalar; None where the step has no image crops."""
        if not step.real:
            return None
        floor, made_of = self._options.floor, step.probabilities
        directions = sorted(plane_axes(list(step.real)))
        made, target = [moments(made_of)], [torch.stack([moments(crops) for crops in step.real.values()]).mean(0)]
        for direction in directions:
            planes = {axis: crops for axis, crops in step.real.items() if axis != direction}
            for lag in self._options.lags:
                if lag >= made_of.shape[2 + direction]:
                    continue
                sections = [
                    # In a plane normal to an axis, the lower of the other two runs along its rows.
                    half_squares(crops, 2 + (direction > min(a for a in range(3) if a != axis)), lag)
                    for axis, crops in planes.items()
                ]
                target.append(torch.stack(sections).mean(0)[None])
                made.append(half_squares(made_of, 2 + direction, lag)[None])
        found, wanted = step.share.average(torch.cat(made)), step.share.average(torch.cat(target))
        variance, spread = (v[1] - v[0].square() + floor for v in (found, wanted))
        once = [(found[0] - wanted[0]) / spread.sqrt(), (variance / spread).log()]
        curves = ((found[2:] + floor) / (wanted[2:] + floor)).log()
        return self._options.weight * (rounded(torch.stack(once)).sum() + rounded(curves).sum() / len(directions))


def rounded(errors: torch.Tensor) -> torch.Tensor:
    """Return √(1 + e²) − 1, quadratic in small errors and linear in large ones, averaged over the last axis."""
    return ((1 + errors.square()).sqrt() - 1).mean(-1)


def moments(values: torch.Tensor) -> torch.Tensor:
    """Return mean and mean square of each channel of (batch, channels, *space): (2, channels)."""
    flat = values.transpose(0, 1).flatten(1)
    return torch.stack([flat.mean(1), flat.square().mean(1)])


def half_squares(values: torch.Tensor, dim: int, lag: int) -> torch.Tensor:
    """Return half the mean squared difference of voxels ``lag`` apart along a dimension, of each channel."""
    length = values.shape[dim] - lag
    off = values.narrow(dim, lag, length) - values.narrow(dim, 0, length)
    return 0.5 * off.square().transpose(0, 1).flatten(1).mean(1)
