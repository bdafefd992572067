"""A PatchGAN: each score is of a patch; a slice's score is the mean of its patches'."""

from __future__ import annotations

import torch
from torch import nn

from mesofuse.interfaces.problem import Problem
from voxel_unet.settings import PatchGANSettings


class PatchGAN(nn.Module):
    """Three 4² convolutions of stride 2, instance-normalised (never over the batch), and one that scores patches."""

    def __init__(self, settings: PatchGANSettings, problem: Problem) -> None:
        super().__init__()
        self.crop = settings.crop
        w = settings.width
        layers: list[nn.Module] = [nn.Conv2d(len(problem.phases), w, 4, 2, 1), nn.LeakyReLU(0.2)]
        for c in (w, 2 * w):
            layers += [nn.Conv2d(c, 2 * c, 4, 2, 1), nn.InstanceNorm2d(2 * c, affine=True), nn.LeakyReLU(0.2)]
        self.patches = nn.Sequential(*layers, nn.Conv2d(4 * w, 1, 3, padding=1))

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        """See `mesofuse.interfaces.critic.Critic`."""
        patches: torch.Tensor = self.patches(slices)
        return patches.mean((1, 2, 3))
