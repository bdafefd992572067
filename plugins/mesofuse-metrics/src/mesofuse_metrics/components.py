"""Connected components of all phases at once, and those that cross the volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesofuse_metrics.options import Connectivity


@dataclass(frozen=True)
class Components:
    """The connected components of a volume.

    Attributes:
        ids: For each voxel the number of its component, from 1.
        sizes: Voxels of each component; entry 0 is empty.
        phase: Phase of each component; entry 0 means nothing.
    """

    ids: np.ndarray
    sizes: np.ndarray
    phase: np.ndarray

    def crossing(self, axis: int) -> np.ndarray:
        """Return for each component whether it touches both ends of the volume along an axis."""
        first, last = (np.take(self.ids, end, axis) for end in (0, -1))
        marks = np.zeros((2, len(self.sizes)), bool)
        marks[0, first], marks[1, last] = True, True
        both: np.ndarray = np.logical_and(marks[0], marks[1])
        return both


def components(labels: np.ndarray, connectivity: Connectivity = 6) -> Components:
    """Return the components of all phases (uint8 labels 0 to 254)."""
    ids, count = component_ids(labels, connectivity)
    sizes = np.zeros(count + 1, np.int64)
    phase = np.zeros(count + 1, np.uint8)
    for layer, values in zip(ids, labels, strict=True):
        sizes += np.bincount(layer.ravel(), minlength=count + 1)
        phase[layer] = values
    return Components(ids, sizes, phase)


def component_ids(labels: np.ndarray, connectivity: Connectivity = 6) -> tuple[np.ndarray, int]:
    """Return for each voxel the number of its component, from 1, and how many components there are."""
    import cc3d

    ids, count = cc3d.connected_components(labels + np.uint8(1), connectivity=connectivity, return_N=True)
    return ids, int(count)
