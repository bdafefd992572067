"""A small generator without a scan that trains on a CPU in minutes: resize-convolutions, fresh noise at every stage."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.training.generator_model import canonical_edge
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse_slicegan.options import SlimGeneratorOptions
from mesofuse_slicegan.voxel_values import voxel_values

NOISE_GAIN = 3.0
"""A stage begins with noise about as strong as the smooth features, whose 27 neighbouring values add up in step."""

STEEPNESS = 8.0
"""Divides what becomes grey values and colours: a few of Adam's steps else drive the tanh to an end, where no gradient
leads back."""


class SlimGenerator(nn.Module):
    """Stages of trilinear resampling by 2, fresh noise, and a 3³ convolution with BatchNorm and ReLU.

    Transposed convolutions begin with a checkerboard that takes long to unlearn, and noise at the coarse grid alone is
    slow to make fine detail; here no voxel differs from its neighbour by its place, and every stage has noise of its
    own. Nothing is ever padded: any part of a volume is computed as in the whole.

    Args:
        options: Channels.
        problem: The phases.
    """

    conditional = False
    test_options = {"latent": 3, "widths": [5, 4]}  # noqa: RUF012

    def __init__(self, options: SlimGeneratorOptions, problem: Problem) -> None:
        super().__init__()
        self.content = problem.content
        widths, extra = options.widths, options.noise
        stages = len(widths) + 1
        self.grids: list[Scale] = [(2.0**i,) * 3 for i in range(stages + 1)]
        self.scale: Scale = self.grids[-1]
        fresh = [NoiseSpec(f"stage{i}", extra, self.grids[i]) for i in range(1, stages + 1) if extra]
        self.noise = (NoiseSpec("input", options.latent), *fresh)
        inputs = [options.latent, *widths]
        self.convs = nn.ModuleList(
            nn.Conv3d(a + extra, b, 3, bias=False) for a, b in zip(inputs[:-1], widths, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm3d(w) for w in widths)
        self.last = nn.Conv3d(inputs[-1] + extra, problem.channels, 3)
        with torch.no_grad():
            for conv in [*self.convs, self.last] if extra else []:
                conv.weight[:, -extra:] *= NOISE_GAIN
        # A convolution needs a voxel more, resampling by 2 loses one: margins of the grids' values around the core.
        self.margins = [0]
        for _ in range(stages):
            self.margins.insert(0, (self.margins[0] + 3) // 2)
        self.halo: Triple = (self.margins[0],) * 3
        edge = canonical_edge(self.scale[0])
        share = (edge / (edge + 2 * self.margins[0])) ** 3  # of a tile's window that is its core
        self.activation_bytes = int(4 * share * 8**stages * (2 * (inputs[-1] + extra) + 3 * problem.channels))

    def forward(
        self, field: torch.Tensor, noise: Sequence[torch.Tensor], region: Region, core: Region | None = None
    ) -> torch.Tensor:
        """See `mesofuse.interfaces.generator.Generator`; without a core, all that the region's noise determines."""
        core = core or region.grown(tuple(-h for h in self.halo))
        x = noise[0][(..., *core.grown(self.halo).within(region))]
        for i, conv in enumerate([*self.convs, self.last]):
            x = functional.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
            grid, wider = self.grids[i + 1], self.margins[i + 1] + 1
            cut = 2 * self.margins[i] - wider
            x = x[..., cut:-cut, cut:-cut, cut:-cut]
            if len(noise) > 1:
                where = core.scaled(grid).grown((wider,) * 3).within(region.scaled(grid))
                x = torch.cat([x, noise[i + 1][(..., *where)]], dim=1)
            x = conv(x)
            if i < len(self.norms):
                x = functional.relu_(self.norms[i](x))
        return voxel_values(x if self.content == "phases" else x / STEEPNESS, self.content)
