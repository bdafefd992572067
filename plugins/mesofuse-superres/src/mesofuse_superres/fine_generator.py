"""A small generator that works longest on the finest grid, where texture is decided, on few channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse_superres import windows
from mesofuse_superres.options import FineGeneratorOptions
from mesofuse_superres.reach import Step, measure_halo
from mesofuse_superres.slim_generator import NOISE_GAIN, UNIT, Layer, Skip, stage_grids


class FineGenerator(nn.Module):
    """Two convolutions on the scan's grid, one on each grid between, ``depth`` on the finest.

    A 1³ convolution narrows the features before the last up-sampling, so that the finest grid, which holds nearly all
    voxels, stays cheap; fresh noise joins them after each. Any scale factor of at least 1 on each axis. With the option
    ``skip`` it begins with the scan's own phases (see `mesofuse_superres.slim_generator.Skip`).

    Args:
        options: Channels, noise and depth.
        problem: Scale and phases.
    """

    test_options: ClassVar[dict[str, float]] = {"channels": 8, "middle": 6, "narrow": 4, "last": 4, "skip": 2.0}
    test_scales = (2, 4, 1.6, (2, 8, 1))

    def __init__(self, options: FineGeneratorOptions, problem: Problem) -> None:
        super().__init__()
        self.scale: Scale = problem.scale
        self.grids = [UNIT, *stage_grids(problem.scale)]
        stages = len(self.grids) - 1
        extra = [1, *[options.noise] * (stages - 1), *[options.fine_noise] * (stages > 0)]
        names = ["input", *(f"stage{i}" for i in range(1, stages + 1))]
        self.noise = tuple(NoiseSpec(n, k, g) for n, k, g in zip(names, extra, self.grids, strict=True) if k)
        layers: list[nn.Module] = []
        self.steps: list[tuple[str, int]] = []  # what the layer of this place does, and the grid that it ends on
        width = len(problem.low_phases) + extra[0]

        def add(kind: str, grid: int, layer: nn.Module) -> None:
            layers.append(layer)
            self.steps.append((kind, grid))

        for _ in range(2):
            add("conv", 0, Layer(width, options.channels))
            width = options.channels
        for stage in range(1, stages + 1):
            finest = stage == stages
            add("resize", stage, nn.Conv3d(width, options.narrow, 1, bias=False) if finest else nn.Identity())
            width = (options.narrow if finest else width) + extra[stage]
            for i in range(options.depth if finest else 1):
                out = max(4, round(options.last * 0.75**i)) if finest else options.middle
                layer = Layer(width, out)
                if i == 0 and extra[stage]:
                    with torch.no_grad():
                        layer.conv.weight[:, -extra[stage] :] *= NOISE_GAIN
                add("conv", stage, layer)
                width = out
        self.layers = nn.ModuleList(layers)
        self.leave = nn.Conv3d(width, len(problem.phases), 3)
        self.skip = Skip(problem)
        self.gain = nn.Parameter(torch.tensor(options.skip)) if options.skip else None
        chain: list[Step] = []
        for kind, grid in self.steps:
            chain.append("conv" if kind == "conv" else ("resize", self.grids[grid - 1], self.grids[grid]))
        self.halo: Triple = measure_halo([*chain, "conv"], self.scale)
        z, y, x = self.scale
        self.activation_bytes = int(4 * 3 * z * y * x * (options.narrow + options.fine_noise + options.last))

    def forward(
        self, field: torch.Tensor, noise: Sequence[torch.Tensor], region: Region, core: Region | None = None
    ) -> torch.Tensor:
        """See `mesofuse.interfaces.generator.Generator`."""
        given = [region.scaled(g) for g in self.grids]
        fields = {spec.factor: values for spec, values in zip(self.noise, noise, strict=True)}
        # From the output inwards: wants[i] is what step i reads, wants[i + 1] what it fills.
        output = (core or region).scaled(self.scale)
        wants = [windows.clip(windows.conv_needs(output), given[-1])]
        for kind, grid in reversed(self.steps):
            if kind == "conv":
                needed = windows.clip(windows.conv_needs(wants[-1]), given[grid])
            else:
                needed = windows.upsample_needs(wants[-1], self.grids[grid - 1], self.grids[grid])
                needed = windows.clip(needed, given[grid - 1])
            wants.append(needed)
        wants.reverse()
        x = windows.cut(torch.cat([field, *([fields[UNIT]] if UNIT in fields else [])], 1), region, wants[0])
        for i, ((kind, grid), layer) in enumerate(zip(self.steps, self.layers, strict=True)):
            if kind == "conv":
                x = layer(x, wants[i], wants[i + 1])
                continue
            x = windows.upsample(layer(x), wants[i], wants[i + 1], self.grids[grid - 1], self.grids[grid])
            if self.grids[grid] in fields:
                x = torch.cat([x, windows.cut(fields[self.grids[grid]], given[grid], wants[i + 1])], 1)
        logits = windows.conv(self.leave, x, wants[-1], output)
        if self.gain is not None:
            logits = logits + self.gain * self.skip(field, region, output)
        return torch.softmax(logits, dim=1)
