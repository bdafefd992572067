"""Connected components of all phases at once, and those that cross the volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mesofuse.volumes.phases import IGNORED
from mesofuse_metrics.options import Connectivity


@dataclass(frozen=True)
class Components:
    """The connected components of a volume.

    Attributes:
        ids: For each voxel the number of its component, from 1; 0 where ignored.
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
    sizes[0] = phase[0] = 0  # ignored voxels
    return Components(ids, sizes, phase)


def component_ids(labels: np.ndarray, connectivity: Connectivity = 6) -> tuple[np.ndarray, int]:
    """Return for each voxel the number of its component, from 1 (0 where ignored), and how many there are."""
    import cc3d

    ids, count = cc3d.connected_components(labels + np.uint8(1), connectivity=connectivity, return_N=True)
    return ids, int(count)


def boxed(labels: np.ndarray, masked: bool) -> np.ndarray:
    """Return the smallest box that holds all voxels that are not ignored; its sides are the material's ends."""
    if not masked:
        return labels
    known = labels != IGNORED
    spans = []
    for axis in range(3):
        layers = np.flatnonzero(known.any(axis=tuple(a for a in range(3) if a != axis)))
        spans.append(slice(int(layers[0]), int(layers[-1]) + 1))
    return labels[tuple(spans)]
