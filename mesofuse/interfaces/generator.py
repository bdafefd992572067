"""Interface of a generator: a torch module from a conditioning field and noise to phase probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.volumes.grid import Region, Scale, Triple

if TYPE_CHECKING:
    import torch


class Generator(Protocol):
    """A fully convolutional 3D generator; subclass ``torch.nn.Module`` and supply these.

    It is built as ``Class(options, problem)``. It never draws random numbers: it lists what it wants in ``noise``.

    A generator that takes no scan (``problem.low_phases`` is empty) says so by ``conditional = False``
    on its class. Its field has no channels; the input grid is one that it chooses by its ``scale``; its region is
    always the core with the halo on every side, also at a volume's end, where the noise goes on.

    Attributes:
        scale: Output voxels along one input voxel (z, y, x).
        halo: Input voxels beyond its own that a voxel of output depends on (z, y, x); measured by the conformance kit.
        noise: The noise fields it takes, in order.
        activation_bytes: Peak bytes of memory per input voxel of a window in inference, about: what the model's
            `mesofuse.interfaces.method.Model.tile_bytes` says. `mesofuse plan` measures a tile instead.
    """

    scale: Scale
    halo: Triple
    noise: tuple[NoiseSpec, ...]
    activation_bytes: int

    def __call__(
        self, field: torch.Tensor, noise: Sequence[torch.Tensor], region: Region, core: Region | None = None
    ) -> torch.Tensor:
        """Make phase probabilities.

        Args:
            field: Phases of the scan, one-hot: (batch, low phases, z, y, x), values 0 or 1.
            noise: One tensor a field of ``self.noise``: (batch, channels, *region.scaled(factor).shape).
            region: Where ``field`` lies in the scan; a generator of non-integer scale resamples by it.
            core: The part of the region whose output is wanted, all of it if None. A generator may compute everything
                and cut, or (faster) compute in each layer only what the core needs.

        Returns:
            Probabilities that sum to 1 over axis 1: (batch, phases, *(core or region).scaled(scale).shape); of a
            problem of grey values or colours, values from 0 to 1: (batch, ``problem.channels``, …).
        """
        ...
