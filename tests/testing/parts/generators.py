"""A small sound generator, and one for each fault."""

import numpy as np
import torch
from torch import nn

from mesofuse.interfaces.noise import NoiseSpec


class Good(nn.Module):
    def __init__(self, options, problem):
        super().__init__()
        self.scale = problem.scale
        self.halo = (1, 1, 1)
        self.noise = (NoiseSpec("input", 1), NoiseSpec("fine", 1, problem.scale))
        self.activation_bytes = 1000
        self.phases = len(problem.phases)
        self.enter = nn.Conv3d(len(problem.low_phases) + 1, options.width, 3, padding=1)
        self.norm = nn.BatchNorm3d(options.width)
        self.leave = nn.Conv3d(options.width + 1, self.phases, 1)

    def forward(self, field, noise, region, core=None):
        x = self.norm(self.enter(torch.cat([field, noise[0]], 1)))
        fine = region.scaled(self.scale)
        for axis in range(3):
            start, stop, scale = region.start[axis], region.stop[axis], self.scale[axis]
            edges = [int(i * scale + 1e-6) for i in range(start, stop + 1)]
            repeats = torch.tensor(np.diff(edges))
            x = x.repeat_interleave(repeats, axis + 2)
        x = torch.softmax(self.leave(torch.cat([x, noise[1]], 1)), 1)
        return x if core is None else x[(..., *core.scaled(self.scale).within(fine))]


class Broken(Good):
    """Its call is that of the good one with something done to it; whatever is done, is done before the cut."""

    def forward(self, field, noise, region, core=None):
        x = self.spoil(super().forward(field, noise, region), field, noise)
        return x if core is None else x[(..., *core.scaled(self.scale).within(region.scaled(self.scale)))]


class NonInteger(Good):
    test_scales = (1.6, (2, 1, 2.5))


class SmallHalo(Good):
    def __init__(self, options, problem):
        super().__init__(options, problem)
        self.halo = (1, 0, 1)


class LargeHalo(Good):
    def __init__(self, options, problem):
        super().__init__(options, problem)
        self.halo = (1, 3, 1)


class Global(Broken):
    def spoil(self, x, field, noise):
        return torch.softmax(x + x.mean((2, 3, 4), keepdim=True), 1)


class Random(Broken):
    def spoil(self, x, field, noise):
        return torch.softmax(x + 0.1 * torch.rand_like(x), 1)


class Unseeded(Good):
    def __init__(self, options, problem):
        super().__init__(options, problem)
        with torch.no_grad():
            self.leave.bias.add_(torch.tensor(np.random.default_rng().standard_normal(), dtype=torch.float32))


class InPlaceField(Broken):
    def spoil(self, x, field, noise):
        field.mul_(0.5)
        return x


class InPlaceNoise(Broken):
    def spoil(self, x, field, noise):
        noise[1].add_(1)
        return x


class ExtraPhase(Good):
    def __init__(self, options, problem):
        super().__init__(options, problem)
        self.leave = nn.Conv3d(options.width + 1, self.phases + 1, 1)


class NotNormed(Broken):
    def spoil(self, x, field, noise):
        return x * 0.9


class Double(Broken):
    def spoil(self, x, field, noise):
        return x.double()


class Hidden(Good):
    def __init__(self, options, problem):
        super().__init__(options, problem)
        self.kernel = torch.ones(3)


class Unpicklable(Good):
    def __init__(self, options, problem):
        super().__init__(options, problem)
        self.act = lambda x: x


class DeadWeight(Good):
    def __init__(self, options, problem):
        super().__init__(options, problem)
        self.unused = nn.Parameter(torch.ones(1))


class WrongCore(Good):
    def forward(self, field, noise, region, core=None):
        x = super().forward(field, noise, region, core)
        return x if core is None else x.flip(2)


class NoMemory(Good):
    def __init__(self, options, problem):
        super().__init__(options, problem)
        self.activation_bytes = 0


class NoScan(nn.Module):
    """Takes no scan: noise alone, on a grid of its own, with a voxel more on every side of the core."""

    conditional = False
    scale = (2.0, 2.0, 2.0)
    halo = (1, 1, 1)

    def __init__(self, options, problem):
        super().__init__()
        self.noise = (NoiseSpec("input", 2),)
        self.activation_bytes = 1000
        self.conv = nn.Conv3d(2, len(problem.phases), 3)

    def forward(self, field, noise, region, core=None):
        assert field.shape[1] == 0
        core = core or region.grown((-1, -1, -1))
        x = self.conv(noise[0][(..., *core.grown(self.halo).within(region))])
        return torch.softmax(nn.functional.interpolate(x, scale_factor=2), 1)


class NoScanPadded(NoScan):
    """Sees where its window ends."""

    def forward(self, field, noise, region, core=None):
        core = core or region.grown((-1, -1, -1))
        x = nn.functional.conv3d(noise[0], self.conv.weight, self.conv.bias, padding=1)
        x = nn.functional.avg_pool3d(x, 3, 1, 1)
        x = x[(..., *core.within(region))]
        return torch.softmax(nn.functional.interpolate(x, scale_factor=2), 1)


class NoScanUneven(NoScan):
    scale = (1.5, 2.0, 2.0)
