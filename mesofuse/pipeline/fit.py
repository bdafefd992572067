"""Fitting a job's method and keeping the model as a package."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mesofuse.config.job import JobConfig, dump_job, load_job
from mesofuse.errors import UserError
from mesofuse.interfaces.events import Event, Note, RunFinished
from mesofuse.interfaces.method import Budget, FitInterrupted, FitRun, Model
from mesofuse.models.device import resolve_device
from mesofuse.models.package import Package, load_package, read_record, save_package
from mesofuse.models.provenance import versions
from mesofuse.pipeline.folder import CONFIG, HASHES, MODEL, TRAINING, run_folder
from mesofuse.pipeline.inputs import JobInputs, open_inputs
from mesofuse.pipeline.size import check_job, image_voxel
from mesofuse.registry import get_registry
from mesofuse.training.parallel import own_device, rank
from mesofuse.volumes.files import remove, replacing
from mesofuse.volumes.json_text import load_json


def announcing(emit: Callable[[Event], None]) -> Callable[[Event], None]:
    """Return what hands an event to ``emit`` and to the plugins that listen."""

    def announce(event: Event) -> None:
        emit(event)
        get_registry().emit(event)

    return announce


def fit_job(
    job: JobConfig,
    inputs: JobInputs,
    out: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    emit: Callable[[Event], None] = lambda event: None,
    began: Callable[[], None] = lambda: None,
) -> Package:
    """Fit the method of a resolved job into ``out/model``; ``resume`` takes a finished model as it is.

    ``began`` is called once, when the method has refused nothing and its first step is done.

    After Ctrl-C the best model so far lies there too, marked as interrupted; ``resume`` goes on from where it was.

    Raises:
        FitInterrupted: On Ctrl-C.
        UserError: The inputs don't suit the method, the folder may not be used, or what is there is another job's.
            The folder is then as it was before.
    """
    if rank():
        raise UserError(
            "Only `mesofuse fuse` and `mesofuse train` share their work among the processes of torchrun; start this "
            "command without it."
        )
    component, options = job.resolve_method()
    check_job(job, inputs)
    device = own_device(resolve_device(job.device))
    announce = announcing(emit)
    with run_folder(out, overwrite=overwrite, resume=resume) as begin:
        if resume and (out / CONFIG).exists():
            _check_same(out, job, inputs)
        _write(out / CONFIG, dump_job(job))
        _write(out / HASHES, json.dumps(inputs.hashes, indent=2) + "\n")
        if finished(out):
            return load_package(out / MODEL)

        starting = True

        def follow(event: Event) -> None:
            nonlocal starting
            if starting and not isinstance(event, Note):  # said before the method has checked all
                starting = False
                begin()
                began()
            announce(event)

        training = out / TRAINING
        training.mkdir(exist_ok=True)
        run = FitRun(training, job.seed, device, Budget(job.steps, job.minutes), resume, follow)
        started = time.monotonic()
        interrupted: FitInterrupted | None = None
        method = component.build(options)
        try:
            model: Model = method.fit(inputs.fusion, run)
        except FitInterrupted as interrupt:
            model, interrupted = interrupt.model, interrupt
    if not any(training.iterdir()):
        remove(training)
    scan = inputs.low_res
    voxel_size, unit = image_voxel(inputs) if scan is None else (scan.grid.voxel_size, scan.grid.unit)
    provenance: dict[str, Any] = {
        "interrupted": interrupted is not None,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": job.seed,
        "device": device,
        "seconds": round(time.monotonic() - started, 1),
        "distribution": f"{component.distribution} {component.version}",
        "inputs": inputs.hashes,
        "versions": versions(),
        "voxel_size": list(voxel_size),
        "unit": unit,
    }
    remove(out / MODEL)
    fitted = getattr(method, "options", options)  # what it estimated is in them as numbers
    kept = fitted if isinstance(fitted, type(options)) else options
    save_package(out / MODEL, model, component.spec.name, kept.model_dump(mode="json"), provenance)
    if interrupted is not None:
        raise interrupted
    announce(RunFinished("train", str(out / MODEL)))
    return load_package(out / MODEL)


def assist(job: JobConfig, out: Path, *, resume: bool = False) -> None:
    """Take part, as one of the further processes of torchrun, in the training that the first one runs by `fit_job`.

    Writes and says nothing. Does nothing where there is nothing to share: the model is there already, or the method
    trains in one process.

    Args:
        job: The job.
        out: The run's folder, which the first process makes.
        resume: As for the first one.

    Raises:
        UserError: The inputs are unusable or don't suit the method.
    """
    component, options = job.resolve_method()
    if (resume and finished(out)) or not getattr(component.load(), "parallel", False):
        return
    device, inputs = own_device(resolve_device(job.device)), open_inputs(job)
    run = FitRun(out / TRAINING, job.seed, device, Budget(job.steps, job.minutes), resume, lambda event: None)
    with suppress(FitInterrupted):
        component.build(options).fit(inputs.fusion, run)


def finished(out: Path) -> bool:
    """Whether a run's folder holds a model whose training was not interrupted."""
    return (out / MODEL).exists() and not read_record(out / MODEL)["provenance"].get("interrupted")


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _read_hashes(out: Path) -> Any:
    """Return what inputs.json holds, or None where it is damaged."""
    try:
        return load_json((out / HASHES).read_text(encoding="utf-8"))
    except ValueError:
        return None


def _check_same(out: Path, job: JobConfig, inputs: JobInputs) -> None:
    """Refuse to resume another configuration or other inputs; until the model is there, the budget may change."""
    free = {"device"} if finished(out) else {"device", "steps", "minutes"}
    before, now = load_job(out / CONFIG).resolved().model_dump(mode="json"), job.model_dump(mode="json")
    differing = sorted(k for k in now if k not in free and before[k] != now[k])
    if differing:
        raise UserError(
            f"The run in {out} was begun with another configuration ({', '.join(differing)} differ); give the same "
            "to resume, --overwrite to start anew, or another --out."
        )
    if (out / HASHES).exists() and _read_hashes(out) != inputs.hashes:
        raise UserError(
            f"The run in {out} was begun with other voxels in its input files; restore the files to resume, or give "
            "--overwrite to start anew, or another --out."
        )
