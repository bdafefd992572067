"""What a job measures of its result and of the images, for each kind of voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mesofuse.evaluation.directions import mean_of_whole, of_planes
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.evaluation.texture import TEXTURE, with_floors
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.metric import Measured
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.streaming.compute import default_workers
from mesofuse.volumes.content import Content
from mesofuse.volumes.labels import Labels

INTENSITY = ("intensity-mean", "intensity-deviation", "variogram")
OF_IMAGE: dict[Content, Sequence[str]] = {
    "phases": ("volume-fraction", "surface-area"),
    "grey": INTENSITY,
    "colour": INTENSITY,
}
"""What is measured of result and image alike."""
AGAINST_IMAGE: dict[Content, Sequence[str]] = {
    "phases": (TEXTURE,),
    "grey": ("histogram-distance",),
    "colour": ("histogram-distance",),
}
"""What compares the result with the image."""
AGAINST_SCAN = ("low-res-consistency",)
"""What compares the result with the scan."""


def measured_of(content: Content) -> tuple[str, ...]:
    """Return the metrics that a job measures of such voxels."""
    return (*OF_IMAGE[content], *AGAINST_IMAGE[content], *(AGAINST_SCAN if content == "phases" else ()))


def measure_result(
    volume: Labels, inputs: JobInputs, degradation: Degradation | None, *, name: str = "fused"
) -> tuple[Measured, Measured]:
    """Return the values of a result and those of the images."""
    content = inputs.problem.content
    scan = ScanReference.of(inputs.problem, inputs.low_res, degradation)
    names = [*OF_IMAGE[content], *AGAINST_IMAGE[content], *(AGAINST_SCAN if scan else ())]
    images = dict(enumerate(inputs.images))
    measured = measure(volume, names, name=name, workers=default_workers("cpu"), images=images, scan=scan)
    return with_floors(measured, measure_images(inputs))


def measure_images(inputs: JobInputs) -> Measured:
    """Return the values of the image; of several, their mean over the axes, as `mean_of_images` takes it.

    Of intensities each image's own values stand next to it.
    """
    content = inputs.problem.content
    parts = {
        axes: measure(image, OF_IMAGE[content], stack=True, name="image")
        for axes, image in inputs.fusion.groups.items()
    }
    if len(parts) == 1:
        return next(iter(parts.values()))
    mean = mean_of_whole(parts, "image")
    own = content != "phases"
    return replace(mean, results=[r for r in mean.results if own or not of_planes(r.label)])
