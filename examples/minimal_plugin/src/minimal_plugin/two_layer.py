"""A generator of two convolutions: about the least that fulfils the interface."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale, Triple, scaled_edge
from minimal_plugin.options import TwoLayerOptions


class TwoLayer(nn.Module):
    """A convolution on the scan's grid, each voxel repeated, noise, a convolution on the fine grid, a softmax.

    Args:
        options: The channels.
        problem: Scale and phases; any scale factor of at least 1 on each axis.
    """

    # Each convolution reaches one voxel; the fine one may look into the neighbour, which has looked one further.
    halo: Triple = (2, 2, 2)
    test_scales = (2, 4, (1.6, 3, 1))

    def __init__(self, options: TwoLayerOptions, problem: Problem) -> None:
        super().__init__()
        self.scale: Scale = problem.scale
        self.noise = (NoiseSpec("detail", 1, problem.scale),)
        self.coarse = nn.Conv3d(len(problem.low_phases), options.channels, 3, padding=1)
        self.fine = nn.Conv3d(options.channels + 1, len(problem.phases), 3, padding=1)
        z, y, x = problem.scale
        self.activation_bytes = int(4 * z * y * x * (2 * options.channels + 1))

    def forward(
        self, field: torch.Tensor, noise: Sequence[torch.Tensor], region: Region, core: Region | None = None
    ) -> torch.Tensor:
        """Return phase probabilities: (batch, phases, *(core or region).scaled(scale).shape)."""
        x = torch.relu(self.coarse(field))
        for axis, scale in enumerate(self.scale):
            edges = [scaled_edge(i, scale) for i in range(region.start[axis], region.stop[axis] + 1)]
            counts = torch.tensor(edges, device=x.device).diff()
            x = x.repeat_interleave(counts, dim=axis + 2)
        made = self.fine(torch.cat([x, noise[0]], dim=1)).softmax(1)
        wanted = (core or region).scaled(self.scale).within(region.scaled(self.scale))
        cut: torch.Tensor = made[(..., *wanted)]
        return cut
