"""The generators of SliceGAN (Kench & Cooper 2021): from noise on a coarse grid to phases, with no scan."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.interfaces.problem import Problem
from mesofuse.training.generator_model import canonical_edge
from mesofuse.volumes.grid import Region, Scale, Triple
from mesofuse_slicegan.options import GeneratorOptions
from mesofuse_slicegan.voxel_values import voxel_values

ONE: Triple = (1, 1, 1)


class TransposedGenerator(nn.Module):
    """Transposed convolutions (kernel 4, stride 2) with BatchNorm and ReLU; a softmax over the phases at the end.

    For grey values and colours there is ½ (tanh + 1) in its place.

    Padding 2, as published, keeps exactly the voxels that all of the kernel reaches: n voxels become 2 n − 2, and the
    last layer's padding 3 drops a voxel more on each side. So L latent voxels along an axis make 32 (L − 2) voxels with
    four widths: 4³ of them make 64³, and each owns 32³ voxels, for which it needs one latent voxel more on every side.
    Nothing is ever padded: any part of a volume is computed as in the whole.

    With three phases and 32 latent channels it has 40,117,568 parameters. (The published program lists 6 more, of a
    normalisation after the last layer that it never runs.)

    Args:
        options: Channels.
        problem: The phases.
    """

    conditional = False
    test_options = {"latent": 3, "widths": [6, 4, 3]}  # noqa: RUF012

    def __init__(self, options: GeneratorOptions, problem: Problem) -> None:
        super().__init__()
        self.content = problem.content
        widths = options.widths
        self.scale: Scale = (2.0 ** (len(widths) + 1),) * 3
        self.halo: Triple = ONE
        self.noise = (NoiseSpec("input", options.latent),)
        inputs = [options.latent, *widths]
        self.convs = nn.ModuleList(
            nn.ConvTranspose3d(a, b, 4, 2, 2, bias=False) for a, b in zip(inputs[:-1], widths, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm3d(w) for w in widths)
        self.last = self.last_layer(inputs[-1], problem.channels)
        edge = canonical_edge(self.scale[0])
        share = (edge / (edge + 2)) ** 3  # of a tile's window that is its core
        held = max(5 * widths[-1] + self.finest(widths[-1], problem.channels), 3 * max(widths) / 8 ** len(widths))
        self.activation_bytes = int(4 * share * 8 ** len(widths) * held)

    def last_layer(self, inputs: int, phases: int) -> nn.Module:
        """Return the layer that makes the phases."""
        return nn.ConvTranspose3d(inputs, phases, 4, 2, 3, bias=False)

    def finest(self, inputs: int, phases: int) -> int:
        """Return the values that the last layer holds for each voxel of the grid before it."""
        return 8 * 4 * phases

    def finish(self, values: torch.Tensor) -> torch.Tensor:
        """Apply the last layer to the core's voxels and one more on every side."""
        made: torch.Tensor = self.last(values)
        return made

    def forward(
        self, field: torch.Tensor, noise: Sequence[torch.Tensor], region: Region, core: Region | None = None
    ) -> torch.Tensor:
        """See `mesofuse.interfaces.generator.Generator`; without a core, all that the region's noise determines."""
        core = core or region.grown((-1, -1, -1))
        x = noise[0][(..., *core.grown(ONE).within(region))]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = functional.relu_(norm(conv(x)))  # fills the core and one voxel more on every side, on the doubled grid
        return voxel_values(self.finish(x), self.content)


class ResizeGenerator(TransposedGenerator):
    """As `slicegan`, its last layer a trilinear resampling by 2 and a 3³ convolution, which leaves no checkerboard.

    The published program stretches m voxels to 2 (m − 1): by 1.94 at 64³, by more in larger volumes, so that no two
    sizes agree. Here it is always 2, to which the published factor tends, and the outermost voxels, which lack a
    neighbour, are cut: the count is the published one, 64³ from 4³, and any part is computed as in the whole.

    With three phases and 32 latent channels it has 40,114,019 parameters. (The published program lists 6,150 more, of
    a transposed convolution and a normalisation that it never runs.)

    Args:
        options: Channels.
        problem: The phases.
    """

    def last_layer(self, inputs: int, phases: int) -> nn.Module:
        """Return the convolution after the resampling."""
        return nn.Conv3d(inputs, phases, 3)

    def finest(self, inputs: int, phases: int) -> int:
        """Return the values that the last layer holds for each voxel of the grid before it."""
        return 8 * (2 * inputs + 2 * phases)

    def finish(self, values: torch.Tensor) -> torch.Tensor:
        """Resample, cut the voxels that lack a neighbour, convolve."""
        fine = functional.interpolate(values, scale_factor=2, mode="trilinear", align_corners=False)
        made: torch.Tensor = self.last(fine[..., 1:-1, 1:-1, 1:-1])
        return made
