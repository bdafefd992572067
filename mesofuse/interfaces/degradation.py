"""Interface of a degradation: what the low-resolution instrument would show of a high-resolution volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mesofuse.volumes.grid import Region, Triple

if TYPE_CHECKING:
    import torch


class Degradation(Protocol):
    """A differentiable model of the scan; subclass ``torch.nn.Module``. Built as ``Class(options, problem)``.

    Attributes:
        halo: Low-resolution voxels beyond its own whose high-resolution voxels a result depends on (z, y, x).
    """

    halo: Triple

    def __call__(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Degrade high-resolution phase probabilities.

        Args:
            probabilities: (batch, phases, *region.scaled(scale).shape).
            region: The low-resolution voxels that they fill, in the low-resolution volume's coordinates.

        Returns:
            How strongly each low-resolution phase shows, (batch, low phases, *region.shape); the phase seen is the
            argmax. Values within ``halo`` of a region's side that is not the volume's end are approximate.
        """
        ...
