"""The SliceGAN method: the adversarial recipe without a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import FitRun, FusionInputs
from mesofuse.interfaces.problem import Problem
from mesofuse.training.generator_model import GeneratorModel
from mesofuse.training.method import AdversarialMethod
from mesofuse.training.published import Imported
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse_slicegan.options import SliceGANOptions
from mesofuse_slicegan.published import imported


class SliceGAN(AdversarialMethod):
    """Make a volume from a 2D image alone (Kench and Cooper 2021, Nature Machine Intelligence 3, 299–305).

    A 3D generator makes phases from noise; 2D critics compare its slices along each axis with the image (Wasserstein
    distance with gradient penalty). The image stands for all directions, or there is one for each.

    Args:
        options: The recipe.
    """

    conditional = False
    test_options: ClassVar = {
        "generator": {"name": "slicegan-slim", "latent": 4, "widths": [8, 6, 4]},
        "critic": {"name": "slicegan", "channels": 4},
    }

    def __init__(self, options: SliceGANOptions) -> None:
        super().__init__(options)
        self.training_volume = options.training_volume

    def fit(self, inputs: FusionInputs, run: FitRun) -> GeneratorModel:
        """Train; see `mesofuse.training.adversarial.AdversarialTrainer`.

        Raises:
            UserError: If there is a scan, or the training volume is not one.
        """
        if inputs.low_res is not None:
            raise UserError(
                "SliceGAN makes a volume from the image alone and takes no scan: leave it out, or use "
                "the method superres."
            )
        if self.training_volume:
            inputs = replace(inputs, images=planes_of(inputs))
        return super().fit(inputs, run)

    @classmethod
    def from_published(cls, tensors: Mapping[str, np.ndarray], problem: Problem) -> Imported:
        """Take the weights of the published program; see `mesofuse_slicegan.published.imported`."""
        return imported(tensors, problem)


def planes_of(inputs: FusionInputs) -> tuple[LabelArray, LabelArray, LabelArray]:
    """Return the planes of a volume normal to z, y and x, as three stacks; rows run along the lower axis of a plane.

    Raises:
        UserError: If there are several images, or a single one.
    """
    volume = inputs.images[0]
    if not inputs.isotropic or volume.grid.shape[0] < 2:
        raise UserError(
            "The option training_volume needs one --high-res file that holds a volume, not a single image or several."
        )

    def turned(order: tuple[int, int, int]) -> LabelArray:
        lead = volume.array.ndim - 3  # colours have an axis before
        array = volume.array.transpose(*range(lead), *(lead + axis for axis in order))
        z, y, x = (volume.grid.voxel_size[axis] for axis in order)
        a, b, c = (volume.grid.origin[axis] for axis in order)
        return LabelArray(array, Grid(array.shape[lead:], (z, y, x), volume.grid.unit, (a, b, c)), volume.phases)

    return volume, turned((1, 0, 2)), turned((2, 0, 1))
