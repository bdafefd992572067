"""Fitting a method to a pair, and the whole job."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesofuse.api import temporary
from mesofuse.api.model import Model, Size, voxels
from mesofuse.api.pair import Pair
from mesofuse.api.volume import Volume
from mesofuse.api.words import in_python, note
from mesofuse.config.job import JobConfig, dump_job
from mesofuse.errors import UserError
from mesofuse.evaluation.result_table import ResultTable
from mesofuse.pipeline.folder import CONFIG, DEMO_INPUTS, check_folder
from mesofuse.volumes.files import replacing


@dataclass(frozen=True)
class Fused:
    """What `fuse` made.

    Attributes:
        volume: The fused volume.
        model: The model.
        table: The volume's values next to the image's.
        folder: The run's folder, of which `report` makes a page.
    """

    volume: Volume
    model: Model
    table: ResultTable
    folder: Path

    def __repr__(self) -> str:
        """Return the volume and its model in a line."""
        return f"<fused {self.volume!r} by {self.model!r}>"

    def _repr_html_(self) -> str:
        """Return the volume and its values, for a notebook."""
        return self.volume._repr_html_() + self.table._repr_html_()


@in_python
def fit(
    pair: Pair,
    method: str = "superres",
    *,
    preset: str | None = None,
    options: Mapping[str, Any] | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    start: str | Path | Model | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> Model:
    """Fit a method to a pair of scan and image.

    Args:
        pair: The inputs.
        method: Name of the method; ``mesofuse plugins list`` has them all.
        preset: A named starting point of its options; None: the method's own.
        options: Options over the preset, nested as in a configuration: ``{"batch": {"volumes": 4}}``.
        minutes: Budget in minutes.
        steps: Budget in steps, with which a run is repeatable to the bit.
        seed: Makes it repeatable.
        device: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``.
        start: A model of a similar material to begin with.
        out: Folder of the run, which `resume` and the command line continue; None: a temporary one.
        resume: Go on from what the folder holds.
        overwrite: Replace what it holds.
        progress: Show it.

    Raises:
        FitInterrupted: On Ctrl-C; the best model so far is in the folder then.
        UserError: If the method can't be fitted to the pair, or the folder may not be used.
    """
    from mesofuse.console.progress import ProgressPrinter
    from mesofuse.pipeline.fit import fit_job

    job = _job(pair, method, preset, options, minutes, steps, seed, device, start)
    folder = _folder(out, overwrite, resume)
    with ProgressPrinter(quiet=not progress) as bars:
        package = fit_job(job, pair.inputs, folder, overwrite=overwrite, resume=resume, emit=bars.emit)
    _keep_inputs(job, folder)
    return Model(package)


@in_python
def fuse(
    pair: Pair,
    method: str = "superres",
    *,
    preset: str | None = None,
    options: Mapping[str, Any] | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    start: str | Path | Model | None = None,
    out: str | Path | None = None,
    size: Size | None = None,
    periodic: str = "",
    project: bool = False,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> Fused:
    """Do the whole job: check the pair, fit, make the volume, measure and draw it.

    Args:
        pair: The inputs.
        method: See `fit`.
        preset: See `fit`.
        options: See `fit`.
        minutes: See `fit`.
        steps: See `fit`.
        seed: Of training and noise.
        device: See `fit`.
        start: See `fit`.
        out: Folder of the run; None: a temporary one.
        size: See `Model.generate`.
        periodic: See `Model.generate`.
        project: See `Model.generate`.
        workers: See `Model.generate`.
        resume: Go on from what the folder holds.
        overwrite: Replace what it holds.
        progress: Show it.

    Raises:
        FitInterrupted: See `fit`.
        UserError: See `fit` and `Model.generate`.
    """
    from mesofuse.console.progress import ProgressPrinter
    from mesofuse.pipeline.fuse import fuse as run

    more = {"size": voxels(size), "periodic": periodic}
    job = _job(pair, method, preset, options, minutes, steps, seed, device, start, **more)
    folder = _folder(out, overwrite, resume)
    with ProgressPrinter(quiet=not progress) as bars:
        made = run(
            job, pair.inputs, folder, workers=workers, project=project, overwrite=overwrite, resume=resume,
            emit=bars.emit, say=bars.say, warn=note,
        )  # fmt: skip
    _keep_inputs(job, folder)
    table = ResultTable([made.image, made.measured], made.image)
    return Fused(Volume(made.volume, made.volume.path), Model(made.package), table, folder)


def _job(
    pair: Pair,
    method: str,
    preset: str | None,
    options: Mapping[str, Any] | None,
    minutes: float | None,
    steps: int | None,
    seed: int,
    device: str,
    start: str | Path | Model | None,
    **more: Any,
) -> JobConfig:
    if not isinstance(options or {}, Mapping):
        raise UserError(f"The argument options is {options!r}; give a mapping, such as {{'batch': {{'volumes': 4}}}}.")
    chosen: dict[str, Any] = {"name": method, **({"preset": preset} if preset else {}), **(options or {})}
    begin = start.path if isinstance(start, Model) else start
    return pair.job(
        method=chosen, minutes=minutes, steps=steps, seed=seed, device=device,
        start=None if begin is None else str(Path(begin).absolute()), **more,
    )  # fmt: skip


def _folder(out: str | Path | None, overwrite: bool, resume: bool) -> Path:
    folder = temporary.folder("run") if out is None else Path(out)
    check_folder(folder, overwrite=overwrite, resume=resume)
    return folder


def _keep_inputs(job: JobConfig, folder: Path) -> None:
    """Copy arrays that were given into the run's folder, whose configuration then names them there."""
    if temporary.is_temporary(folder):
        return
    files = {axes: path for axes, path in job.images.items() if temporary.is_temporary(path)}
    scan = job.low_res if job.low_res is not None and temporary.is_temporary(job.low_res) else None
    if not files and scan is None:
        return
    inputs = folder / DEMO_INPUTS
    inputs.mkdir(exist_ok=True)
    kept = {axes: inputs / (f"image-{axes}.npy" if len(job.images) > 1 else "image.npy") for axes in files}
    for axes, path in kept.items():
        _copy(files[axes], path)
    images = {axes: str(kept.get(axes, path)) for axes, path in job.images.items()}
    update: dict[str, Any] = {"high_res": images if isinstance(job.high_res, dict) else images[next(iter(images))]}
    if scan is not None:
        _copy(scan, inputs / "scan.npy")
        update["low_res"] = str(inputs / "scan.npy")
    absolute = job.model_copy(update=update)
    with replacing(folder / CONFIG) as partial:
        partial.write_text(dump_job(absolute, folder), encoding="utf-8")


def _copy(source: str, target: Path) -> None:
    with replacing(target) as partial:
        shutil.copyfile(source, partial)
