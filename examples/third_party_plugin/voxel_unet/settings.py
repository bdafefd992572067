"""Settings of the parts; nothing here imports torch."""

from pydantic import Field

from mesofuse.interfaces.options import Options


class UNetSettings(Options):
    """Settings of `unet`."""

    depth: int = Field(2, ge=1, le=4, description="How often the encoder halves the scan's grid.")
    width: int = Field(8, ge=1, le=128, description="Channels on the scan's grid; doubled at each halving.")
    latent: int = Field(2, ge=1, le=16, description="Noise channels at the encoder's input.")
    grain: int = Field(1, ge=1, le=16, description="Noise channels on the fine grid.")
    head: int = Field(8, ge=1, le=128, description="Channels on the fine grid.")


class PatchGANSettings(Options):
    """Settings of `patchgan`."""

    width: int = Field(16, ge=1, le=256, description="Channels of the first layer; doubled at each of the next two.")
    crop: int = Field(32, ge=16, le=256, multiple_of=8, description="Edge of the slices that it looks at, in voxels.")


class LSGANSettings(Options):
    """Settings of `lsgan`."""

    target: float = Field(1.0, gt=0, le=100, description="Score that real slices should get; fakes should get 0.")
