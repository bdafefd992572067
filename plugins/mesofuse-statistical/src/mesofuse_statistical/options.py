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
