"""Options of this distribution's components; torch-free."""

from typing import Annotated

from pydantic import Field, model_validator

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


class AnnealingOptions(Options):
    """Options of `annealing`."""

    radius: int = Field(
        32,
        ge=1,
        le=128,
        description="The largest distance at which pairs of voxels are compared with the image, and the longest "
        "segment, in voxels: well above the size of the features. Time and memory grow with it.",
    )
    spacings: tuple[Annotated[int, Field(ge=1, le=16)], ...] = Field(
        (1, 2, 4),
        min_length=1,
        max_length=4,
        description="Distances between neighbouring pixels of patterns, in voxels.",
    )
    pairs: float = Field(
        1.0, ge=0, le=1000, description="Weight of two-point correlations, of phases with themselves and each other."
    )
    paths: float = Field(1.0, ge=0, le=1000, description="Weight of lineal paths: segments that lie in one phase.")
    patterns: float = Field(4.0, ge=0, le=1000, description="Weight of the histogram of patterns in planes.")
    sweeps: float = Field(
        20.0, ge=0, le=10_000, description="Swaps that are tried, as a multiple of the voxels, on each lattice."
    )
    acceptance: float = Field(
        0.1,
        ge=0,
        le=0.9,
        description="Share of swaps to the worse that are accepted at the highest temperature; 0 only improves.",
    )
    tolerance: float = Field(
        1e-5,
        ge=0,
        lt=1,
        description="Annealing ends early where no part of the energy is more than this share of what it was at the "
        "start.",
    )
    levels: int = Field(
        3,
        ge=1,
        le=6,
        description="Lattices on which it is annealed one after the other: of every 2^(levels − 1)-th voxel first, of "
        "all voxels last.",
    )
    degradation: Part = Field(
        Part(name="blur-downsample"),
        description="The model of the scan's instrument. Where it is a weighted mean over each scan voxel's own voxels "
        "alone, what it shows is kept while annealing; else they all count alike, and --project does the rest.",
    )

    @model_validator(mode="after")
    def _weighs(self) -> "AnnealingOptions":
        if self.pairs == self.paths == self.patterns == 0:
            raise ValueError("the weights of pairs, paths and patterns are all 0: give at least one of them a weight")
        return self


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
