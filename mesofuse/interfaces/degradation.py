"""Interface of a degradation: what the scan's instrument would show of a high-resolution volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.phases import IGNORED

if TYPE_CHECKING:
    import torch

    from mesofuse.interfaces.method import FusionInputs


TIE = 1e-4
"""Phases that show equally strongly to within this, by rounding, are both seen."""


class Degradation(Protocol):
    """A differentiable model of the scan; subclass ``torch.nn.Module``. Built as ``Class(options, problem)``.

    It may be a `SupportsShares`, and its class a `SupportsEstimate`, as well.

    Attributes:
        halo: Scan voxels beyond its own whose high-resolution voxels a result depends on (z, y, x).
    """

    halo: Triple

    def __call__(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Degrade image phase probabilities.

        Args:
            probabilities: (batch, phases, *region.scaled(scale).shape).
            region: The scan voxels that they fill, in the scan's coordinates.

        Returns:
            How strongly each scan phase shows, (batch, low phases, *region.shape); the phase seen is the
            argmax. Values within ``halo`` of a region's side that is not the volume's end are approximate.
        """
        ...


@runtime_checkable
class SupportsShares(Protocol):
    """A degradation that tells what a voxel sees before it chooses a phase; `mesofuse degrade` adds its noise there."""

    def shares(self, probabilities: torch.Tensor, region: Region) -> torch.Tensor:
        """Return how much of each scan phase a voxel sees; arguments and shape as of a call."""
        ...


@runtime_checkable
class SupportsEstimate(Protocol):
    """A degradation class whose options may be found from image and scan; adversarial methods do so before training."""

    @classmethod
    def estimate(cls, options: Any, inputs: FusionInputs, say: Callable[[str], None]) -> Any:
        """Return the options with numbers for what is to be estimated; ``say`` takes a sentence."""
        ...


def seen(degradation: Degradation) -> Callable[[torch.Tensor, Region], torch.Tensor]:
    """Return what gives the shares that a voxel sees, or the strengths of a degradation that does not tell shares."""
    return degradation.shares if isinstance(degradation, SupportsShares) else degradation


def degraded(degradation: Degradation, labels: np.ndarray, phases: int, region: Region) -> np.ndarray:
    """Return what the instrument would show of labels: float32 (low phases, *region.shape).

    Args:
        degradation: The model of the instrument.
        labels: uint8 labels of ``region.scaled(scale)``; an ignored voxel is of no phase, so that a voxel of the scan
            shows the phases in proportion to what is inside.
        phases: Number of image phases.
        region: The scan voxels that they fill.
    """
    import torch

    one_hot = labels[None] == np.arange(phases, dtype=np.uint8)[:, None, None, None]
    with torch.no_grad():
        shown: np.ndarray = degradation(torch.from_numpy(one_hot).float()[None], region)[0].numpy()
    return shown


def agrees(shown: np.ndarray, scan: np.ndarray, tie: float = TIE) -> np.ndarray:
    """Return whether the scan's phase shows most strongly in each voxel; an equally strong one counts.

    Nothing disagrees with an ignored voxel of the scan.

    Args:
        shown: What the degraded volume shows, (low phases, z, y, x).
        scan: uint8 labels (z, y, x) of the scan.
        tie: Difference of strength that counts as none.
    """
    ignored = scan == IGNORED
    phase = np.where(ignored, 0, scan).astype(np.intp)
    score = np.take_along_axis(shown, phase[None], axis=0)[0]
    right: np.ndarray = (score >= shown.max(axis=0) - tie) | ignored
    return right
