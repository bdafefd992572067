"""The whole job: fit, generate, measure, draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mesofuse.config.job import JobConfig
from mesofuse.errors import UserError
from mesofuse.evaluation.records import to_json
from mesofuse.figures.montage import montage
from mesofuse.interfaces.events import Event, RunFinished
from mesofuse.interfaces.metric import Measured
from mesofuse.models.device import resolve_device
from mesofuse.models.package import Package
from mesofuse.pipeline.fit import announcing, fit_job
from mesofuse.pipeline.folder import FUSED, NUMBERS, PREVIEW, REPORT, REPORT_PDF, claimed
from mesofuse.pipeline.generate import apply_model
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.pipeline.measuring import measure_result, measured_of
from mesofuse.pipeline.output_size import DEFAULT_SIZE, check_job
from mesofuse.pipeline.projection import check_projection, judged_by
from mesofuse.preflight.run import preflight
from mesofuse.registry import get_registry
from mesofuse.streaming.plan import check_disk
from mesofuse.streaming.probe import compressed
from mesofuse.streaming.run import GenerateOptions
from mesofuse.volumes.content import in_words
from mesofuse.volumes.files import discard, remove, replacing
from mesofuse.volumes.grid import Region, Triple
from mesofuse.volumes.store.opening import open_volume
from mesofuse.volumes.store.volume import StoredVolume


@dataclass(frozen=True)
class Fused:
    """What a job made.

    Attributes:
        volume: The fused volume.
        package: The model.
        measured: The fused volume's values.
        image: The image's own values.
    """

    volume: StoredVolume
    package: Package
    measured: Measured
    image: Measured


def fuse(
    job: JobConfig,
    inputs: JobInputs,
    out: Path,
    *,
    chunks: int = 64,
    shards: int | None = None,
    workers: int | None = None,
    project: bool = False,
    overwrite: bool = False,
    resume: bool = False,
    emit: Callable[[Event], None] = lambda event: None,
    say: Callable[[str], None] = lambda text: None,
    warn: Callable[[str], None] | None = None,
) -> Fused:
    """Run a resolved job into the folder ``out``.

    Args:
        job: The job, resolved.
        inputs: Its opened inputs.
        out: The run's folder.
        chunks: Edge of the output's chunks.
        shards: Edge of a file that bundles chunks; None: a chunk is a file.
        workers: Tiles in flight; None chooses.
        project: Make the result reproduce the scan.
        overwrite: Replace an earlier run.
        resume: Go on with what the folder holds.
        emit: Takes the events.
        say: Takes a sentence at each stage.
        warn: Takes a sentence for each doubt about the inputs; None: ``say`` does.

    Raises:
        UserError: If the inputs don't suit the method, or the output does not fit.
    """
    with claimed(out, say):
        return _fuse(job, inputs, out, chunks, shards, workers, project, overwrite, resume, emit, say, warn or say)


def _fuse(
    job: JobConfig,
    inputs: JobInputs,
    out: Path,
    chunks: int,
    shards: int | None,
    workers: int | None,
    project: bool,
    overwrite: bool,
    resume: bool,
    emit: Callable[[Event], None],
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> Fused:
    device = resolve_device(job.device)
    check_job(job, inputs)
    if project:
        check_projection(job.method_name, job.method, inputs.problem)
    for name in measured_of(inputs.problem.content):  # rather before the training than after it
        get_registry().find("metric", name)
    size = None if inputs.low_res is not None else job.size or DEFAULT_SIZE
    _check_disk(inputs, size, str(out / FUSED))
    checked = None
    if inputs.problem.content == "phases":
        say("Checking the inputs")
        checked = preflight(inputs.fusion)
        for check in checked.warnings:
            warn(f"Warning: {check.sentence}")
    else:
        say(f"The checks of the inputs are for phases; those of {in_words(inputs.problem.content)} are left out")
    package = fit_job(
        job, inputs, out, overwrite=overwrite, resume=resume, emit=emit, began=lambda: say("Training")
    )  # fmt: skip
    _drop_older(package, out, say)
    options = GenerateOptions(
        job.seed, None, (chunks,) * 3, None if shards is None else (shards,) * 3, workers, device, resume,
        periodic=job.periodic,
    )  # fmt: skip
    volume = apply_model(
        package, inputs.low_res, str(out / FUSED), options, size=size, project=project,
        low_res_sha256=inputs.hashes.get("low_res"), emit=emit, say=say,
    )  # fmt: skip
    say("Measuring")
    degradation, note = (None, "") if inputs.low_res is None else judged_by(package, inputs.problem)
    if note:
        say(note)
    measured, image = measure_result(volume, inputs, degradation)
    record = {"fused": to_json(measured), "image": to_json(image), "model": package.digest, "seed": job.seed}
    record["preflight"] = None if checked is None else checked.to_json()
    with replacing(out / NUMBERS) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with replacing(out / PREVIEW) as temporary:
        shown = inputs.images if len(inputs.fusion.groups) > 1 else inputs.image
        montage(temporary, low_res=inputs.low_res, result=volume, image=shown)
    announcing(emit)(RunFinished("fuse", str(out)))
    return Fused(volume, package, measured, image)


def _drop_older(package: Package, out: Path, say: Callable[[str], None]) -> None:
    """Delete the volume, and what was measured and drawn of it, that the model made before it was trained on."""
    try:
        made_by = open_volume(str(out / FUSED)).provenance.get("model")
    except UserError:  # there is none, or it can't be opened, which is reported where it is resumed
        return
    if made_by in (None, package.digest):
        return
    say(f"{out / FUSED} was made by this model before it was trained on, so it is made anew")
    for name in (NUMBERS, PREVIEW, REPORT, REPORT_PDF):
        remove(out / name)
    for name in (f"{FUSED}.tiles.zarr", FUSED):
        discard(out / name)


def _check_disk(inputs: JobInputs, size: Triple | None, out: str) -> None:
    """Refuse before the training an output that will not fit, if it compresses as the image does."""
    image = inputs.image.array
    whole = Region.whole(size or inputs.scan.grid.shape)
    voxels = whole.size if size else whole.scaled(inputs.problem.scale).size
    check_disk(voxels * compressed(image) / inputs.image.grid.region.size, out)
