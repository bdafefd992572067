"""A small generator that trains on a CPU in minutes: few channels, fresh noise at every up-sampling stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse_superres import windows
from mesofuse_superres.options import SlimGeneratorOptions
from mesofuse_superres.reach import Step, measure_halo

UNIT: Scale = (1.0, 1.0, 1.0)
NOISE_GAIN = 3.0
"""A stage begins with noise about as strong as the smooth features, whose 27 neighbouring values add up in step."""


def stage_grids(scale: Scale) -> list[Scale]:
    """Return the grids that up-sampling passes, each at most twice as fine as the one before; the last is ``scale``."""
    grids: list[Scale] = []
    grid = UNIT
    while grid != scale:
        grid = tuple(s if s <= 2 * g else 2 * g for g, s in zip(grid, scale, strict=True))  # type: ignore[assignment]
        grids.append(grid)
    return grids


class Layer(nn.Module):
    """A 3³ convolution, BatchNorm and ReLU that fill a window."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, bias=False)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, values: torch.Tensor, have: Region, want: Region) -> torch.Tensor:
        """Fill ``want`` from values that fill ``have``."""
        return nn.functional.relu_(self.norm(windows.conv(self.conv, values, have, want)))


class Skip:
    """The scan's phases, interpolated linearly, as logits of the phases that they show."""

    def __init__(self, problem: Problem) -> None:
        self.scale = problem.scale
        shows = problem.match.shows
        self.shown_by = [next((i for i, v in enumerate(shows) if p.value in v), None) for p in problem.phases]

    def __call__(self, field: torch.Tensor, region: Region, output: Region) -> torch.Tensor:
        """Return logits on ``output``, of the grid of the result; 0 for a phase that the scan does not show."""
        have = windows.clip(windows.upsample_needs(output, UNIT, self.scale), region)
        near = windows.upsample(windows.cut(field, region, have), have, output, UNIT, self.scale)
        nothing = torch.zeros_like(near[:, 0])
        return torch.stack([nothing if i is None else near[:, i] for i in self.shown_by], 1)


class SlimGenerator(nn.Module):
    """Two convolutions on the scan's grid, then stages of trilinear up-sampling and one convolution.

    Noise at the input alone can't make detail finer than a scan voxel quickly; a fresh noise channel at every
    stage can. Any scale factor ≥ 1 on each axis.

    With the option ``skip``, the scan's phases, interpolated linearly, are added to the logits of the phases that they
    show, times a number that begins at ``skip`` and is trained: the network begins with the scan rather than finding
    it, and can't begin with two phases exchanged.

    Args:
        options: Channels and noise.
        problem: Scale and phases.
    """

    test_options: ClassVar[dict[str, float]] = {"channels": 8, "last": 4, "skip": 2.0}
    test_scales = (2, 4, 1.6, (2, 8, 1))

    def __init__(self, options: SlimGeneratorOptions, problem: Problem) -> None:
        super().__init__()
        self.scale: Scale = problem.scale
        self.grids = [UNIT, *stage_grids(problem.scale)]
        count, extra = len(self.grids) - 1, options.noise
        names = ["input", *(f"stage{i}" for i in range(1, count + 1))]
        self.noise = tuple(NoiseSpec(n, extra, g) for n, g in zip(names, self.grids, strict=True)) if extra else ()
        # The first stage keeps the width; the later ones fall geometrically to the last.
        shrink = options.last / options.channels
        widths = [options.channels] + [
            round(options.channels * shrink ** (i / max(1, count - 1))) for i in range(count - 1)
        ]
        widths += [options.last] * (count > 0)
        self.enter = Layer(len(problem.low_phases) + extra, widths[0])
        self.trunk = Layer(widths[0], widths[0])
        stages = [Layer(widths[i] + extra, widths[i + 1]) for i in range(count)]
        self.leave = nn.Conv3d(widths[-1], len(problem.phases), 3)
        with torch.no_grad():
            for stage in stages if extra else ():
                stage.conv.weight[:, -extra:] *= NOISE_GAIN
        self.stages = nn.ModuleList(stages)
        self.skip = Skip(problem)
        self.gain = nn.Parameter(torch.tensor(options.skip)) if options.skip else None
        steps: list[Step] = ["conv", "conv"]
        for coarse, fine in zip(self.grids, self.grids[1:], strict=False):
            steps += [("resize", coarse, fine), "conv"]
        self.halo: Triple = measure_halo([*steps, "conv"], self.scale)
        self.activation_bytes = self._bytes(max(widths[-2:]) + extra)

    def _bytes(self, channels: int) -> int:
        fine = self.scale[0] * self.scale[1] * self.scale[2]
        return int(4 * 3 * fine * channels)

    def forward(
        self, field: torch.Tensor, noise: Sequence[torch.Tensor], region: Region, core: Region | None = None
    ) -> torch.Tensor:
        """See `mesofuse.interfaces.generator.Generator`."""
        given = [region.scaled(g) for g in self.grids]
        # From the output inwards: what each layer must fill. wants[i] is what stage i's convolution fills.
        wants = [windows.clip(windows.conv_needs((core or region).scaled(self.scale)), given[-1])]
        sources: list[Region] = []
        for coarse, fine, i in zip(
            self.grids[-2::-1], self.grids[:0:-1], range(len(self.grids) - 1, 0, -1), strict=True
        ):
            sources.append(windows.clip(windows.conv_needs(wants[-1]), given[i]))
            wants.append(windows.clip(windows.upsample_needs(sources[-1], coarse, fine), given[i - 1]))
        have = windows.clip(windows.conv_needs(wants[-1]), region)
        x = self.enter(torch.cat([field, *noise[:1]], dim=1), region, have)
        x = self.trunk(x, have, wants[-1])
        for i, stage in enumerate(self.stages):
            have, source, want = wants[-1 - i], sources[-1 - i], wants[-2 - i]
            x = windows.upsample(x, have, source, self.grids[i], self.grids[i + 1])
            if noise:
                x = torch.cat([x, windows.cut(noise[i + 1], given[i + 1], source)], dim=1)
            x = stage(x, source, want)
        output = (core or region).scaled(self.scale)
        logits = windows.conv(self.leave, x, wants[0], output)
        if self.gain is not None:
            logits = logits + self.gain * self.skip(field, region, output)
        return torch.softmax(logits, dim=1)
