"""The images that a volume is compared with, by the planes that they show."""

from __future__ import annotations

from mesofuse.interfaces.metric import MetricContext
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.normals import by_normals


def compared(context: MetricContext) -> list[tuple[str, LabelArray]]:
    """Return each image once with the axes that it is normal to, such as ``zy``; a single one with none."""
    images = dict(context.images or {})
    found = by_normals({0: images[0]} if context.planar else images)
    return [("", next(iter(found.values())))] if len(found) == 1 else list(found.items())
