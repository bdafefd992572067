"""The plainest critic and degradation, for checking losses and metrics that need one."""

from __future__ import annotations

import torch

from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Triple


class PlainCritic(torch.nn.Module):
    """One convolution and a mean."""

    crop = 8

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.weight = torch.nn.Parameter(torch.randn((4, problem.channels, 3, 3), generator=rng))

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """Return one score per slice."""
        return torch.nn.functional.conv2d(slices, self.weight).square().mean((1, 2, 3))


class PlainDegradation(torch.nn.Module):
    """The mean over each scan voxel, for integer scale factors."""

    halo: Triple = (0, 0, 0)

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem

    def forward(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Return the share of each scan phase."""
        z, y, x = (int(s) for s in self.problem.scale)
        means = torch.nn.functional.avg_pool3d(probabilities, (z, y, x))
        return torch.stack([means[:, list(values)].sum(1) for values in self.problem.match.shows], 1)
