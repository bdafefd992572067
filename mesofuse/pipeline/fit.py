"""Fitting a job's method and keeping the model as a package."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.config.job import JobConfig, dump_job, load_job
from mesofuse.config.places import INPUTS
from mesofuse.errors import UserError
from mesofuse.interfaces.events import CheckpointSaved, Event, Note, RunFinished, TrainingStep
from mesofuse.interfaces.method import Budget, FitDiverged, FitInterrupted, FitRun, Model
from mesofuse.interfaces.options import Options
from mesofuse.interfaces.traits import MethodTraits
from mesofuse.models.device import resolve_device
from mesofuse.models.package import Package, load_package, read_record, save_package
from mesofuse.models.provenance import versions
from mesofuse.models.record import DamagedPackage
from mesofuse.pipeline.folder import (
    CONFIG,
    HASHES,
    MODEL,
    TRAINING,
    can_go_on,
    forget_training,
    of_worth,
    run_folder,
)
from mesofuse.pipeline.inputs import JobInputs, open_inputs
from mesofuse.pipeline.output_size import check_job, image_voxel
from mesofuse.registry import Component, get_registry
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
    profile: bool = False,
    emit: Callable[[Event], None] = lambda event: None,
    began: Callable[[], None] = lambda: None,
) -> Package:
    """Fit the method of a resolved job into ``out/model``; ``resume`` takes a finished model as it is.

    ``began`` is called once, when the method has refused nothing and its first step is done. ``profile`` lets the
    method emit, at the end, where its time went.

    A finished model is trained on where the job's budget is another one than the model's, and kept until there is a
    better one; without a budget, the folder's is taken. After Ctrl-C, SIGTERM or a divergence the best model so far
    lies there too, marked as interrupted; ``resume`` goes on from where it was.

    Raises:
        FitInterrupted: On Ctrl-C or SIGTERM.
        UserError: If the inputs don't suit the method, the folder may not be used, what exists is another job's, or
            the training diverged. If nothing of worth was made, the folder is then as it was before.
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
    with run_folder(out, overwrite=overwrite, resume=resume, say=lambda text: announce(Note(text))) as begin:
        before = _before(out, resume)
        if before is not None:
            _check_same(out, before, job, inputs)
            before = before.model_copy(update={key: getattr(job, key) for key in INPUTS})  # they may have been moved
            _write(out / CONFIG, dump_job(before, out))
            job = _with_budget(job, before)
        done = finished(out)
        if done and not _goes_on(out, job, before):
            try:
                return load_package(out / MODEL)
            except DamagedPackage as error:
                if not can_go_on(out) and component.load().trains:
                    raise
                announce(Note(f"{error} It is made again from what the training kept."))
                done = False
        training = out / TRAINING
        if not can_go_on(out):
            remove(training)
        _write(out / CONFIG, dump_job(job, out))
        _write(out / HASHES, json.dumps(inputs.hashes, indent=2) + "\n")
        training.mkdir(exist_ok=True)
        stepped = False

        def follow(event: Event) -> None:
            nonlocal stepped
            if not stepped and isinstance(event, TrainingStep):
                stepped = True
                began()
            announce(event)
            if isinstance(event, CheckpointSaved):
                begin()

        budget, start = Budget(job.steps, job.minutes), _start(job, inputs, component, options)
        run = FitRun(training, job.seed, device, budget, resume, follow, start.arrays, profile)
        started = time.monotonic()
        end: FitInterrupted | FitDiverged | None = None
        method = component.build(options)
        try:
            model: Model | None = method.fit(inputs.fusion, run)
        except (FitInterrupted, FitDiverged) as error:
            model, end = error.model, error
        if model is None:
            assert end is not None
            forget_training(out)
            raise end
        if done and before is not None and not stepped and end is None and _within(job, _made_with(out, before)):
            announce(Note(f"The model in {out / MODEL} has used up this budget already, and stays as it is."))
            _write(out / CONFIG, dump_job(before, out))
            return load_package(out / MODEL)
        if not any(training.iterdir()):
            remove(training)
        fitted = getattr(method, "options", options)  # what it estimated is in them as numbers
        kept = fitted if isinstance(fitted, type(options)) else options
        provenance = {
            "interrupted": end is not None,
            "budget": {"steps": job.steps, "minutes": job.minutes},
            **({"start": start.digest} if start.digest else {}),
            **_origin(job, inputs, component, device, time.monotonic() - started),
        }
        name = component.spec.name
        save_package(out / MODEL, model, name, kept.model_dump(mode="json"), provenance, overwrite=True)
        begin()
        if isinstance(end, FitDiverged):
            raise UserError(
                f"{str(end).rstrip('.')}, with --overwrite or another --out. The model kept is {out / MODEL}."
            )
        if end is not None:
            raise end
    announce(RunFinished("train", str(out / MODEL)))
    return load_package(out / MODEL)


@dataclass(frozen=True)
class _Start:
    """What a training begins with: the arrays of an earlier model and its digest, or nothing."""

    arrays: Mapping[str, np.ndarray] | None = None
    digest: str = ""


def _start(job: JobConfig, inputs: JobInputs, component: Component, options: Options) -> _Start:
    """Return the arrays of the model that the job begins with.

    Raises:
        UserError: If the method begins with none, or the model is of another method, recipe or material.
    """
    if job.start is None:
        return _Start()
    name = component.spec.name
    if not MethodTraits.of(component.load()).warm:
        raise UserError(f"The method {name!r} can't begin with an earlier model; leave out --from.")
    package = load_package(Path(job.start))
    if package.method != name:
        raise UserError(
            f"The model {job.start} is one of the method {package.method!r}, but this job's is {name!r}; give a model "
            f"of that method, or --method {package.method}."
        )
    arrays = package.model.state()
    try:
        component.build(options).restore(inputs.fusion.problem, arrays)
    except ValueError as error:
        raise UserError(
            f"The training can't begin with the model {job.start}: {str(error).rstrip('.')}. Its recipe, phases and "
            "scale factor must be this job's; give the same, or leave out --from."
        ) from error
    return _Start(arrays, package.digest)


def _origin(job: JobConfig, inputs: JobInputs, component: Component, device: str, seconds: float) -> dict[str, Any]:
    scan = inputs.low_res
    voxel_size, unit = image_voxel(inputs) if scan is None else (scan.grid.voxel_size, scan.grid.unit)
    return {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": job.seed,
        "device": device,
        "seconds": round(seconds, 1),
        "distribution": f"{component.distribution} {component.version}",
        "inputs": inputs.hashes,
        "versions": versions(),
        "voxel_size": list(voxel_size),
        "unit": unit,
    }


def assist(job: JobConfig, out: Path, *, resume: bool = False) -> None:
    """Take part, as one of the further processes of torchrun, in the training that the first one runs by `fit_job`.

    Writes and says nothing. Does nothing where there is nothing to share: the model exists already, or the method
    trains in one process.

    Args:
        job: The job.
        out: The run's folder, which the first process makes.
        resume: As for the first one.

    Raises:
        UserError: If the inputs are unusable or don't suit the method.
    """
    component, options = job.resolve_method()
    before = _before(out, resume)
    job = job if before is None else _with_budget(job, before)
    done = resume and finished(out) and not _goes_on(out, job, before)
    if done or not MethodTraits.of(component.load()).parallel:
        return
    device, inputs = own_device(resolve_device(job.device)), open_inputs(job)
    budget, start = Budget(job.steps, job.minutes), _start(job, inputs, component, options)
    run = FitRun(out / TRAINING, job.seed, device, budget, resume, lambda event: None, start.arrays)
    with suppress(FitInterrupted):
        component.build(options).fit(inputs.fusion, run)


def finished(out: Path) -> bool:
    """Return whether a run's folder holds a model whose training was not interrupted.

    Raises:
        UserError: If the model is damaged, and there is nothing to make it again from.
    """
    try:
        return (out / MODEL).exists() and not read_record(out / MODEL)["provenance"].get("interrupted")
    except DamagedPackage:
        if can_go_on(out):
            return False
        raise


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _before(out: Path, resume: bool) -> JobConfig | None:
    """Return the job that a folder was begun with, if it is resumed."""
    return load_job(out / CONFIG).resolved() if resume and (out / CONFIG).exists() and of_worth(out) else None


def _with_budget(job: JobConfig, before: JobConfig) -> JobConfig:
    """Return a job with the budget of the one before where it has none of its own."""
    if job.steps is not None or job.minutes is not None:
        return job
    return job.model_copy(update={"steps": before.steps, "minutes": before.minutes})


def _goes_on(out: Path, job: JobConfig, before: JobConfig | None) -> bool:
    """Return whether a finished model is to be trained on, since the job has another budget.

    Raises:
        UserError: If it is, but the folder does not hold what its training could go on from.
    """
    component, _ = job.resolve_method()
    if not component.load().trains or _made_with(out, before) == {"steps": job.steps, "minutes": job.minutes}:
        return False
    if not can_go_on(out):
        raise UserError(
            f"The run in {out} is finished, and its folder {TRAINING!r} holds no checkpoint to train on from: leave "
            "out --steps and --minutes to keep its model, or give --overwrite to start anew."
        )
    return True


def _made_with(out: Path, before: JobConfig | None) -> dict[str, Any]:
    """Return the budget that a finished model was made with; packages of the first versions do not say it."""
    made: dict[str, Any] | None = read_record(out / MODEL)["provenance"].get("budget")
    if made is None:
        return {} if before is None else {"steps": before.steps, "minutes": before.minutes}
    return made


def _within(job: JobConfig, made: dict[str, Any]) -> bool:
    """Return whether a job's budget is no larger than that of a finished model."""
    budget = {"steps": job.steps, "minutes": job.minutes}
    return all(v is None or (made.get(k) is not None and v <= made[k]) for k, v in budget.items())


def _check_same(out: Path, before: JobConfig, job: JobConfig, inputs: JobInputs) -> None:
    """Refuse to resume another configuration or other inputs; device and budget may change."""
    recorded = recorded_hashes(out)
    # Files may have been moved: where the folder says which voxels it was begun with, these count.
    free = {"device", "steps", "minutes", *(INPUTS if recorded is not None else ())}
    earlier, now = before.model_dump(mode="json"), job.model_dump(mode="json")
    differing = sorted(k for k in now if k not in free and earlier[k] != now[k])
    if differing:
        raise UserError(
            f"The run in {out} was begun with another configuration ({', '.join(differing)} differ); give the same "
            "to resume, --overwrite to start anew, or another --out."
        )
    if recorded is not None and recorded != inputs.hashes:
        raise UserError(
            f"The run in {out} was begun with other voxels in its input files; restore the files to resume, or give "
            "--overwrite to start anew, or another --out."
        )


def recorded_hashes(out: Path) -> Any:
    """Return the digests of the inputs that a run's folder was begun with, or None where it does not say.

    Raises:
        UserError: If the record is damaged.
    """
    try:
        return load_json((out / HASHES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise UserError(
            f"{out / HASHES} is damaged; delete it if the input files are still those that the run was begun with."
        ) from None
