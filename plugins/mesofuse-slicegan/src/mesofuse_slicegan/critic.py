"""The critic of SliceGAN (Kench & Cooper 2021)."""

from __future__ import annotations

import torch
from torch import nn

from mesofuse.interfaces.problem import Problem
from mesofuse_slicegan.options import CriticOptions


class SliceCritic(nn.Module):
    """Five 4×4 stride-2 convolutions from 64² to a number, ReLU between, no normalisation and no bias.

    With three phases and 64 channels it has the published 2,763,776 parameters.

    Args:
        options: Channels.
        problem: The phases.
    """

    crop = 64

    def __init__(self, options: CriticOptions, problem: Problem) -> None:
        super().__init__()
        c = options.channels
        widths = [problem.channels, c, 2 * c, 4 * c, 8 * c, 1]
        self.convs = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 4, 2, padding, bias=False) for i, padding in enumerate((1, 1, 1, 1, 0))
        )

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """See `mesofuse.interfaces.critic.Critic`."""
        *body, last = self.convs
        for conv in body:
            slices = nn.functional.relu(conv(slices))
        scores: torch.Tensor = last(slices)
        return scores.reshape(len(slices))
