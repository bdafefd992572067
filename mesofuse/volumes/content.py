"""What voxels hold: phases, grey values or colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mesofuse.volumes.grid import Region

if TYPE_CHECKING:
    from mesofuse.volumes.labels import Labels

Content = Literal["phases", "grey", "colour"]
"""What voxels hold: a phase, a grey value, or a colour (red, green, blue)."""
CHANNELS: dict[Content, tuple[str, ...]] = {"phases": (), "grey": ("grey",), "colour": ("red", "green", "blue")}
"""Names of the intensities of a voxel."""


def leading(content: Content) -> tuple[int, ...]:
    """Return the axis before z, y and x of arrays of such voxels: (3,) for colours, else none."""
    channels = len(CHANNELS[content])
    return (channels,) if channels > 1 else ()


def content_of(labels: Labels) -> Content:
    """Return what the voxels of a volume or image hold."""
    if labels.phases:
        return "phases"
    said: Content | None = getattr(labels, "content", None)
    return said or ("colour" if labels.read(Region.whole((1, 1, 1))).ndim == 4 else "grey")


def in_words(content: Content) -> str:
    """Return what to call such voxels in a sentence: ``phases``, ``grey values`` or ``colours``."""
    return {"phases": "phases", "grey": "grey values", "colour": "colours"}[content]
