"""The generator of SuperRes as published (Dahari et al. 2023), with its noise handed in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from mesofuse.errors import UserError
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse_superres import windows
from mesofuse_superres.options import PaperGeneratorOptions
from mesofuse_superres.reach import Step, measure_halo


class PaperGenerator(nn.Module):
    """Residual block on the low-resolution grid, then up-sampling by the scale factor with halving width.

    At scale 4, two low-resolution phases and three phases it has 5,886,083 parameters. Scale factors from above 1 to
    8, the same on all axes, as published.

    Args:
        options: Width and number of residual blocks.
        problem: Scale and phases.

    Raises:
        UserError: The scale factor is not one that the published network can do.
    """

    def __init__(self, options: PaperGeneratorOptions, problem: Problem) -> None:
        super().__init__()
        self.scale: Scale = problem.scale
        s = problem.scale[0]
        if len(set(problem.scale)) != 1 or not 1 < s <= 8:
            given = ", ".join(f"{v:g}" for v in problem.scale)
            raise UserError(
                f"The published SuperRes generator works at one scale factor from above 1 to 8 for all axes, not "
                f"{given}: use the preset slim."
            )
        width = 2 ** (options.width + int(math.log2(s - 1e-4)) - 1)
        self.noise = (NoiseSpec("input", 1),)
        self.enter, self.enter_norm = nn.Conv3d(len(problem.low_phases) + 1, width, 3), nn.BatchNorm3d(width)
        self.convs = nn.ModuleList(nn.Conv3d(width, width, 3) for _ in range(2 * options.blocks))
        self.norms = nn.ModuleList(nn.BatchNorm3d(width) for _ in range(2 * options.blocks))
        steps: list[Step] = ["conv"] * (1 + 2 * options.blocks)
        # Up-sampling stages: (kind, grid before, grid after).
        self.stages: list[tuple[str, Scale, Scale]] = []
        self.layers, self.stage_norms = nn.ModuleList(), nn.ModuleList()
        grid = 1.0
        for kind, finer in self._plan(s):
            before, after = (grid,) * 3, (finer,) * 3
            self.stages.append((kind, before, after))
            layer = (
                nn.ConvTranspose3d(width, width // 2, 4, 2, 1)
                if kind == "transposed"
                else nn.Conv3d(width, width // 2, 3)
            )
            self.layers.append(layer)
            self.stage_norms.append(nn.BatchNorm3d(width // 2))
            steps += ["transposed"] if kind == "transposed" else [(before, after), "conv"]
            grid, width = finer, width // 2
        self.leave = nn.Conv3d(width, len(problem.phases), 3)
        self.halo: Triple = measure_halo([*steps, "conv"], self.scale)
        self.activation_bytes = int(4 * s**3 * width * 2 * 3)

    @staticmethod
    def _plan(s: float) -> list[tuple[str, float]]:
        plan, grid = [], 1.0
        if s > 4:
            grid *= 2
            plan.append(("resize", grid))
        if s > 2:
            grid *= 2
            plan.append(("transposed", grid))
        return [*plan, ("resize", s)]

    def forward(
        self, field: torch.Tensor, noise: Sequence[torch.Tensor], region: Region, core: Region | None = None
    ) -> torch.Tensor:
        """See `mesofuse.interfaces.generator.Generator`."""
        relu = nn.functional.relu
        convs = cast(list[nn.Conv3d], list(self.convs))
        output = (core or region).scaled(self.scale)
        # From the output inwards: (what the stage's layer reads, what it fills).
        fills = [windows.clip(windows.conv_needs(output), region.scaled(self.scale))]
        reads: list[Region] = []
        for kind, before, after in reversed(self.stages):
            if kind == "transposed":
                reads.append(fills[-1])
                fills.append(windows.clip(windows.transposed_needs(fills[-1]), region.scaled(before)))
            else:
                reads.append(windows.clip(windows.conv_needs(fills[-1]), region.scaled(after)))
                fills.append(windows.clip(windows.upsample_needs(reads[-1], before, after), region.scaled(before)))
        # The trunk works on what is left, voxel for voxel; a residual sum needs all its terms on the same window.
        trunk = [fills[-1]]
        for _ in self.convs:
            trunk.append(windows.clip(windows.conv_needs(trunk[-1]), region))
        have = trunk.pop()
        first = relu(self.enter_norm(windows.conv(self.enter, torch.cat([field, noise[0]], dim=1), region, have)))
        x = first
        for i in range(0, len(self.convs), 2):
            middle, want = trunk.pop(), trunk.pop()
            side = relu(self.norms[i](windows.conv(convs[i], x, have, middle)))
            side = self.norms[i + 1](windows.conv(convs[i + 1], side, middle, want))
            x = relu(windows.cut(x, have, want) + side)
            first, have = windows.cut(first, have, want), want
        x = first + x
        for i, (kind, before, after) in enumerate(self.stages):
            have, read, want = fills[-1 - i], reads[-1 - i], fills[-2 - i]
            if kind == "transposed":
                x = windows.transposed(self.layers[i], x, have, want)  # type: ignore[arg-type]
            else:
                x = windows.conv(self.layers[i], windows.upsample(x, have, read, before, after), read, want)  # type: ignore[arg-type]
            x = relu(self.stage_norms[i](x))
        return torch.softmax(windows.conv(self.leave, x, fills[0], output), dim=1)
