"""The whole job: fit, generate, measure, draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesofuse.config.job import JobConfig
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.records import to_json
from mesofuse.interfaces.degradation import Degradation
from mesofuse.interfaces.events import Event, RunFinished
from mesofuse.interfaces.metric import Measured
from mesofuse.interfaces.problem import Problem
from mesofuse.models.device import resolve_device
from mesofuse.models.package import Package
from mesofuse.pipeline.fit import fit_job
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.registry import get_registry
from mesofuse.report.montage import montage
from mesofuse.streaming.compute import default_workers
from mesofuse.streaming.plan import Plan, check_fits, make_plan
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.volumes.files import replacing
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.store import LabelVolume

METRICS = ("volume-fraction", "surface-area", "low-res-consistency")
FUSED, NUMBERS, PREVIEW = "fused.zarr", "metrics.json", "preview.png"


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
    resume: bool = False,
    emit: Callable[[Event], None] = lambda event: None,
    say: Callable[[str], None] = lambda text: None,
) -> Fused:
    """Run a resolved job into the folder ``out``, which exists.

    Args:
        job: The job, resolved.
        inputs: Its opened inputs.
        out: The run's folder.
        chunks: Edge of the output's chunks.
        workers: Tiles in flight; None chooses.
        resume: Go on with what the folder holds.
        emit: Takes the events.
        say: Takes a sentence at each stage.

    Raises:
        UserError: The inputs don't suit the method, or the output does not fit.
    """
    say("Training")
    package = fit_job(job, inputs, out, resume=resume, emit=emit)
    path = out / FUSED
    plan = generation_plan(package, inputs.low_res, job, chunks=chunks, workers=workers)
    check_fits(plan, str(path))
    say(f"Generating {' × '.join(map(str, plan.shape))} voxels")
    volume = generate_with(
        package, inputs.low_res, str(path), job, chunks=chunks, workers=workers, resume=resume and path.exists(), emit=emit
    )
    say("Measuring")
    measured, image = measure_result(volume, inputs, method_degradation(package, inputs.problem))
    record = {"fused": to_json(measured), "image": to_json(image), "model": package.digest, "seed": job.seed}
    with replacing(out / NUMBERS) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with replacing(out / PREVIEW) as temporary:
        montage(temporary, low_res=inputs.low_res, result=volume, image=inputs.image)
    emit(RunFinished("fuse", str(out)))
    return Fused(volume, package, measured, image)


def generation_plan(package: Package, low_res: Labels, job: JobConfig, *, chunks: int, workers: int | None) -> Plan:
    """Plan the generation of a job."""
    device = resolve_device(job.device)
    return make_plan(
        package.model.to(device), low_res, low_res.grid.shape, unit=(chunks,) * 3, workers=workers, device=device, seed=job.seed
    )


def generate_with(
    package: Package,
    low_res: Labels,
    out: str,
    job: JobConfig,
    *,
    chunks: int,
    workers: int | None,
    resume: bool,
    emit: Callable[[Event], None],
) -> LabelVolume:
    """Generate the volume of a job."""
    device = resolve_device(job.device)
    options = GenerateOptions(job.seed, None, (chunks,) * 3, None, workers, device, resume)
    model = package.model.to(device)
    return generate(model, low_res, low_res.grid, out, options, provenance=output_provenance(package, low_res), emit=emit)


def output_provenance(package: Package, low_res: Labels) -> dict[str, Any]:
    """Return what an output records of where it comes from, beside seed and region."""
    from mesofuse.models.provenance import hash_labels, versions

    return {
        "model": package.digest,
        "method": package.method,
        "low_res_sha256": hash_labels(low_res),
        "versions": versions(),
    }


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


