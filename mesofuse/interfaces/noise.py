"""How a model says what random numbers it wants; the framework draws them (see `mesofuse.streaming.noise`)."""

from __future__ import annotations

from dataclasses import dataclass

from mesofuse.volumes.grid import Scale


@dataclass(frozen=True)
class NoiseSpec:
    """A field of independent standard normal numbers that a model wants.

    The number at a voxel depends on the seed, the name, the channel and the voxel's absolute position alone.

    Attributes:
        name: Distinguishes the fields of one model, for example ``input`` or ``stage1``.
        channels: Numbers a voxel.
        factor: How much finer than the scan's grid the field is, per axis; 1 is the input's own resolution.
    """

    name: str
    channels: int
    factor: Scale = (1.0, 1.0, 1.0)
