"""The critic of SuperRes as published (Dahari et al. 2023)."""

from __future__ import annotations

import torch
from torch import nn

from mesofuse.interfaces.problem import Problem
from mesofuse_superres.options import PaperCriticOptions


class PaperCritic(nn.Module):
    """Strided 2D convolutions without normalisation, ReLU between, one number at the end.

    With three phases it has 1,851,330 parameters; as in the published program these include the early head, which
    scores smaller crops (option ``small``) and is unused otherwise.

    Args:
        options: Width, and which crop it is made for.
        problem: The phases.
    """

    def __init__(self, options: PaperCriticOptions, problem: Problem) -> None:
        super().__init__()
        wide = 2**options.width
        self.crop = 120 if options.larger else 32 if options.small else 56
        self.small = options.small
        layers = [nn.Conv2d(len(problem.phases), wide // 8, 4, 2, 1), nn.ReLU()]
        if options.larger:
            layers += [nn.Conv2d(wide // 8, wide // 8, 4, 2, 1), nn.ReLU()]
        layers += [nn.Conv2d(wide // 8, wide // 4, 4, 2, 1), nn.ReLU()]
        layers += [nn.Conv2d(wide // 4, wide // 2, 3 if options.larger else 4, 2, 1), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.deep = nn.Sequential(
            nn.Conv2d(wide // 2, wide, 4 if options.larger else 3, 2, 1), nn.ReLU(), nn.Conv2d(wide, 1, 4, 2, 0)
        )
        self.early = nn.Conv2d(wide // 2, 1, 4, 2, 0)
        (self.deep if options.small else self.early).requires_grad_(False)

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """See `mesofuse.interfaces.critic.Critic`."""
        head = self.early if self.small else self.deep
        scores: torch.Tensor = head(self.body(slices))
        return scores.mean(dim=(1, 2, 3))
