"""Distances from the image, and the floor below which no result can be expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from mesofuse.evaluation.measure import MetricChoice, resolve
from mesofuse.interfaces.metric import Measured, Measurement
from mesofuse.volumes.labels import LabelArray, Labels

TEXTURE = "pattern-distance"
"""The metric that compares the textures of a result and of the image."""
JUDGE = "judge"
"""The metric that lets a classifier tell the two apart."""
FLOOR = "-floor"
"""Ending of the name under which a metric that compares with the image says what parts of the image score."""


FLOOR_NOTE = (
    "pattern-distance: 0 alike, 1 nothing in common; the image's is what its own parts, as large as the result, differ "
    "by: no result can be expected to be closer."
)


def compares(metrics: Sequence[MetricChoice]) -> bool:
    """Return whether any of the metrics compares with the images itself."""
    return any(resolve(choice).metric.needs.images for choice in metrics)


def with_floors(volume: Measured, image: Measured) -> tuple[Measured, Measured]:
    """Return both with the floors as the image's own values of what the volume was measured for.

    A metric ``NAME`` that compares with the image states next to its values ``NAME-floor``, what parts of the image, as
    large as the volume, score among themselves. In a table that is the image's part of the row.
    """
    floors = [r for r in volume.results if r.metric.endswith(FLOOR)]
    kept = [r for r in volume.results if not r.metric.endswith(FLOOR)]
    of_image = [replace(r, metric=r.metric.removesuffix(FLOOR)) for r in floors]
    there = {(r.metric, r.label) for r in image.results if isinstance(r, Measurement)}
    new = [r for r in of_image if (r.metric, r.label) not in there]
    names = {r.metric for r in of_image}
    skipped = {name: why for name, why in image.skipped.items() if name not in names}
    return replace(volume, results=kept), replace(image, results=[*image.results, *new], skipped=skipped)


def all_with_floors(columns: Sequence[Measured], image: int) -> list[Measured]:
    """Return several columns with the floors of the others as the values of one, the image; see `with_floors`."""
    found = list(columns)
    for i in range(len(found)):
        if i != image:
            found[i], found[image] = with_floors(found[i], found[image])
    return found


def images_of(reference: Labels, *, stack: bool) -> Mapping[int, LabelArray]:
    """Return a reference as the images for each axis: an image or a stack of them for all, a volume by its own planes.

    Args:
        reference: The reference; read whole.
        stack: Its axis 0 numbers separate images.
    """
    array = reference.read(reference.grid.region)
    if stack or reference.grid.shape[0] == 1:
        return dict.fromkeys(range(3), LabelArray(array, reference.grid, reference.phases))
    found = {}
    for axis in range(3):
        planes = np.moveaxis(array, axis - 3, -3)
        order = [axis, *(a for a in range(3) if a != axis)]
        z, y, x = (reference.grid.voxel_size[a] for a in order)
        grid = replace(reference.grid, shape=planes.shape[-3:], voxel_size=(z, y, x))
        found[axis] = LabelArray(planes, grid, reference.phases)
    return found
