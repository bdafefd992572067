"""Measuring the volumes and images of a comparison: alike, and nothing twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mesofuse.config.comparison import ComparisonConfig
from mesofuse.evaluation import directions as sections
from mesofuse.evaluation.compare import same_voxels
from mesofuse.evaluation.comparison import Column
from mesofuse.evaluation.measure import MetricChoice, measure
from mesofuse.evaluation.record_log import sealed
from mesofuse.evaluation.records import from_json, to_json
from mesofuse.evaluation.subvolumes import Sampled, sample
from mesofuse.evaluation.texture import JUDGE, TEXTURE, all_with_floors
from mesofuse.interfaces.metric import Measured
from mesofuse.models.provenance import hash_labels
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.pipeline.output_size import image_voxel
from mesofuse.registry import get_registry
from mesofuse.volumes.files import replacing
from mesofuse.volumes.grid import AXES, Grid
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.scale import seen_note
from mesofuse.volumes.units import convert

REFERENCE, IMAGE = "reference", "image"
CONSISTENCY = "low-res-consistency"
Progress = Callable[[str, int, int], None]


def several(inputs: JobInputs) -> bool:
    """Return whether there is more than one image, each for some directions."""
    return len(inputs.fusion.groups) > 1


def result_voxels(inputs: JobInputs) -> Grid:
    """Return the grid of a result; without a scan its shape is of no meaning, and its voxels are the images' pixels."""
    if inputs.low_res is not None:
        return inputs.low_res.grid.refined(inputs.problem.scale)
    voxel, unit = image_voxel(inputs)
    return replace(inputs.image.grid, voxel_size=voxel, unit=unit)


def placed_image(inputs: JobInputs, normal: int = 0) -> LabelArray:
    """Return the image of planes normal to an axis, as large along it as the other images, or its own pixels, say.

    With a scan its grid has that size already.
    """
    image = inputs.images[normal]
    if inputs.low_res is not None or not image.grid.known:
        return image
    voxel, unit = image_voxel(inputs)
    across = convert(voxel[normal], unit, image.grid.unit)
    return replace(image, grid=replace(image.grid, voxel_size=(across, *image.grid.voxel_size[1:])))


def measure_all(
    labels: dict[str, Labels],
    config: ComparisonConfig,
    inputs: JobInputs,
    folder: Path,
    *,
    scanless: Collection[str] = (),
    workers: int = 1,
    say: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda name, done, total: None,
) -> list[Column]:
    """Measure each volume in its subvolumes and as a whole, keeping what is measured in ``folder/NAME``.

    Those named in ``scanless`` were made without the scan, and are not compared with it.
    """
    columns: list[Column] = []
    for name, volume in labels.items():
        say(f"{name}: measuring")
        low = inputs.low_res if name != IMAGE and name not in scanless else None
        if low is not None and (note := seen_note(volume.grid.shape, low.grid.shape, inputs.problem.scale)):
            say(f"Note: {name}: {note}.")
        columns.append(_measured(name, volume, config, inputs, folder / name, name in scanless, workers, progress))
    return _with_floors(columns)


def _with_floors(columns: list[Column]) -> list[Column]:
    """Return the columns with the floors of distances from the image as the image's own values."""
    names = [column.name for column in columns]
    if IMAGE not in names:
        return columns
    wholes = all_with_floors([column.whole for column in columns], names.index(IMAGE))
    return [replace(column, whole=whole) for column, whole in zip(columns, wholes, strict=True)]


def _measured(
    name: str,
    volume: Labels,
    config: ComparisonConfig,
    inputs: JobInputs,
    folder: Path,
    scanless: bool,
    workers: int,
    progress: Progress,
) -> Column:
    """Measure a volume in subvolumes and as a whole, or read what an earlier call measured of these very voxels."""
    metrics = config.metric_choices
    sampled = sample_all(name, volume, metrics, config, inputs, config.subvolumes, folder, workers, progress)
    settings: list[Any] = [content_of(volume), metrics, config.degradation, inputs.hashes, config.scale, config.shows]
    settings += ["without the scan"] if scanless else []
    settings += [] if name == IMAGE else _of_textures(volume, config, inputs)
    file = folder / f"whole-{_digest(settings)}.json"
    try:
        kept = load_json(file.read_text("utf-8"))
        if kept.pop("sha256", None) == sealed(file.name, kept):
            return Column(name, sampled, from_json(kept))
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        pass  # it is measured again
    whole = measure_whole(name, volume, config, inputs, workers, scanless=scanless)
    data = to_json(whole)
    data["sha256"] = sealed(file.name, data)
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return Column(name, sampled, whole)


def sample_all(
    name: str,
    volume: Labels,
    metrics: Sequence[MetricChoice],
    config: ComparisonConfig,
    inputs: JobInputs,
    count: int,
    folder: Path,
    workers: int,
    progress: Progress,
) -> Sampled:
    """Measure subvolumes, or patches of the image.

    With an image for each direction, the image's values are the images' mean; beside them stand each image's own, and
    in a volume those of as many patches of its planes normal to the same axes.
    """

    def sampled(labels: Labels, *, stack: bool) -> Sampled:
        return recorded_sample(name, labels, metrics, config, count, folder, workers, progress, stack=stack)

    groups = inputs.fusion.groups
    if len(groups) == 1:
        return sampled(volume, stack=name == IMAGE)
    if name == IMAGE:
        images = {axes: placed_image(inputs, AXES.index(axes[0])) for axes in groups}
        return sections.mean_of_images({axes: sampled(image, stack=True) for axes, image in images.items()})
    planes = [
        sections.pooled([sampled(sections.Planes(volume, AXES.index(axis)), stack=True) for axis in axes], axes)
        for axes in groups
    ]
    return sections.with_planes(sampled(volume, stack=False), planes)


def recorded_sample(
    name: str,
    volume: Labels,
    metrics: Sequence[MetricChoice],
    config: ComparisonConfig,
    count: int,
    folder: Path,
    workers: int,
    progress: Progress,
    *,
    stack: bool,
) -> Sampled:
    """Measure subvolumes as the comparison draws them, with a record in ``folder`` of what is done."""
    folder.mkdir(parents=True, exist_ok=True)
    key = _digest([content_of(volume), metrics, config.seed, config.size, count])
    return sample(
        volume,
        metrics,
        size=config.size,
        count=count,
        seed=config.seed,
        stack=stack,
        name=name,
        workers=workers,
        record=folder / f"subvolumes-{key}.jsonl",
        progress=lambda done, total: progress(name, done, total),
    )


def content_of(volume: Labels) -> list[Any]:
    """Return what the values of a volume depend on."""
    if isinstance(volume, sections.Planes):
        return [*content_of(volume.labels), volume.normal]
    return [hash_labels(volume), volume.grid.voxel_size, volume.grid.unit, [p.name for p in volume.phases]]


def measure_whole(
    name: str, volume: Labels, config: ComparisonConfig, inputs: JobInputs, workers: int, *, scanless: bool = False
) -> Measured:
    """Measure a whole volume, and how far it agrees with the scan if it was made from it."""
    if name == IMAGE:
        found = {
            axes: measure(
                placed_image(inputs, AXES.index(axes[0])), config.metric_choices, stack=True, name=name, workers=workers
            )
            for axes in inputs.fusion.groups
        }
        return sections.mean_of_whole(found, name) if len(found) > 1 else next(iter(found.values()))
    problem, images = inputs.problem, dict(enumerate(inputs.images))
    wanted = [*config.metric_choices, *_of_textures(volume, config, inputs)]
    if inputs.low_res is None or scanless:
        measured = measure(volume, wanted, name=name, workers=workers, images=images)
        measured.skipped |= {CONSISTENCY: "It takes no scan."} if scanless else {}
        return measured
    options = {k: v for k, v in config.degradation.items() if k != "name"}
    degradation = get_registry().find("degradation", config.degradation["name"]).build(options, problem)
    return measure(
        volume, [*wanted, CONSISTENCY], name=name, workers=workers, low_res=inputs.low_res, match=problem.match,
        scale=problem.scale, degradation=degradation, images=images,
    )  # fmt: skip


def _of_textures(volume: Labels, config: ComparisonConfig, inputs: JobInputs) -> list[str]:
    """Return the metrics that compare a whole volume with the images: none where its voxels are no image's pixels."""
    if not all(same_voxels(volume.grid, placed_image(inputs, axis).grid) for axis in inputs.fusion.axes):
        return []
    named = {choice if isinstance(choice, str) else choice[0] for choice in config.metric_choices}
    return [name for name in (TEXTURE, *[JUDGE] * config.judge) if name not in named]


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]
