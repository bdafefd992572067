"""Images by the axes that they are normal to: each once, although one may stand for several directions."""

from __future__ import annotations

from collections.abc import Mapping

from mesofuse.volumes.grid import AXES
from mesofuse.volumes.labels import LabelArray


def by_normals(images: Mapping[int, LabelArray]) -> dict[str, LabelArray]:
    """Return the distinct images by the axes that they are normal to, such as ``{"zy": …, "x": …}``.

    Args:
        images: For each axis the image that shows planes normal to it; the same object for axes that look alike.
    """
    found: dict[str, LabelArray] = {}
    for axis in sorted(images):
        normals = next((letters for letters, image in found.items() if image is images[axis]), "")
        found.pop(normals, None)
        found[normals + AXES[axis]] = images[axis]
    return dict(sorted(found.items(), key=lambda item: AXES.index(item[0][0])))
