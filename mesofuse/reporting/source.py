"""What a report shows, gathered from the folder of a run or of a comparison, and measured where it is missing."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mesofuse.comparison.columns import (
    IMAGE,
    REFERENCE,
    Bench,
    Progress,
    placed_image,
)
from mesofuse.comparison.entry import COMPARISON, RUN, Usage
from mesofuse.comparison.run import open_ready, reopen
from mesofuse.config.comparison import METRICS, ComparisonConfig, load_comparison, make_comparison
from mesofuse.config.inputs import InputsConfig, check_inputs_there, with_inputs
from mesofuse.config.job import load_job
from mesofuse.config.places import other_inputs
from mesofuse.errors import UserError
from mesofuse.evaluation.comparison import Column, Line, lines
from mesofuse.evaluation.measure import MetricChoice
from mesofuse.evaluation.subvolumes import Sampled
from mesofuse.interfaces.degradation import Degradation
from mesofuse.models.package import read_record
from mesofuse.pipeline.fit import recorded_hashes
from mesofuse.pipeline.folder import CONFIG, DEMO_INPUTS, FUSED, MODEL, NUMBERS, TRAINING
from mesofuse.pipeline.inputs import JobInputs, open_inputs, scaled
from mesofuse.pipeline.measuring import OF_IMAGE
from mesofuse.registry import get_registry
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.store.opening import open_volume
from mesofuse.volumes.store.volume import StoredVolume

SUBVOLUMES, CURVES, LAGS = 128, 32, 32
WORK = ".report"


_Config = TypeVar("_Config", bound=InputsConfig)


@dataclass(frozen=True)
class Source:
    """A run or a comparison, measured.

    Attributes:
        folder: Its folder.
        config: What is shown, as a comparison.
        inputs: The opened inputs.
        labels: The volumes and the image by name, the reference (or else the image) first.
        columns: What was measured, in the same order.
        lines: The table.
        curves: For each name its curves in subvolumes.
        usage: Time and memory, where they are known.
        packages: For each volume that a model made, the record of the model package.
        runs: For each trained volume its training's folder.
        preflight: The checks of the inputs.
        degradation: The model of the instrument; None without a scan.
    """

    folder: Path
    config: ComparisonConfig
    inputs: JobInputs
    labels: dict[str, Labels]
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    curves: dict[str, Sampled]
    usage: dict[str, Usage]
    packages: dict[str, dict[str, Any]]
    runs: dict[str, Path]
    preflight: tuple[dict[str, Any], ...]
    degradation: Degradation | None


@dataclass(frozen=True)
class Sampling:
    """What to measure for a run; a comparison says it itself.

    Attributes:
        metrics: Names of metrics, or None for the usual.
        subvolumes: How many, or None.
        size: Their edge, or None for 64 or what the image holds.
        reference: The true volume, or None.
        workers: Processes.
        low_res: Where the scan is, if not where the folder says.
        high_res: Where the image, or the images by axes, are, likewise.
    """

    metrics: tuple[str, ...] | None = None
    subvolumes: int | None = None
    size: int | None = None
    reference: str | None = None
    workers: int = 1
    low_res: str | None = None
    high_res: str | dict[str, str] | None = None


def open_source(
    folder: Path,
    sampling: Sampling,
    *,
    say: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda name, done, total: None,
) -> Source:
    """Open the folder of a run or comparison and measure what is missing; the measurements are kept in it.

    Raises:
        UserError: If it is neither, is not finished, or its inputs are gone.
    """
    if (folder / COMPARISON).exists():
        return _comparison(folder, sampling, say, progress)
    if (folder / CONFIG).exists() and (folder / FUSED).exists():
        return _run(folder, sampling, say, progress)
    what = "does not exist" if not folder.exists() else "holds no finished run and no comparison"
    raise UserError(f"{folder} {what}; give the folder that `mesofuse fuse` or `mesofuse compare` made.")


def _comparison(folder: Path, sampling: Sampling, say: Callable[[str], None], progress: Progress) -> Source:
    if sampling.metrics or sampling.subvolumes or sampling.size or sampling.reference:
        raise UserError(
            f"{folder} is a comparison, which says itself what is measured; leave out --metrics, --subvolumes, "
            "--size and --reference, or give them to `mesofuse compare`."
        )
    config = _moved(load_comparison(folder / COMPARISON), sampling, folder, COMPARISON)
    done = reopen(config, folder, workers=sampling.workers, say=say, progress=progress)
    made = {e.name: folder / e.name / RUN for e in config.compare if e.method is not None}
    models = {name: run / MODEL for name, run in made.items()}
    models |= {e.name: Path(e.model) for e in config.compare if e.model is not None}
    return Source(
        folder, config, done.inputs, done.labels, done.columns, done.lines,
        _curves(done.labels, done.bench), done.usage,
        {name: read_record(path) for name, path in models.items()},
        {name: run / TRAINING for name, run in made.items()}, _checks(done.inputs, {}),
        done.bench.degradation,
    )  # fmt: skip


def _run(folder: Path, sampling: Sampling, say: Callable[[str], None], progress: Progress) -> Source:
    job = _moved(load_job(folder / CONFIG), sampling, folder, CONFIG)
    inputs = open_inputs(job)
    if other := other_inputs(inputs.hashes, recorded_hashes(folder)):
        raise UserError(f"The inputs are not those that {folder} was made from: {other} has other voxels.")
    job = scaled(job, inputs)
    record = read_record(folder / MODEL)
    volume = open_volume(folder / FUSED)
    truth = folder / DEMO_INPUTS / "truth.tif"
    reference = sampling.reference or (str(truth.absolute()) if truth.exists() else None)
    shapes = [n for image in inputs.fusion.groups.values() for n in image.grid.shape[1:]]
    size = sampling.size or min(64, *(n for n in volume.grid.shape if n > 1), *shapes)
    usual = METRICS if inputs.problem.phases else OF_IMAGE[inputs.problem.content]
    fields: dict[str, Any] = {key: getattr(job, key) for key in InputsConfig.model_fields}
    fields |= {
        "compare": [{"name": "fused", "volume": str((folder / FUSED).absolute())}], "reference": reference,
        "metrics": sampling.metrics or usual, "subvolumes": sampling.subvolumes or SUBVOLUMES, "size": size,
    }  # fmt: skip
    if record["options"].get("degradation"):
        fields["degradation"] = record["options"]["degradation"]
    config = make_comparison(fields, "the report").resolved()
    labels: dict[str, Labels] = {REFERENCE: open_ready(reference, inputs, say)} if reference else {}
    labels |= {IMAGE: placed_image(inputs), "fused": volume}
    work = folder / WORK
    bench = Bench(config, inputs, work, workers=sampling.workers, say=say, progress=progress)
    columns = bench.measure_all(labels)
    numbers = folder / NUMBERS
    try:
        known = load_json(numbers.read_text("utf-8")) if numbers.exists() else {}
    except ValueError as error:
        raise UserError(f"{numbers} is damaged ({error}); `mesofuse fuse --resume` writes it again.") from error
    return Source(
        folder, config, inputs, labels, tuple(columns), tuple(lines(columns, columns[0])),
        _curves(labels, bench), {}, {"fused": record},
        {"fused": folder / TRAINING}, _checks(inputs, known), bench.degradation,
    )  # fmt: skip


def _moved(config: _Config, sampling: Sampling, folder: Path, file: str) -> _Config:
    """Return a folder's configuration with its inputs where they are now.

    Raises:
        UserError: If one of them is not there.
    """
    found = with_inputs(config, sampling.low_res, sampling.high_res)
    check_inputs_there(found, folder / file)
    return found


def _curves(labels: dict[str, Labels], bench: Bench) -> dict[str, Sampled]:
    bench.say("Measuring correlations and chords")
    if bench.inputs.problem.content != "phases":
        return {
            n: bench.sample_all(n, v, ["variogram"], min(CURVES, bench.config.subvolumes)) for n, v in labels.items()
        }
    options = {"lags": max(1, min(LAGS, bench.config.size // 2)), "cross": False}
    count = min(CURVES, bench.config.subvolumes)
    found = {}
    for name, volume in labels.items():
        if len(volume.phases) > 16:  # as many as the two-point correlation takes; the figure would show no more either
            continue
        metrics: list[MetricChoice] = [("two-point-correlation", options), "chord-length"]
        found[name] = bench.sample_all(name, volume, metrics, count)
    return found


def _checks(inputs: JobInputs, known: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the checks that the run recorded, or make them now."""
    from mesofuse.preflight.run import preflight

    if inputs.problem.content != "phases":
        return ()
    recorded = known.get("preflight") or preflight(inputs.fusion).to_json()
    return tuple(recorded["checks"] if isinstance(recorded, dict) else recorded)


def training_rows(folder: Path) -> list[dict[str, float]]:
    """Return a training's record, one mapping per step with the cells that are filled; nothing where there is none."""
    file = folder / "metrics.csv"
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        rows = [_numbers(row) for row in csv.DictReader(stream)]
    return [row for row in rows if "step" in row]


def _numbers(row: dict[str, Any]) -> dict[str, float]:
    found = {}
    for key, text in row.items():
        try:
            value = float(text)
        except (TypeError, ValueError):  # an empty cell, or a line that a kill cut off
            continue
        if np.isfinite(value):
            found[key] = value
    return found


def citations(source: Source) -> tuple[tuple[str, str], ...]:
    """Return each BibTeX entry once, with the components that it is the source of."""
    parts: dict[str, list[str]] = {}
    registry = get_registry()
    named = [("metric", c if isinstance(c, str) else c[0]) for c in source.config.metric_choices]
    named += [("degradation", source.config.degradation["name"])]
    for record in source.packages.values():
        named += [("method", record["method"]), *_named(record["options"])]
    for kind, name in dict.fromkeys(named):
        entry = next((c.spec.citation for c in registry.components(kind) if c.spec.name == name), "")
        if entry:
            parts.setdefault(entry, []).append(f"{kind} {name}")
    return tuple((f"For the {', '.join(uses)}:", entry) for entry, uses in parts.items())


def _named(options: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    for kind, value in options.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict) and "name" in part:
                yield ("loss" if kind == "losses" else kind), part["name"]


def provenance(source: Source) -> tuple[tuple[str, str], ...]:
    """Return names and values that say where everything comes from."""
    config, rows = source.config, []
    files = [("low-res", config.low_res)]
    files += [("high-res" if len(config.images) == 1 else f"high-res {k}", path) for k, path in config.images.items()]
    for key, path in [*files, ("reference", config.reference)]:
        if path:
            rows.append((key, Path(path).name if "://" not in path else path))
    rows += [(f"SHA-256 of {name}", digest) for name, digest in source.inputs.hashes.items()]
    if source.inputs.low_res is not None:
        rows.append(("scale factor", " × ".join(f"{s:g}" for s in source.inputs.problem.scale)))
    rows.append(("seed", str(config.seed)))
    shows = zip(source.inputs.problem.low_phases, source.inputs.problem.match.shows, strict=True)
    names = [p.name for p in source.inputs.problem.phases]
    rows += [(f"scan's {low.name}", "shows " + ", ".join(names[v] for v in seen)) for low, seen in shows]
    for name, record in source.packages.items():
        rows += [(f"{name}: method", record["method"]), (f"{name}: model", record["digest"])]
        rows += [(f"{name}: {key}", text) for key, text in _flat(record["provenance"])]
    for name, volume in source.labels.items():
        if isinstance(volume, StoredVolume):
            rows += [(f"{name}: volume's {key}", text) for key, text in _flat(volume.provenance)]
    return tuple(rows)


def _flat(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else f"{value}"
            yield f"{prefix}{key}", text
