"""Fitting a job's method and keeping the model as a package."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mesofuse.config.job import JobConfig, dump_job
from mesofuse.errors import UserError
from mesofuse.interfaces.events import Event, RunFinished
from mesofuse.interfaces.method import Budget, FitRun
from mesofuse.models.device import resolve_device
from mesofuse.models.package import Package, load_package, save_package
from mesofuse.models.provenance import versions
from mesofuse.pipeline.inputs import JobInputs
from mesofuse.volumes.files import replacing

CONFIG, MODEL, TRAINING = "config.yaml", "model", "training"


def prepare_folder(out: Path, *, overwrite: bool, resume: bool) -> None:
    """Make the run's folder, or check that the one that is there may be used.

    Raises:
        UserError: It exists and neither overwrite nor resume is given, or it is not a run's folder.
    """
    if out.exists():
        ours = out.is_dir() and ((out / CONFIG).exists() or not any(out.iterdir()))
        if not ours:
            raise UserError(f"{out} exists and is not a folder of a mesofuse run; give another --out.")
        if any(out.iterdir()) and not (overwrite or resume):
            raise UserError(f"{out} exists already; give --resume to go on with it, --overwrite to start anew, or another --out.")
        if overwrite and not resume:
            shutil.rmtree(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {out} can't be made: {error.strerror}; give another --out.") from error


def fit_job(
    job: JobConfig, inputs: JobInputs, out: Path, *, resume: bool, emit: Callable[[Event], None]
) -> Package:
    """Fit the method of a job, resolved, into ``out/model``; with ``resume`` a finished model is taken as it is.

    Raises:
        UserError: The inputs don't suit the method, or what is there belongs to another job.
    """
    component, options = job.resolve_method()
    config = out / CONFIG
    text = dump_job(job)
    if resume and config.exists():
        _check_same(config, job)
    with replacing(config) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if resume and (out / MODEL).exists():
        package = load_package(out / MODEL)
        if package.provenance.get("inputs") == inputs.hashes:
            return package
        raise UserError(f"The model in {out} was made from other inputs; give --overwrite to start anew, or another --out.")
    training = out / TRAINING
    training.mkdir(exist_ok=True)
    run = FitRun(training, job.seed, resolve_device(job.device), Budget(job.steps, job.minutes), resume, emit)
    started = time.monotonic()
    try:
        model = component.build(options).fit(inputs.fusion, run)
    except UserError:
        # Refused before it began: leave no trace of a run that never was.
        if not any(training.iterdir()):
            shutil.rmtree(out)
        raise
    provenance: dict[str, Any] = {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": job.seed,
        "device": run.device,
        "seconds": round(time.monotonic() - started, 1),
        "distribution": f"{component.distribution} {component.version}",
        "inputs": inputs.hashes,
        "versions": versions(),
        "voxel_size": list(inputs.low_res.grid.voxel_size),
        "unit": inputs.low_res.grid.unit,
        **getattr(model, "notes", {}),
    }
    save_package(out / MODEL, model, component.spec.name, options.model_dump(mode="json"), provenance)
    emit(RunFinished("train", str(out / MODEL)))
    return load_package(out / MODEL)


def _check_same(config: Path, job: JobConfig) -> None:
    """Refuse to resume a run with another configuration; the budget and the device may change."""
    from mesofuse.config.job import load_job

    free = {"steps", "minutes", "device"}
    before, now = load_job(config).resolved().model_dump(mode="json"), job.model_dump(mode="json")
    differing = sorted(k for k in now if k not in free and before[k] != now[k])
    if differing:
        raise UserError(
            f"The run in {config.parent} was begun with another configuration ({', '.join(differing)} differ); give the same "
            "to resume, --overwrite to start anew, or another --out."
        )
