"""The images that a volume is compared with, by the planes that they show."""

from __future__ import annotations

from mesofuse.interfaces.metric import MetricContext
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.labels import LabelArray


def by_normals(context: MetricContext) -> list[tuple[str, LabelArray]]:
    """Return each image once with the axes that it is normal to, such as ``zy``; a single one with none."""
    images = dict(context.images or {})
    if context.planar:
        images = {0: images[0]}
    found: dict[int, str] = {}
    for axis, image in sorted(images.items()):
        found[id(image)] = found.get(id(image), "") + AXES[axis]
    if len(found) == 1:
        return [("", next(iter(images.values())))]
    return [(normals, images[AXES.index(normals[0])]) for normals in found.values()]
