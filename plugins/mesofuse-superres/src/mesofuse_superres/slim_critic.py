"""A small critic for the slim generator."""

from __future__ import annotations

import torch
from torch import nn

from mesofuse.interfaces.problem import Problem
from mesofuse_superres.options import SlimCriticOptions


class SlimCritic(nn.Module):
    """Three 4×4 stride-2 convolutions, then one over all that is left; LeakyReLU, no normalisation.

    Args:
        options: Channels and crop.
        problem: The phases.
    """

    def __init__(self, options: SlimCriticOptions, problem: Problem) -> None:
        super().__init__()
        c = options.channels
        self.crop = options.crop
        self.body = nn.Sequential(
            nn.Conv2d(len(problem.phases), c, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(c, 2 * c, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * c, 4 * c, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * c, 1, options.crop // 8),
        )

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """See `mesofuse.interfaces.critic.Critic`."""
        scores: torch.Tensor = self.body(slices)
        return scores.reshape(len(slices))
