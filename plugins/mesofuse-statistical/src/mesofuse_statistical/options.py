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


class PhaseRetrievalOptions(Options):
    """Options of `phase-retrieval`."""

    radius: int = Field(
        12,
        ge=1,
        le=64,
        description="Displacements up to this length, in voxels of the image, at which two-point statistics are met; "
        "less in small images. Time and memory grow with it.",
    )
    projections: int = Field(
        30, ge=0, le=10_000, description="Rounds in which spectra, fractions and scan are imposed on all voxels."
    )
    exchanges: int = Field(
        600,
        ge=0,
        le=100_000,
        description="Rounds after those, in which the voxels that lessen the error most exchange their phases.",
    )
    tolerance: float = Field(
        1e-3,
        gt=0,
        le=1,
        description="Largest error of the two-point statistics at which the search ends; a half at 2 voxels, a quarter "
        "at 1, as those make the surface.",
    )
    blur: float = Field(
        0.5, ge=0, le=8, description="Standard deviation, in voxels, of the blur of what is imposed on the spectra."
    )
    degradation: Part | None = Field(
        Part(name="blur-downsample"),
        description="The model of the scan's instrument, by which each scan voxel weights what lies in it, and by "
        "which results are projected on the scan (--project); null: plain means.",
    )
