"""Measuring the volumes and images of a comparison: alike, and nothing twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mesofuse.config.comparison import ComparisonConfig
from mesofuse.evaluation import directions
from mesofuse.evaluation.compare import same_voxels
from mesofuse.evaluation.comparison import Column
from mesofuse.evaluation.measure import MetricChoice, measure
from mesofuse.evaluation.record_log import sealed
from mesofuse.evaluation.records import from_json, to_json
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.evaluation.subvolumes import Sampled, sample
from mesofuse.evaluation.texture import JUDGE, all_with_floors
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.metric import Measured
from mesofuse.models.provenance import hash_labels
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.pipeline.measuring import AGAINST_IMAGE
from mesofuse.pipeline.output_size import image_voxel
from mesofuse.training.parts import build_degradation
from mesofuse.training.recipe import Part
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


@dataclass
class Bench:
    """Where the volumes and images of one comparison are measured, each hashed once.

    Attributes:
        config: What is compared, resolved.
        inputs: The opened inputs.
        folder: Where what is measured is kept, below it a folder a volume.
        scanless: Names of volumes that were made without the scan, and are not compared with it.
        workers: Processes that measure.
        say: Takes a sentence at each stage.
        progress: Takes the name of the volume measured, subvolumes done and of all.
    """

    config: ComparisonConfig
    inputs: JobInputs
    folder: Path
    scanless: Collection[str] = ()
    workers: int = 1
    say: Callable[[str], None] = lambda text: None
    progress: Progress = lambda name, done, total: None
    _hashes: dict[int, tuple[Labels, str]] = field(default_factory=dict)

    @cached_property
    def degradation(self) -> Degradation | None:
        """The model of the instrument that results are judged by; None without a scan."""
        if self.inputs.low_res is None:
            return None
        return build_degradation(Part.model_validate(self.config.degradation), self.inputs.problem)

    def measure_all(self, labels: Mapping[str, Labels]) -> list[Column]:
        """Measure each volume in its subvolumes and as a whole, or read what was measured before."""
        columns: list[Column] = []
        for name, volume in labels.items():
            self.say(f"{name}: measuring")
            low = self.inputs.low_res if name != IMAGE and name not in self.scanless else None
            if low is not None and (note := seen_note(volume.grid.shape, low.grid.shape, self.inputs.problem.scale)):
                self.say(f"Note: {name}: {note}.")
            columns.append(self._measured(name, volume))
        return _with_floors(columns)

    def sample_all(self, name: str, volume: Labels, metrics: Sequence[MetricChoice], count: int) -> Sampled:
        """Measure subvolumes, or patches of the image.

        With an image for each direction, the image's values are the images' mean; next to them stand each image's own,
        and in a volume those of as many patches of its planes normal to the same axes.
        """

        def sampled(labels: Labels, *, stack: bool) -> Sampled:
            return self._recorded(name, labels, metrics, count, stack=stack)

        groups = self.inputs.fusion.groups
        if len(groups) == 1:
            return sampled(volume, stack=name == IMAGE)
        if name == IMAGE:
            images = {axes: placed_image(self.inputs, AXES.index(axes[0])) for axes in groups}
            return directions.mean_of_images({axes: sampled(image, stack=True) for axes, image in images.items()})
        planes = [
            directions.pooled([sampled(directions.Planes(volume, AXES.index(axis)), stack=True) for axis in axes], axes)
            for axes in groups
        ]
        return directions.with_planes(sampled(volume, stack=False), planes)

    def _recorded(
        self, name: str, volume: Labels, metrics: Sequence[MetricChoice], count: int, *, stack: bool
    ) -> Sampled:
        """Measure subvolumes as the comparison draws them, with a record of what is done."""
        folder, config = self.folder / name, self.config
        folder.mkdir(parents=True, exist_ok=True)
        key = _digest([self._content_of(volume), metrics, config.seed, config.size, count])
        return sample(
            volume, metrics, size=config.size, count=count, seed=config.seed, stack=stack, name=name,
            workers=self.workers, record=folder / f"subvolumes-{key}.jsonl",
            progress=lambda done, total: self.progress(name, done, total),
        )  # fmt: skip

    def _measured(self, name: str, volume: Labels) -> Column:
        """Measure a volume, or read what an earlier call measured of these very voxels."""
        config, without = self.config, name in self.scanless
        sampled = self.sample_all(name, volume, config.metric_choices, config.subvolumes)
        settings: list[Any] = [
            self._content_of(volume), config.metric_choices, config.degradation, self.inputs.hashes, config.scale,
            config.shows,
        ]  # fmt: skip
        settings += ["without the scan"] if without else []
        settings += [] if name == IMAGE else _of_textures(volume, config, self.inputs)
        file = self.folder / name / f"whole-{_digest(settings)}.json"
        try:
            kept = load_json(file.read_text("utf-8"))
            if kept.pop("sha256", None) == sealed(file.name, kept):
                return Column(name, sampled, from_json(kept))
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            pass  # it is measured again
        whole = self._whole(name, volume, without)
        data = to_json(whole)
        data["sha256"] = sealed(file.name, data)
        with replacing(file) as temporary:
            temporary.write_text(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
        return Column(name, sampled, whole)

    def _whole(self, name: str, volume: Labels, without: bool) -> Measured:
        """Measure a whole volume, and how far it agrees with the scan if it was made from it."""
        config, inputs = self.config, self.inputs
        if name == IMAGE:
            found = {
                axes: measure(
                    placed_image(inputs, AXES.index(axes[0])), config.metric_choices, stack=True, name=name,
                    workers=self.workers,
                )
                for axes in inputs.fusion.groups
            }  # fmt: skip
            return directions.mean_of_whole(found, name) if len(found) > 1 else next(iter(found.values()))
        scan = None if without else ScanReference.of(inputs.problem, inputs.low_res, self.degradation)
        wanted = [*config.metric_choices, *_of_textures(volume, config, inputs), *([CONSISTENCY] if scan else [])]
        images = dict(enumerate(inputs.images))
        measured = measure(volume, wanted, name=name, workers=self.workers, scan=scan, images=images)
        measured.skipped |= {CONSISTENCY: "It takes no scan."} if without else {}
        return measured

    def _content_of(self, volume: Labels) -> list[Any]:
        """Return what the values of a volume depend on."""
        if isinstance(volume, directions.Planes):
            return [*self._content_of(volume.labels), volume.normal]
        if id(volume) not in self._hashes:
            self._hashes[id(volume)] = volume, hash_labels(volume)
        digest = self._hashes[id(volume)][1]
        return [digest, volume.grid.voxel_size, volume.grid.unit, [p.name for p in volume.phases]]


def _with_floors(columns: list[Column]) -> list[Column]:
    """Return the columns with the floors of distances from the image as the image's own values."""
    names = [column.name for column in columns]
    if IMAGE not in names:
        return columns
    wholes = all_with_floors([column.whole for column in columns], names.index(IMAGE))
    return [replace(column, whole=whole) for column, whole in zip(columns, wholes, strict=True)]


def _of_textures(volume: Labels, config: ComparisonConfig, inputs: JobInputs) -> list[str]:
    """Return the metrics that compare a whole volume with the images: none where its voxels are no image's pixels."""
    if not all(same_voxels(volume.grid, placed_image(inputs, axis).grid) for axis in inputs.fusion.axes):
        return []
    named = {choice if isinstance(choice, str) else choice[0] for choice in config.metric_choices}
    wanted = [*AGAINST_IMAGE[inputs.problem.content], *[JUDGE] * config.judge]
    return [name for name in wanted if name not in named]


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]
