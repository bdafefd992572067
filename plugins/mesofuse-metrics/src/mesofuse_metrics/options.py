"""Options shared by metrics."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mesofuse.interfaces.options import Options

Connectivity = Literal[6, 18, 26]


class NoOptions(Options):
    """For a metric that has nothing to choose."""


class ConnectivityOptions(Options):
    """How voxels of a phase are joined."""

    connectivity: Connectivity = Field(6, description="Voxels touch by faces (6), edges (18) or corners (26).")


class TortuosityOptions(Options):
    """What flows where, and how exactly it is solved."""

    phases: tuple[str, ...] = Field((), description="Names of the phases that conduct, one at a time; all if empty.")
    axes: tuple[Literal["z", "y", "x"], ...] = Field(("z", "y", "x"), description="Directions of the flow.")
    tolerance: float = Field(0.01, gt=0, lt=1, description="Stop when the flux of all layers agrees to this share.")
    iterations: int = Field(
        10_000, ge=100, description="Give up after so many; the value is then undefined, and says so."
    )
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="Where to solve: cpu, cuda or cuda:N.")


class TwoPointOptions(Options):
    """How far, and which pairs."""

    lags: int = Field(64, ge=1, le=1024, description="Largest distance, in voxels along each axis.")
    radial: bool = Field(True, description="Also average over the 13 directions (four times the work).")
    cross: bool = Field(True, description="Also count pairs of unlike phases.")


class ClusterOptions(ConnectivityOptions):
    """How far, and how voxels of a phase are joined."""

    lags: int = Field(64, ge=1, le=1024, description="Largest distance, in voxels along each axis.")


class CovarianceOptions(Options):
    """How far."""

    lags: int = Field(32, ge=1, le=1024, description="Largest distance, in voxels along each axis.")


class PatternOptions(Options):
    """Which patterns are compared."""

    spacings: tuple[Annotated[int, Field(ge=1, le=256)], ...] = Field(
        (1, 2, 4), min_length=1, description="Distances between the pixels of a pattern, in voxels."
    )
    symmetry: Literal["auto", "rotate", "mirror", "none"] = Field(
        "auto",
        description="Under which symmetries the image's planes look alike: rotate (the eight of the square), mirror "
        "(along rows and columns) or none; auto rotates where one image stands for all directions, and mirrors else.",
    )


class JudgeOptions(Options):
    """How the classifier looks and learns."""

    patch: int = Field(48, ge=24, le=256, description="Edge length of the patches in pixels.")
    steps: int = Field(200, ge=1, le=100_000, description="Training steps of 64 patches.")
    tested: int = Field(1024, ge=2, description="Patches that the accuracy is taken over.")
    seed: int = Field(7919, ge=0, description="Seed of the classifier and its patches.")


class LinealPathOptions(Options):
    """How far."""

    lags: int = Field(64, ge=1, description="Largest distance, in voxels along each axis.")


class EulerOptions(Options):
    """How voxels of a phase are joined."""

    connectivity: Literal[6, 26] = Field(6, description="Voxels of a phase touch by faces (6) or corners too (26).")


class ThicknessOptions(Options):
    """How finely sizes are told apart."""

    step: float = Field(
        0.5, ge=0, le=1, description="Sizes above 16 voxels closer than this, in voxels, count as one; 0: none do."
    )
    threads: int = Field(1, ge=1, description="Threads of the distance transform.")


class IntensityOptions(Options):
    """A metric of grey values and colours; it has no options."""

    contents: ClassVar[dict[str, dict[str, Any]]] = {"grey": {}, "colour": {}}
