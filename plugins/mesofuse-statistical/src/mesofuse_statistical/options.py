"""Options of this distribution's components; torch-free."""

from pydantic import Field

from mesofuse.interfaces.options import Options
from mesofuse.training.recipe import Part


class InterpolationOptions(Options):
    """`interpolation` has no options."""


class PlurigaussianOptions(Options):
    """Options of `plurigaussian`."""

    radius: int = Field(
        12,
        ge=1,
        le=64,
        description="How far the fields' kernels reach, in voxels of the image: about the size of the features that "
        "the scan does not show. Time and memory grow with it.",
    )
    degradation: Part = Field(
        Part(name="blur-downsample"),
        description="The model of the scan's instrument, by which results are projected on the scan (--project).",
    )
