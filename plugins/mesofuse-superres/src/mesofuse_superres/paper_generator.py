"""The generator of SuperRes as published (Dahari et al. 2023), with its noise handed in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, cast

import torch
from torch import nn

from mesofuse.errors import UserError
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse_superres import windows
from mesofuse_superres.options import PaperGeneratorOptions
from mesofuse_superres.reach import Step, measure_halo, strides

Stage = tuple[Literal["resize", "transposed"], Scale, Scale]
"""An up-sampling stage: trilinear with a convolution or a transposed convolution; the grids before and after it."""

WIDEST = 10
"""log2 of the most channels that a scale factor above 8 can ask for; the published rule goes up to 2^11."""


def stages_of(scale: Scale) -> list[Stage]:
    """Return the up-sampling stages: ×2 by resizing while more than 4 is left, ×2 transposed, then what is left.

    An axis of a smaller factor joins in where the network of that factor alone would begin, so each axis is up-sampled
    just as published for its own factor.
    """
    stages: list[Stage] = []
    grid: Scale = (1.0, 1.0, 1.0)
    for after in range(sum(max(scale) > limit for limit in (2, 4, 8)), 0, -1):
        finer: Scale = tuple(2 * g if s > 2**after else g for g, s in zip(grid, scale, strict=True))  # type: ignore[assignment]
        stages.append(("transposed" if after == 1 else "resize", grid, finer))
        grid = finer
    return [*stages, ("resize", grid, scale)]


class PaperGenerator(nn.Module):
    """Residual block on the scan's grid, then up-sampling by the scale factor with halving width.

    At scale 4, two scan phases and three phases it has 5,886,083 parameters. At one scale factor from above
    1 to 8 for all axes it is the published network. Factors from 1 to 16, each axis its own, continue its rule: one
    more ×2 stage of resizing above 8, and no up-sampling in a stage along an axis whose factor asks for fewer stages.

    Args:
        options: Width and number of residual blocks.
        problem: Scale and phases.

    Raises:
        UserError: If a scale factor is above 16.
    """

    test_options: ClassVar[dict[str, int]] = {"width": 3}
    test_scales = (2, 4, 1.6, (2, 8, 1))

    def __init__(self, options: PaperGeneratorOptions, problem: Problem) -> None:
        super().__init__()
        self.scale: Scale = problem.scale
        if max(problem.scale) > 16:
            given = ", ".join(f"{v:g}" for v in problem.scale)
            raise UserError(
                f"The published SuperRes generator works at scale factors from 1 to 16 along each axis, not {given}: "
                "use the preset slim."
            )
        self.stages = stages_of(problem.scale)
        count = len(self.stages)
        widest = max(WIDEST, options.width + min(count, 3) - 2)
        widths = [2 ** min(options.width + i - 2, widest) for i in range(count, -1, -1)]
        width = widths[0]
        self.noise = (NoiseSpec("input", 1),)
        self.enter, self.enter_norm = nn.Conv3d(len(problem.low_phases) + 1, width, 3), nn.BatchNorm3d(width)
        self.convs = nn.ModuleList(nn.Conv3d(width, width, 3) for _ in range(2 * options.blocks))
        self.norms = nn.ModuleList(nn.BatchNorm3d(width) for _ in range(2 * options.blocks))
        self.layers, self.stage_norms = nn.ModuleList(), nn.ModuleList()
        steps: list[Step] = ["conv"] * (1 + 2 * options.blocks)
        # The trunk holds its input, the block's and a layer's two; a stage what it reads (twice as wide), makes, norms.
        peak = 5 * width
        for stage, inputs, outputs in zip(self.stages, widths, widths[1:], strict=False):
            self.layers.append(_layer(stage, inputs, outputs))
            self.stage_norms.append(nn.BatchNorm3d(outputs))
            steps += [stage] if stage[0] == "transposed" else [stage, "conv"]
            peak = max(peak, int(math.prod(stage[2]) * outputs * 6))
        self.leave = nn.Conv3d(widths[-1], len(problem.phases), 3)
        self.halo: Triple = measure_halo([*steps, "conv"], self.scale)
        self.activation_bytes = 4 * peak

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
                fills.append(
                    windows.clip(windows.transposed_needs(fills[-1], strides(before, after)), region.scaled(before))
                )
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


def _layer(stage: Stage, inputs: int, outputs: int) -> nn.Module:
    kind, before, after = stage
    if kind == "resize":
        return nn.Conv3d(inputs, outputs, 3)
    by = strides(before, after)
    return nn.ConvTranspose3d(inputs, outputs, tuple(2 + s for s in by), by, 1)  # type: ignore[arg-type]
