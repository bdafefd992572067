"""Options of the components; imports no torch."""

from pydantic import Field

from mesofuse.interfaces.options import Options


class TwoLayerOptions(Options):
    """Options of `two-layer`."""

    channels: int = Field(16, ge=1, le=256, description="Channels between the two convolutions.")


class ThickSlicesOptions(Options):
    """Options of `thick-slices`."""

    overlap: float = Field(0.2, ge=0, le=0.5, description="Share of each neighbouring slice that a slice shows.")
    sharpness: float = Field(100.0, gt=0, le=1e4, description="Factor before the softmax over phases.")
