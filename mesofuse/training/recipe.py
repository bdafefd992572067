"""Options of adversarial training: which parts, how batches are drawn, how long and how fast to learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mesofuse.interfaces.options import Options

Symmetry = Literal["rotate", "mirror", "none"]
"""How a crop's equally likely images are made: by the symmetries of the square, by those that keep its rows and
columns, or not at all."""


class Part(BaseModel):
    """A registered component and its options, as one flat mapping with ``name``."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(description="Name of the registered component.")

    @property
    def options(self) -> dict[str, Any]:
        """The options without the name."""
        return dict(self.model_extra or {})


class BatchOptions(Options):
    """What one step sees."""

    volumes: int = Field(2, ge=1, description="Generated volumes a step; with slab, for each axis.")
    window: int | None = Field(
        None,
        ge=1,
        description="Edge length of the low-resolution part that is filled; null: what the critics' slices need.",
    )
    slab: int | None = Field(
        None,
        ge=1,
        description="Thickness in scan voxels of volumes that are generated for each axis by itself, as wide "
        "as its slices need (neighbouring slices teach critics little, so thinner volumes show them more); null: "
        "volumes as thick as wide, whose slices along every axis are used.",
    )
    patch: int = Field(
        48,
        ge=8,
        le=1024,
        description="Edge length of the generated volumes in high-resolution voxels where no critic sets it; "
        "smaller where the scan or the image is.",
    )
    context: int = Field(
        2,
        ge=0,
        description="Scan voxels around a crop that the generator reads, but does not fill.",
    )
    margin: int = Field(
        0,
        ge=0,
        description="High-resolution voxels cut from every side of a generated volume before the critics see it.",
    )
    slices: int | None = Field(
        8, ge=1, description="Random slices of each generated volume an axis that a step uses; null takes all of them."
    )
    real: int | None = Field(
        None, ge=1, description="Image crops a critic step sees an axis; null: as many as fake slices."
    )


class OptimizerOptions(Options):
    """How fast to learn."""

    rate: float = Field(8e-4, gt=0, description="Adam learning rate of the generator.")
    critic_rate: float | None = Field(
        None, gt=0, description="Adam learning rate of the critics; null: the generator's."
    )
    betas: tuple[float, float] = Field((0.5, 0.999), description="Adam's decay rates of the first and second moments.")
    final: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Share of the learning rate that is left at the end of the budget; 1 keeps it constant.",
    )
    averaging: float | None = Field(
        0.99,
        ge=0,
        lt=1,
        description="Decay per step of the averaged generator weights that are kept; null keeps the last.",
    )


Choice = Literal["likeliest", "drawn"]


class LabelOptions(Options):
    """How a voxel's label follows from its phase probabilities."""

    choice: Choice = Field(
        "likeliest",
        description="likeliest: the phase of the largest probability. drawn: by a random number that belongs to the "
        "voxel's place, so that phases occur as often as their probabilities say.",
    )
    power: float = Field(
        1.0,
        ge=1,
        le=64,
        description="Power k to which probabilities are raised, pᵏ / Σ pᵏ, before a label is drawn, and before losses "
        "and critics see them.",
    )
    first_power: float = Field(
        1.0, ge=1, le=64, description="Power at the start of the training, from which it rises linearly to its end."
    )

    @model_validator(mode="after")
    def _rises(self) -> LabelOptions:
        if self.first_power > self.power:
            raise ValueError(f"first_power is {self.first_power:g}, above power, {self.power:g}: it can only rise")
        return self

    def power_at(self, fraction: float) -> float:
        """Return the power after a share of the run."""
        return self.first_power + (self.power - self.first_power) * fraction


class SelectionOptions(Options):
    """How a run is checked without any truth, and which of its models is kept."""

    metrics: tuple[str, ...] = Field(
        (), description="Metrics compared with the image's own values; their mean absolute relative error is minimised."
    )
    every: int = Field(40, ge=1, description="Generator steps between checks.")
    after: float = Field(0.3, ge=0, lt=1, description="Share of the budget before the first check.")
    window: int = Field(24, ge=4, description="Edge length of the part that a check generates, in scan voxels.")
    parts: int = Field(2, ge=1, description="Parts of the scan that a check generates.")
    stop_below: float | None = Field(
        None, gt=0, description="Stop once the error of a check is below this; null: never."
    )
    keep: Literal["best", "last"] = Field(
        "best",
        description="Which model is kept: the best of the checks, which have the same noise each time, or the last. "
        "Where the last one is kept, each check has noise of its own.",
    )
    patience: int | None = Field(
        None,
        ge=1,
        description="Checks whose mean error must be lower than that of as many before; where it is not, the learning "
        "rate falls to its end early, and so does the run. null: the budget is used up.",
    )


def pattern_training(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Return what recipes that learn label patterns without critics have in common, as overrides of their defaults.

    Args:
        selection: How the method's best model is found; its metrics get the distance of the patterns as well.
    """
    return {
        "critic": None,
        "labels": {"choice": "drawn", "power": 12.0, "first_power": 2.0},
        "optimizer": {"rate": 2.5e-3},
        "precision": "fast",
        "selection": {
            "metrics": (*selection["metrics"], "pattern-distance"), "every": 100, "keep": "last", "patience": 3,
        },
    }  # fmt: skip


class AdversarialOptions(Options):
    """A recipe: a generator, critics, losses and a degradation by name, and how to train them."""

    generator: Part = Field(description="The generator.")
    critic: Part | None = Field(description="The critics' architecture; null: none, the losses alone teach.")
    losses: tuple[Part, ...] = Field(description="Terms of the objectives.")
    degradation: Part | None = Field(None, description="The model of the scan's instrument; null: none.")
    shared_critic: bool = Field(
        True,
        description="One critic for all axes whose planes the same image shows (one in all for isotropic material); "
        "false: one for each axis.",
    )
    critic_steps: int = Field(2, ge=1, le=30, description="Updates of the critics before each update of the generator.")
    batch: BatchOptions = Field(default_factory=BatchOptions, description="What one step sees.")
    optimizer: OptimizerOptions = Field(default_factory=OptimizerOptions, description="How fast to learn.")
    selection: SelectionOptions = Field(default_factory=SelectionOptions, description="How the best model is found.")
    augment: Literal["auto", "rotate", "mirror", "none"] | tuple[Symmetry, Symmetry, Symmetry] = Field(
        "auto",
        description="How image crops are multiplied, for all planes or for those normal to z, y and x: rotate (the "
        "eight symmetries of the square), mirror (along rows and columns) or none; auto rotates where one image stands "
        "for all directions, and mirrors else.",
    )
    labels: LabelOptions = Field(
        default_factory=LabelOptions, description="How a voxel's label follows from its phase probabilities."
    )
    steps: Annotated[int, Field(ge=1)] = Field(600, description="Generator steps when no budget is given.")
    checkpoint_seconds: float = Field(60.0, gt=0, description="Seconds between checkpoints.")
    precision: Literal["auto", "fast", "float32", "tf32", "bf16"] = Field(
        "auto",
        description="Arithmetic of the training: auto, tf32 on CUDA and float32 on CPUs; fast, the same, but bf16 on "
        "CPUs that have instructions for it; bf16, the generator under autocast (slow on other CPUs). Volumes are made "
        "in full precision.",
    )

    @field_validator("augment", mode="before")
    @classmethod
    def _read_augment(cls, value: Any) -> Any:
        # Models of the first release say true or false.
        return {True: "rotate", False: "none"}[value] if isinstance(value, bool) else value

    def symmetry(self, axis: int, isotropic: bool) -> Symmetry:
        """Return how crops of planes normal to an axis are multiplied."""
        if not isinstance(self.augment, str):
            return self.augment[axis]
        if self.augment == "auto":
            return "rotate" if isotropic else "mirror"
        return self.augment
