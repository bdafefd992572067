"""Options of the SuperRes components; imports no torch."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from mesofuse.interfaces.options import Options
from mesofuse.training.recipe import (
    AdversarialOptions,
    BatchOptions,
    OptimizerOptions,
    Part,
    SelectionOptions,
    pattern_training,
)


class PaperGeneratorOptions(Options):
    """Options of the published generator."""

    width: int = Field(
        8, ge=3, le=10, description="log2 of the channels at scale 4; the widths at other scales follow it."
    )
    blocks: int = Field(1, ge=1, le=8, description="Residual blocks.")


class PaperCriticOptions(Options):
    """Options of the published critic."""

    width: int = Field(9, ge=4, le=11, description="log2 of the channels of the widest layer.")
    larger: bool = Field(False, description="Look at crops of 120² instead of 56² through one more layer.")
    small: bool = Field(
        False, description="Look at crops of 32², scored after the third layer (the published 'smaller cube')."
    )


class SlimGeneratorOptions(Options):
    """Options of the slim generator."""

    channels: int = Field(32, ge=4, le=256, description="Channels on the scan's grid.")
    last: int = Field(16, ge=4, le=256, description="Channels on the finest grid; those between follow geometrically.")
    noise: int = Field(1, ge=0, le=16, description="Fresh noise channels at the input and at every up-sampling stage.")
    skip: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Weight with which the scan's interpolated phases begin in the result; 0: not at all.",
    )


class FineGeneratorOptions(Options):
    """Options of the generator that works longest on the finest grid."""

    channels: int = Field(32, ge=4, le=256, description="Channels on the scan's grid.")
    middle: int = Field(24, ge=4, le=256, description="Channels on the grids between.")
    narrow: int = Field(12, ge=2, le=256, description="Channels that are up-sampled to the finest grid.")
    last: int = Field(16, ge=4, le=256, description="Channels of the first layer on the finest grid.")
    depth: int = Field(
        2, ge=1, le=8, description="Convolutions on the finest grid before the last; each has a quarter fewer channels."
    )
    noise: int = Field(2, ge=0, le=16, description="Fresh noise channels on the grids between.")
    fine_noise: int = Field(3, ge=0, le=16, description="Fresh noise channels on the finest grid.")
    skip: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Weight with which the scan's interpolated phases begin in the result; 0: not at all.",
    )


class SlimCriticOptions(Options):
    """Options of the slim critic."""

    channels: int = Field(32, ge=4, le=256, description="Channels of the first layer; doubled at each of the next two.")
    crop: int = Field(
        32, ge=16, le=128, description="Edge length of the slices that it looks at; a multiple of 8.", multiple_of=8
    )
    spectral_norm: bool = Field(
        False, description="Divide every convolution's weight by its largest singular value, for steadier training."
    )


class MultiScaleCriticOptions(Options):
    """Options of the critic that looks at several resolutions."""

    channels: int = Field(32, ge=4, le=256, description="Channels of the first layer of each level's slim critic.")
    crop: int = Field(
        64,
        ge=16,
        le=128,
        description="Edge length of the slices; a multiple of 8 at the coarsest level, where at least 16 is left.",
    )
    levels: int = Field(2, ge=1, le=4, description="Resolutions: the slice, its means over 2², over 4², over 8².")
    spectral_norm: bool = Field(
        False, description="Divide every convolution's weight by its largest singular value, for steadier training."
    )

    @model_validator(mode="after")
    def _crop_fits(self) -> MultiScaleCriticOptions:
        coarsest = 2 ** (self.levels - 1)
        if self.crop % (8 * coarsest) or self.crop // coarsest < 16:
            least = 16 * coarsest
            raise ValueError(
                f"crop is {self.crop}, but {self.levels} levels need a multiple of {8 * coarsest} from {least} to 128"
            )
        return self


_SELECTION = {"metrics": ("volume-fraction", "surface-area", "low-res-consistency")}


class SuperResOptions(AdversarialOptions):
    """The SuperRes recipe: a conditional 3D generator, 2D critics, a voxel-wise loss against the scan."""

    generator: Part = Field(Part(name="superres-slim"), description="The generator.")
    critic: Part | None = Field(
        Part(name="superres-slim"), description="The critics' architecture; null: none, the losses alone teach."
    )
    losses: tuple[Part, ...] = Field(
        (
            Part(name="wasserstein-gp"),
            Part.model_validate({"name": "voxelwise", "weight": 100.0}),
            Part(name="two-point"),
        ),
        description="Terms of the objectives.",
    )
    degradation: Part | None = Field(Part(name="blur-downsample"), description="The model of the scan's instrument.")
    selection: SelectionOptions = Field(
        SelectionOptions.model_validate(_SELECTION), description="How the best model is found."
    )

    default_preset: ClassVar[str | None] = "patterns"
    recipe: ClassVar[frozenset[str]] = frozenset({"generator", "critic", "losses", "batch", "optimizer", "selection"})
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "slim": {},
        "patterns": {
            **pattern_training(_SELECTION),
            "generator": {"name": "superres-fine"},
            "losses": [{"name": "patterns", "weight": 100.0}, {"name": "voxelwise", "weight": 100.0}],
            "batch": {"volumes": 2, "patch": 36},
        },
        "paper": {
            "generator": {"name": "superres"},
            "critic": {"name": "superres"},
            "losses": [{"name": "wasserstein-gp"}, {"name": "voxelwise"}],
            "shared_critic": False,
            "critic_steps": 5,
            "batch": BatchOptions(volumes=8, context=0, margin=4, slices=None, real=64).model_dump(),
            "optimizer": OptimizerOptions(rate=1e-4, final=1.0, averaging=None).model_dump(),
            "steps": 31200,
        },
    }
