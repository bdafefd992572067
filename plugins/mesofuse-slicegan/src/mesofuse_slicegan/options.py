"""Options of the SliceGAN components; imports no torch."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from mesofuse.interfaces.options import Options
from mesofuse.training.recipe import (
    AdversarialOptions,
    BatchOptions,
    OptimizerOptions,
    Part,
    SelectionOptions,
    pattern_training,
)

ALL_CONTENTS: dict[str, dict[str, Any]] = {"phases": {}, "grey": {}, "colour": {}}
Width = Annotated[int, Field(ge=1, le=4096)]


class GeneratorOptions(Options):
    """Options of both generators; the defaults are the published ones."""

    contents: ClassVar[dict[str, dict[str, Any]]] = ALL_CONTENTS

    latent: int = Field(32, ge=1, le=1024, description="Channels of the noise that a volume is made from.")
    widths: tuple[Width, ...] = Field(
        (1024, 512, 128, 32),
        min_length=1,
        max_length=6,
        description="Channels of the layers before the last. Every layer, the last too, doubles the resolution: with "
        "four widths a latent voxel becomes 32³ voxels.",
    )


class SlimGeneratorOptions(Options):
    """Options of the slim generator."""

    contents: ClassVar[dict[str, dict[str, Any]]] = ALL_CONTENTS

    latent: int = Field(16, ge=1, le=1024, description="Channels of the noise that a volume is made from.")
    widths: tuple[Width, ...] = Field(
        (64, 32, 16),
        min_length=1,
        max_length=6,
        description="Channels of the stages before the last. Every stage, the last too, doubles the resolution.",
    )
    noise: int = Field(1, ge=0, le=16, description="Fresh noise channels at every stage.")


class CriticOptions(Options):
    """Options of the critic."""

    contents: ClassVar[dict[str, dict[str, Any]]] = ALL_CONTENTS

    channels: int = Field(64, ge=4, le=256, description="Channels of the first layer; doubled at each of the next.")


_SELECTION = {"metrics": ("volume-fraction", "surface-area")}
_INTENSITIES: dict[str, Any] = {
    "losses": [{"name": "wasserstein-gp"}, {"name": "variogram"}],
    "selection": {"metrics": []},
}
_PATCHES: dict[str, Any] = {
    "losses": [{"name": "patch-distribution", "scales": [1, 2, 4, 8]}, {"name": "variogram"}],
    "selection": {"metrics": []},
}


class SliceGANOptions(AdversarialOptions):
    """The SliceGAN recipe: a 3D generator from noise alone, 2D critics."""

    generator: Part = Field(Part(name="slicegan-slim"), description="The generator.")
    critic: Part | None = Field(
        Part.model_validate({"name": "slicegan", "channels": 16}), description="The critics' architecture."
    )
    losses: tuple[Part, ...] = Field(
        # No scan says where things are: longer distances and diagonals keep grains apart and round.
        (
            Part(name="wasserstein-gp"),
            Part.model_validate({"name": "two-point", "lags": [1, 2, 4, 8, 16], "diagonals": True}),
        ),
        description="Terms of the objectives.",
    )
    critic_steps: int = Field(1, ge=1, description="Updates of the critics before each update of the generator.")
    batch: BatchOptions = Field(BatchOptions(volumes=2, context=0, slices=4), description="What one step sees.")
    optimizer: OptimizerOptions = Field(OptimizerOptions(rate=2e-3, critic_rate=1e-3), description="How fast to learn.")
    selection: SelectionOptions = Field(
        SelectionOptions.model_validate(_SELECTION), description="How the best model is found."
    )
    training_volume: bool = Field(
        False,
        description="The image stack is a volume: its planes normal to z, y and x train a critic each, instead of all "
        "standing for every direction.",
    )

    contents: ClassVar[dict[str, dict[str, Any]]] = {"phases": {}, "grey": _INTENSITIES, "colour": _INTENSITIES}
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "slim": {},
        "patterns": {
            **pattern_training(_SELECTION),
            # Without a scan nothing else says how large grains are and that nothing streaks: up to 16 voxels apart.
            "losses": [{"name": "patterns", "weight": 100.0, "spacings": [1, 2, 4, 8, 16]}],
            "batch": {"volumes": 1, "patch": 64},
            "contents": {"grey": _PATCHES, "colour": _PATCHES},
        },
        "paper": {
            "generator": {"name": "slicegan", "latent": 32, "widths": [1024, 512, 128, 32]},
            "critic": {"name": "slicegan", "channels": 64},
            "losses": [{"name": "wasserstein-gp"}],
            "critic_steps": 5,
            "batch": BatchOptions(volumes=8, context=0, slices=None, real=8).model_dump(),
            "optimizer": OptimizerOptions(
                rate=1e-4, critic_rate=None, betas=(0.9, 0.99), final=1.0, averaging=None
            ).model_dump(),
            "steps": 72000,
        },
    }
