"""Options of this distribution's components; torch-free."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mesofuse.interfaces.options import Options

ALL_CONTENTS: dict[str, dict[str, Any]] = {"phases": {}, "grey": {}, "colour": {}}
Sigma = Annotated[float, Field(ge=0, le=64)]
Thickness = Annotated[float, Field(gt=0, le=16)]

SHARPNESS = Field(
    100.0, gt=0, le=1e4, description="Factor before the softmax over phases; the larger, the closer to a hard choice."
)


class BlurDownsampleOptions(Options):
    """Options of `blur-downsample`."""

    sharpness: float = SHARPNESS
    sigma: float | None = Field(
        None,
        gt=0,
        le=64,
        description="Standard deviation of the blur in high-resolution voxels, on every axis, its tail cut at 3; "
        "by default the paper's kernel, which the scale factor of each axis decides.",
    )


class AreaAverageOptions(Options):
    """Options of `area-average`."""

    sharpness: float = SHARPNESS


class PointSpreadOptions(Options):
    """Options of `point-spread`."""

    sharpness: float = SHARPNESS
    sigma: Literal["estimate"] | Sigma | tuple[Sigma, Sigma, Sigma] | None = Field(
        None,
        description="Standard deviation of the blur in high-resolution voxels, one for all axes or z, y, x; its tail "
        "is cut at 3. null: a full width at half maximum of one scan voxel, and no blur along an axis of "
        "scale 1. estimate: fitted before training, so that the degraded image has the scan's two-point statistics.",
    )
    thickness: Thickness | tuple[Thickness, Thickness, Thickness] = Field(
        1.0,
        description="Thickness that a scan voxel averages over, in scan voxels, one for all axes or z, y, x: "
        "above 1 where slices are thicker than their spacing, below 1 where there are gaps between them.",
    )


class NearestOptions(Options):
    """`nearest` has no options."""


class WassersteinGPOptions(Options):
    """Options of `wasserstein-gp`."""

    contents: ClassVar[dict[str, dict[str, Any]]] = ALL_CONTENTS

    penalty: float = Field(10.0, ge=0, description="Weight of the gradient penalty (lambda).")


class R1Options(Options):
    """Options of `r1`."""

    contents: ClassVar[dict[str, dict[str, Any]]] = ALL_CONTENTS

    penalty: float = Field(10.0, ge=0, description="Weight of the gradient penalty on real slices (gamma).")


class HingeOptions(Options):
    """`hinge` has no options."""

    contents: ClassVar[dict[str, dict[str, Any]]] = ALL_CONTENTS


class VoxelwiseOptions(Options):
    """Options of `voxelwise`."""

    weight: float = Field(10.0, gt=0, description="Weight in the generator's objective.")
    tolerance: float = Field(0.005, ge=0, description="No penalty while the error, before weighting, is at most this.")
    linear: float = Field(
        0.0,
        ge=0,
        description="Weight, within the error, of a term linear in how far a wrong phase leads; it pulls where the "
        "squared error has no gradient.",
    )
    one_sided: bool = Field(
        False,
        description="Penalise missing material where the scan shows material, but not new material where it shows "
        "its phase 0 (pore): for features that the scan cannot see.",
    )


class TwoPointOptions(Options):
    """Options of `two-point`."""

    weight: float = Field(100.0, gt=0, description="Weight in the generator's objective.")
    lags: tuple[int, ...] = Field((1, 2, 4), min_length=1, description="Distances compared, in voxels along the axes.")
    diagonals: bool = Field(
        False, description="Compare along the planes' diagonals too, so that slanted streaks are seen."
    )
    sharpness: float = Field(
        4.0,
        ge=1,
        description="Power to which probabilities are raised first, so that the result's labels count, not its doubts.",
    )
    floor: float = Field(
        0.01, gt=0, description="Errors are relative to the image's probability, or to this where that is smaller."
    )


class PatternsOptions(Options):
    """Options of `patterns`."""

    weight: float = Field(100.0, gt=0, description="Weight in the generator's objective.")
    spacings: tuple[Annotated[int, Field(ge=1, le=256)], ...] = Field(
        (1, 2, 4), min_length=1, description="Distances between the pixels of a pattern, in voxels."
    )
    positions: int = Field(
        16_384, ge=64, description="Places of the volumes at which patterns are counted a step, about."
    )
    memory: float = Field(
        0.05, gt=0, le=1, description="Weight of a step's histogram in the running mean, once it has settled."
    )


class PatchDistributionOptions(Options):
    """Options of `patch-distribution`."""

    contents: ClassVar[dict[str, dict[str, Any]]] = ALL_CONTENTS

    weight: float = Field(10.0, gt=0, description="Weight in the generator's objective.")
    patch: int = Field(5, ge=1, le=32, description="Edge length of the patches in pixels of each scale.")
    scales: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(
        (1, 2, 4), min_length=1, description="Edges of the squares of pixels that are averaged first."
    )
    projections: int = Field(32, ge=1, le=4096, description="Random directions a step, scale and direction of planes.")
    planes: int = Field(16, ge=1, description="Planes of the volumes that a step looks at, along each axis.")
    positions: int = Field(4096, ge=16, description="Patches that are sorted, at most.")
    floor: float = Field(
        1e-4, gt=0, description="What is added to the image's variance, so that an even image is no division by zero."
    )


class VariogramOptions(Options):
    """Options of `variogram`."""

    contents: ClassVar[dict[str, dict[str, Any]]] = {"grey": {}, "colour": {}}

    weight: float = Field(20.0, gt=0, description="Weight in the generator's objective.")
    lags: tuple[int, ...] = Field(
        (1, 2, 4, 8), min_length=1, description="Distances compared, in voxels along the axes."
    )
    floor: float = Field(
        1e-5, gt=0, description="What is added to variance and variogram of the scale 0 to 1, so that zero is no limit."
    )
