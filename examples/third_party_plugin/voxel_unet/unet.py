"""A 3D U-Net whose pooling cells lie on absolute coordinates, so that a tile is a part of the whole.

A U-Net that pools from the first voxel it is given makes another volume for each way to cut it: cells begin at odd
voxels in one tile and at even ones in the next. Here cells of 2^depth voxels are counted from voxel 0 of the scan,
wherever the window begins; a window that cuts a cell is filled up by repeating its outermost voxels. At the volume's
ends that is what happens to the whole too; at a window's other sides it is further from the tile than the halo.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from mesofuse.errors import UserError
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.volumes.grid import Region, Scale, Triple
from voxel_unet.settings import UNetSettings


def block(cin: int, cout: int) -> nn.Sequential:
    """Return a 3³ convolution, BatchNorm and SiLU."""
    return nn.Sequential(nn.Conv3d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm3d(cout), nn.SiLU())


def reach(depth: int) -> int:
    """Return how many scan voxels away an output voxel looks, wherever it lies in its pooling cell."""
    furthest = 0
    for voxel in range(2**depth):
        low = high = voxel
        low, high = low - 1, high + 1  # the head, whose fine voxels may look into the next scan voxel
        for _ in range(depth):  # decoder blocks, each before it the cells of the coarser level
            low, high = (low - 1) // 2, (high + 1) // 2
        low, high = low - 1, high + 1  # the bottom
        for _ in range(depth):  # all voxels of those cells, and the encoder's block at that level
            low, high = 2 * low - 1, 2 * high + 2
        furthest = max(furthest, voxel - low, high - voxel)
    return furthest


class UNet3d(nn.Module):
    """Encoder and decoder with skip connections on the scan's grid, then a voxel shuffle to the fine grid."""

    test_scales = (2, 4, (3, 1, 2))
    test_options = {"depth": 1}  # noqa: RUF012  # the kit takes seconds then; our own tests go deeper

    def __init__(self, settings: UNetSettings, problem: Problem) -> None:
        super().__init__()
        if not all(float(s).is_integer() for s in problem.scale):
            raise UserError(f"The generator 'unet' takes whole scale factors, not {problem.scale}.")
        sz, sy, sx = (int(s) for s in problem.scale)
        self.factors = (sz, sy, sx)
        self.scale: Scale = problem.scale
        self.cell = 2**settings.depth
        h = reach(settings.depth)
        self.halo: Triple = (h, h, h)
        self.noise = (NoiseSpec("latent", settings.latent), NoiseSpec("grain", settings.grain, problem.scale))
        widths = [settings.width * 2**i for i in range(settings.depth + 1)]
        ins = [len(problem.low_phases) + settings.latent, *widths]
        self.down = nn.ModuleList(block(ins[i], widths[i]) for i in range(settings.depth))
        self.bottom = block(ins[settings.depth], widths[-1])
        self.up = nn.ModuleList(block(widths[i + 1] + widths[i], widths[i]) for i in reversed(range(settings.depth)))
        self.expand = nn.Conv3d(widths[0], settings.head * sz * sy * sx, 1)
        self.head = nn.Conv3d(settings.head + settings.grain, len(problem.phases), 3, padding=1)
        fine = sz * sy * sx * (3 * settings.head + settings.grain + 2 * len(problem.phases))
        self.activation_bytes = 4 * (fine + 8 * settings.width)

    def forward(
        self, field: torch.Tensor, noise: Sequence[torch.Tensor], region: Region, core: Region | None = None
    ) -> torch.Tensor:
        """See `mesofuse.interfaces.generator.Generator`."""
        latent, grain = noise
        x, begin = self.fill_cells(torch.cat([field, latent], 1), region)
        skips = []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
            x = F.avg_pool3d(x, 2)
        x = self.bottom(x)
        for layer in self.up:
            x = layer(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), skips.pop()], 1))
        z, y, x_ = (slice(b, b + n) for b, n in zip(begin, region.shape, strict=True))
        x = self.shuffle(self.expand(x[:, :, z, y, x_]))
        p: torch.Tensor = self.head(torch.cat([F.silu(x), grain], 1)).softmax(1)
        if core is None:
            return p
        return p[(..., *core.scaled(self.scale).within(region.scaled(self.scale)))]

    def fill_cells(self, x: torch.Tensor, region: Region) -> tuple[torch.Tensor, list[int]]:
        """Repeat the outermost voxels until whole cells are filled; returns the result and where the region begins."""
        before = [a % self.cell for a in region.start]
        after = [-b % self.cell for b in region.stop]
        pads = [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair]
        return F.pad(x, pads, mode="replicate"), before

    def shuffle(self, x: torch.Tensor) -> torch.Tensor:
        """Spread channels over the fine voxels of each scan voxel."""
        n, _, z, y, w = x.shape
        sz, sy, sx = self.factors
        x = x.reshape(n, -1, sz, sy, sx, z, y, w).permute(0, 1, 5, 2, 6, 3, 7, 4)
        return x.reshape(n, -1, z * sz, y * sy, w * sx)
