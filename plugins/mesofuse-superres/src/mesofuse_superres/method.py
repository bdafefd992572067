"""The SuperRes method: the adversarial recipe with a conditional generator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mesofuse.interfaces.problem import Problem
from mesofuse.training.method import AdversarialMethod
from mesofuse.training.published import Imported
from mesofuse_superres.published import imported


class SuperRes(AdversarialMethod):
    """Fuse a 2D image and a 3D volume (Dahari, Kench, Squires and Cooper 2023, arXiv 2110.11281).

    A 3D generator makes image phases from the low-resolution ones and noise; 2D critics compare its slices
    with the image (Wasserstein distance with gradient penalty); a voxel-wise loss compares its degraded volume with
    the scan.
    """

    @classmethod
    def from_published(cls, tensors: Mapping[str, np.ndarray], problem: Problem) -> Imported:
        """Take the weights of the published program; see `mesofuse_superres.published.imported`."""
        return imported(tensors, problem)
