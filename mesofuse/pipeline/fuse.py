"""The whole job: fit, generate, measure, draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesofuse.config.job import JobConfig
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.preflight import preflight
from mesofuse.evaluation.records import to_json
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.events import Event, RunFinished
from mesofuse.interfaces.metric import Measured
from mesofuse.interfaces.problem import Problem
from mesofuse.models.device import resolve_device
from mesofuse.models.package import Package
from mesofuse.pipeline.fit import announcing, fit_job
from mesofuse.pipeline.folder import FUSED, NUMBERS, PREVIEW
from mesofuse.pipeline.generate import apply_model
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.registry import get_registry
from mesofuse.report.montage import montage
from mesofuse.streaming.compute import default_workers
from mesofuse.streaming.plan import check_disk
from mesofuse.streaming.probe import compressed
from mesofuse.streaming.run import GenerateOptions
from mesofuse.volumes.files import replacing
from mesofuse.volumes.grid import Region
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.store import LabelVolume

METRICS = ("volume-fraction", "surface-area", "low-res-consistency")


@dataclass(frozen=True)
class Fused:
    """What a job made.

    Attributes:
        volume: The fused volume.
        package: The model.
        measured: The fused volume's values.
        image: The image's own values.
    """

    volume: LabelVolume
    package: Package
    measured: Measured
    image: Measured


def fuse(
    job: JobConfig,
    inputs: JobInputs,
    out: Path,
    *,
    chunks: int = 64,
    workers: int | None = None,
    overwrite: bool = False,
    resume: bool = False,
    emit: Callable[[Event], None] = lambda event: None,
    say: Callable[[str], None] = lambda text: None,
) -> Fused:
    """Run a resolved job into the folder ``out``.

    Args:
        job: The job, resolved.
        inputs: Its opened inputs.
        out: The run's folder.
        chunks: Edge of the output's chunks.
        workers: Tiles in flight; None chooses.
        overwrite: Replace an earlier run.
        resume: Go on with what the folder holds.
        emit: Takes the events.
        say: Takes a sentence at each stage.

    Raises:
        UserError: The inputs don't suit the method, or the output does not fit.
    """
    device = resolve_device(job.device)
    for name in METRICS:  # rather before the training than after it
        get_registry().find("metric", name)
    _check_disk(inputs, str(out / FUSED))
    say("Checking the inputs")
    checked = preflight(inputs.fusion)
    for check in checked.warnings:
        say(f"Warning: {check.sentence}")
    say("Training")
    package = fit_job(job, inputs, out, overwrite=overwrite, resume=resume, emit=emit)
    options = GenerateOptions(job.seed, None, (chunks,) * 3, None, workers, device, resume)
    volume = apply_model(package, inputs.scan, str(out / FUSED), options, emit=emit, say=say)
    say("Measuring")
    measured, image = measure_result(volume, inputs, method_degradation(package, inputs.problem))
    record = {"fused": to_json(measured), "image": to_json(image), "model": package.digest, "seed": job.seed}
    record["preflight"] = checked.to_json()
    with replacing(out / NUMBERS) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with replacing(out / PREVIEW) as temporary:
        montage(temporary, low_res=inputs.low_res, result=volume, image=inputs.image)
    announcing(emit)(RunFinished("fuse", str(out)))
    return Fused(volume, package, measured, image)


def _check_disk(inputs: JobInputs, out: str) -> None:
    """Refuse before the training an output that will not fit, if it compresses as the image does."""
    image = inputs.image.array
    voxels = Region.whole(inputs.scan.grid.shape).scaled(inputs.problem.scale).size
    check_disk(voxels * compressed(image) / image.size, out)


def method_degradation(package: Package, problem: Problem) -> Degradation | None:
    """Return the degradation that a method's options name, or None where it has none."""
    part = package.options.get("degradation")
    if not part:
        return None
    options = {k: v for k, v in part.items() if k != "name"}
    built: Degradation = get_registry().find("degradation", part["name"]).build(options, problem)
    return built


def measure_result(
    volume: Labels, inputs: JobInputs, degradation: Degradation | None, *, name: str = "fused"
) -> tuple[Measured, Measured]:
    """Return the values of a result and those of the image."""
    problem = inputs.problem
    scan: dict[str, Any] = {}
    if degradation is not None:
        scan = {"low_res": inputs.low_res, "match": problem.match, "scale": problem.scale, "degradation": degradation}
    names = METRICS if scan else METRICS[:2]
    measured = measure(volume, names, name=name, workers=default_workers("cpu"), **scan)
    image = measure(inputs.image, METRICS[:2], stack=True, name="image")
    return measured, image
