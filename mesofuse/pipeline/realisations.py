"""Several realisations of one model: volumes of consecutive seeds, what they agree on, and how their numbers spread."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mesofuse.errors import UserError
from mesofuse.evaluation.compare import curves_only
from mesofuse.evaluation.measure import MetricChoice, measure
from mesofuse.evaluation.records import from_json, to_json
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.evaluation.spread_table import SpreadTable, spreads
from mesofuse.interfaces.events import Event
from mesofuse.interfaces.metric import Measured
from mesofuse.models.package import Package
from mesofuse.pipeline.generate import apply_model, check_scan
from mesofuse.pipeline.projection import check_projection, judged_by
from mesofuse.streaming.compute import default_workers
from mesofuse.streaming.plan import check_disk
from mesofuse.streaming.run import GenerateOptions
from mesofuse.streaming.summary import summarise
from mesofuse.volumes.files import check_free, remove, replacing
from mesofuse.volumes.grid import Scale, Triple
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.store.volume import StoredVolume

SUMMARY, RECORD, TABLE = "summary.zarr", "realisations.json", "realisations.csv"
_PART = re.compile(r"seed-\d+\.(zarr|zarr\.tiles\.zarr|json)$")
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Realised:
    """What was made.

    Attributes:
        seeds: Their seeds.
        volumes: The realisations.
        summary: Most probable phases, with the arrays ``probability`` and ``entropy``.
        table: How the measured values spread.
    """

    seeds: tuple[int, ...]
    volumes: tuple[StoredVolume, ...]
    summary: StoredVolume
    table: SpreadTable

    def __str__(self) -> str:
        """Return the table."""
        return str(self.table)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return self.table._repr_html_()


def check_out(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that realisations may not be written to.

    Raises:
        UserError: If it holds something and neither resume nor overwrite is given, or it holds other files.
    """
    if resume and overwrite:
        raise UserError("--resume continues what exists and --overwrite replaces it; give one of them.")
    check_free(out, overwrite=True)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; give the name of a folder.")
    names = [n for n in os.listdir(out) if not n.startswith(".")] if out.exists() else []
    if strangers := sorted(set(names) - set(_parts(out))):
        raise UserError(
            f"{out} holds {strangers[0]!r}, which is no realisation, so it is left alone; name another folder."
        )
    if names and not (resume or overwrite):
        raise UserError(
            f"{out} holds realisations; give --resume to go on, --overwrite to start anew, or another name."
        )


def _parts(out: Path) -> list[str]:
    """Return the names in a folder that belong to realisations."""
    names = os.listdir(out) if out.exists() else []
    return [n for n in names if n in (SUMMARY, RECORD, TABLE) or _PART.match(n)]


def realise(
    package: Package,
    low_res: Labels | None,
    out: Path,
    options: GenerateOptions,
    *,
    count: int,
    metrics: Sequence[MetricChoice],
    size: Triple | None = None,
    voxel_size: Scale | None = None,
    unit: str | None = None,
    project: bool = False,
    emit: Callable[[Event], None] = lambda event: None,
    say: Callable[[str], None] = lambda text: None,
    watch: Watch = lambda name, done, total: None,
) -> Realised:
    """Generate, measure and summarise realisations; ``options.resume`` goes on, also with a larger count.

    Args:
        package: The model.
        low_res: What it is applied to; None for a model that takes none.
        out: Folder of the realisations.
        options: As for one volume; ``seed`` is the first.
        count: How many, of consecutive seeds.
        metrics: What to measure in each.
        size: Voxels of the results of a model that takes no scan.
        voxel_size: Edge of their voxels.
        unit: Its unit.
        project: Make each reproduce the scan.
        emit: Takes the events of the generations.
        say: Takes a sentence at each stage.
        watch: Takes what goes on, how much of it is done and how much there is.

    Raises:
        UserError: If the folder may not be used, or the model doesn't suit; see `apply_model`.
    """
    check_scan(package, low_res is not None, size)
    check_out(out, resume=options.resume, overwrite=options.overwrite)
    if project:
        check_projection(package.method, package.options, package.model.problem)
    if options.overwrite:
        for name in _parts(out):
            remove(out / name)
    out.mkdir(parents=True, exist_ok=True)
    scan = None if options.region else _scan(package, low_res, say)
    seeds = tuple(range(options.seed, options.seed + count))
    volumes, measured = [], []
    sha256: str | None = None
    for done, seed in enumerate(seeds):
        say(f"Realisation {done + 1} of {count}: seed {seed}")
        place = out / f"seed-{seed}.zarr"
        chosen = replace(options, seed=seed, resume=options.resume and place.exists(), overwrite=False)
        volume = apply_model(
            package, low_res, str(place), chosen, size=size, voxel_size=voxel_size, unit=unit, project=project,
            low_res_sha256=sha256, emit=emit, say=say,
        )  # fmt: skip
        sha256 = volume.provenance.get("low_res_sha256")
        volumes.append(volume)
        measured.append(_measured(out / f"seed-{seed}.json", volume, metrics, scan, options.workers, watch))
        if not done:  # what the others take is known now
            check_disk((count - 1) * volume.stored_bytes(), str(out / SUMMARY))
    say("Summarising")
    summary = summarise(
        volumes, str(out / SUMMARY), options, say=say, watch=lambda done, total: watch("summarising", done, total)
    )  # fmt: skip
    spread = SpreadTable(
        seeds, tuple(spreads(measured)), tuple(curves_only(measured)), dict(measured[0].skipped),
        bool(package.model.noise),
    )  # fmt: skip
    made = Realised(seeds, tuple(volumes), summary, spread)
    _write(out, made, measured)
    return made


def _scan(package: Package, low_res: Labels | None, say: Callable[[str], None]) -> ScanReference | None:
    """Return what metrics that compare with the scan need, as far as there is a scan and a model of its instrument."""
    problem = package.model.problem
    degradation, note = (None, "") if low_res is None else judged_by(package, problem)
    if note:
        say(note)
    return ScanReference.of(problem, low_res, degradation)


def _measured(
    record: Path,
    volume: StoredVolume,
    metrics: Sequence[MetricChoice],
    scan: ScanReference | None,
    workers: int | None,
    watch: Watch,
) -> Measured:
    """Measure a realisation, or return what was measured of it before."""
    mark = {"metrics": json.loads(json.dumps(metrics)), "provenance": volume.provenance}
    if record.exists():
        try:
            kept = load_json(record.read_text(encoding="utf-8"))
            if all(kept[key] == value for key, value in mark.items()):
                return from_json(kept["measured"])
        except (ValueError, LookupError, TypeError):
            pass  # damaged: it is measured again
    name = record.stem
    measured = measure(
        volume, metrics, name=name, workers=workers or default_workers("cpu"),
        progress=lambda what, done, total: watch(f"measuring {name}: {what}", done, total), scan=scan,
    )  # fmt: skip
    with replacing(record) as temporary:
        temporary.write_text(json.dumps({**mark, "measured": to_json(measured)}, indent=2) + "\n", encoding="utf-8")
    return measured


def _write(out: Path, made: Realised, measured: Sequence[Measured]) -> None:
    record = {
        "seeds": list(made.seeds),
        "draws": made.table.draws,
        "model": made.summary.provenance.get("model"),
        "spreads": made.table.to_json(),
        "realisations": [to_json(m) for m in measured],
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    for name, data in ((RECORD, text), (TABLE, made.table.to_csv())):
        with replacing(out / name) as temporary:
            temporary.write_text(data, encoding="utf-8")
