"""A critic that looks at slices at several resolutions."""

from __future__ import annotations

import torch
from torch import nn

from mesofuse.interfaces.problem import Problem
from mesofuse_superres.options import MultiScaleCriticOptions, SlimCriticOptions
from mesofuse_superres.slim_critic import SlimCritic


class MultiScaleCritic(nn.Module):
    """The mean score of slim critics on the slice, on its means over 2², over 4², and so on.

    A coarse critic judges arrangement over distances that the fine one's kernels reach only in its last layers (Wang et
    al. 2018, arXiv 1711.11585).

    Args:
        options: Channels, crop, levels and normalisation.
        problem: The phases.
    """

    def __init__(self, options: MultiScaleCriticOptions, problem: Problem) -> None:
        super().__init__()
        self.crop = options.crop
        self.levels = nn.ModuleList(
            SlimCritic(
                SlimCriticOptions(
                    channels=options.channels, crop=options.crop // 2**level, spectral_norm=options.spectral_norm
                ),
                problem,
            )
            for level in range(options.levels)
        )

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """See `mesofuse.interfaces.critic.Critic`."""
        scores = []
        for level, critic in enumerate(self.levels):
            scores.append(critic(nn.functional.avg_pool2d(slices, 2**level) if level else slices))
        return torch.stack(scores).mean(0)
