"""Options of this distribution's components; torch-free."""

from typing import Annotated

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


Spacing = Annotated[int, Field(ge=1, le=64)]


class DescriptorsOptions(Options):
    """Options of `descriptors`."""

    levels: int = Field(
        3,
        ge=1,
        le=6,
        description="Grids of the descent, each twice as fine as the one before; the last is the result's.",
    )
    steps: int = Field(100, ge=1, le=100_000, description="Steps on each grid. Time grows with it.")
    rate: float = Field(0.1, gt=0, le=10, description="How far a step goes.")
    spacings: tuple[Spacing, ...] = Field(
        (1, 2, 4, 8),
        min_length=1,
        description="Distances between the pixels of a pattern whose histograms are matched, in pixels of the image.",
    )
    radius: int = Field(
        24, ge=1, le=512, description="How far the two-point functions are matched, in pixels of the image."
    )
    patch: int = Field(5, ge=2, le=16, description="Edge of the patches whose projections are matched, in pixels.")
    patch_spacings: tuple[Spacing, ...] = Field(
        (1, 2, 4), min_length=1, description="Distances between the pixels of a patch, in pixels of the image."
    )
    patterns: float = Field(1.0, ge=0, description="Weight of the pattern histograms.")
    two_point: float = Field(100.0, ge=0, description="Weight of the two-point functions.")
    patches: float = Field(1.0, ge=0, description="Weight of the patches' projections.")
    shares: float = Field(60.0, ge=0, description="Weight of the phases' shares.")
    scan: float = Field(3.0, ge=0, description="Weight of the scan.")
    margin: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share by which the scan's phase is to lead in each scan voxel, so that instruments that weigh its "
        "middle more see it too.",
    )
    degradation: Part = Field(
        Part(name="blur-downsample"),
        description="The model of the scan's instrument, by which results are projected on the scan (--project).",
    )
