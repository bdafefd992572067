"""``mesofuse measure``: numbers of volumes and images, beside each other and against a reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mesofuse.cli import options
from mesofuse.errors import UserError
from mesofuse.volumes.grid import Scale, parse_scale

if TYPE_CHECKING:
    from mesofuse.interfaces.degradation import Degradation
    from mesofuse.interfaces.metric import Measured
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.phases import PhaseMatch

DEFAULT = "volume-fraction,surface-area"


@click.command("measure")
@click.argument("volumes", nargs=-1, required=True, metavar="VOLUME...")
@click.option("--reference", metavar="FILE", help="Volume or image that errors are relative to.")
@click.option("--metrics", metavar="NAME,...", help=f"What to measure: names, or 'all'. [default: {DEFAULT}]")
@click.option("--phases", metavar="NAME,...", help="Names of the phases by label, for files that have none.")
@click.option("--low-res", metavar="FILE", help="The scan that VOLUME was made from: adds low-res-consistency.")
@click.option("--scale", callback=lambda _c, _p, v: parse_scale(v) if v else None, metavar="N[,N,N]",
              help="Voxels of VOLUME along one of the scan.")  # fmt: skip
@click.option("--shows", multiple=True, metavar="LOW=NAME,...",
              help="Which phases a phase of the scan shows; the same number if left out.")  # fmt: skip
@click.option("--degradation", default="blur-downsample", show_default=True, metavar="NAME",
              help="What the scanner does to the material.")  # fmt: skip
@click.option("--stack", is_flag=True, help="The files are stacks of separate images, not volumes.")
@click.option("--json", "json_path", metavar="FILE", help="Write all as JSON; - prints it instead of the table.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Threads.")
@options.voxel_size
@options.unit
def command(
    volumes: tuple[str, ...],
    reference: str | None,
    metrics: str | None,
    phases: str | None,
    low_res: str | None,
    scale: Scale | None,
    shows: tuple[str, ...],
    degradation: str,
    stack: bool,
    json_path: str | None,
    workers: int,
    voxel_size: Scale | None,
    unit: str | None,
) -> None:
    """Measure VOLUMEs (zarr volumes, stacks, images) and show them beside each other.

    \b
    Example:
      mesofuse measure fused.zarr --reference sem.tif --phases pore,active,binder
      mesofuse measure fused.zarr --low-res scan.tif --scale 4 --shows 0=pore,binder --shows 1=active
    """  # noqa: D301 - click wants the control character itself
    from mesofuse.evaluation.measure import measure

    paths = list(dict.fromkeys([*([reference] if reference else []), *volumes]))
    opened = _open_all(paths, phases, voxel_size, unit)
    chosen: list[Any] = _metric_names(metrics, low_res is not None)
    measured = {}
    with _Progress(paths, quiet=json_path == "-") as progress:
        for path in paths:
            scan: dict[str, Any] = {}
            if low_res and path in volumes and (path != reference or len(paths) == 1):
                scan = _scan(low_res, opened[path], scale, shows, degradation)
            measured[path] = measure(
                opened[path], chosen, stack=stack, name=path, workers=workers, progress=progress.of(path), **scan
            )
    columns = [measured[path] for path in paths]
    _report(columns, measured[reference] if reference else None, json_path)


def _open_all(
    paths: Sequence[str], phases: str | None, voxel_size: Scale | None, unit: str | None
) -> dict[str, Labels]:
    """Open all files so that a label means the same phase in each: files without names take them from one that has."""
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats import BUILTIN
    from mesofuse.volumes.labelling import LabelMapping, read_labels

    def opened(path: str, names: Sequence[str]) -> tuple[Labels, LabelMapping]:
        formats = (*BUILTIN, *get_registry().formats)
        return read_labels(
            path, formats=formats, phase_names=names, voxel_size=voxel_size, unit=unit, allow_single_phase=True
        )

    given = [name.strip() for name in phases.split(",")] if phases else []
    files = {path: opened(path, given) for path in paths}
    names = next(([p.name for p in v.phases] for v, _ in files.values() if not _unnamed(v)), [])
    if names and not given:
        files |= {path: opened(path, names) for path, (volume, _) in files.items() if _unnamed(volume)}
    counts = {path: len(volume.phases) for path, (volume, _) in files.items()}
    if len(set(counts.values())) > 1 and any(_unnamed(volume) for volume, _ in files.values()):
        listing = ", ".join(f"{path} has {count}" for path, count in counts.items())
        raise UserError(
            f"The files have different numbers of phases ({listing}), so it is not clear which is which: "
            "name the phases by label, for example --phases pore,active,binder."
        )
    for path, (_, mapping) in files.items():
        if mapping.changed:
            click.echo(f"{path}: values taken as labels: {mapping}", err=True)
    return {path: volume for path, (volume, _) in files.items()}


def _unnamed(volume: Labels) -> bool:
    return all(phase.name == f"phase {phase.value}" for phase in volume.phases)


def _metric_names(metrics: str | None, low_res: bool) -> list[str]:
    from mesofuse.registry import get_registry

    if metrics == "all":
        return [c.spec.name for c in get_registry().components("metric")]
    names = [name.strip() for name in (metrics or DEFAULT).split(",") if name.strip()]
    for name in names:
        get_registry().find("metric", name)
    return names + (["low-res-consistency"] if low_res and "low-res-consistency" not in names else [])


def _scan(path: str, volume: Labels, scale: Scale | None, shows: Sequence[str], degradation: str) -> dict[str, Any]:
    """Open the scan and build its degradation for a volume."""
    from mesofuse.interfaces.problem import Problem
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats import BUILTIN
    from mesofuse.volumes.labelling import read_labels

    if scale is None:
        raise UserError("--low-res needs --scale beside it: how many voxels of the volume lie along one of the scan.")
    low, _ = read_labels(path, formats=(*BUILTIN, *get_registry().formats))
    match = _match(shows, low, volume)
    built: Degradation = get_registry().find("degradation", degradation).build(
        None, Problem(scale, low.phases, volume.phases, match)
    )  # fmt: skip
    return {"low_res": low, "match": match, "scale": scale, "degradation": built}


def _match(shows: Sequence[str], low: Labels, high: Labels) -> PhaseMatch:
    from mesofuse.volumes.phases import PhaseMatch, parse_rules

    if not shows:
        return PhaseMatch.by_index(len(low.phases), len(high.phases))
    return PhaseMatch.parse(parse_rules(shows), low.phases, high.phases)


def _report(columns: Sequence[Measured], reference: Measured | None, json_path: str | None) -> None:
    from mesofuse.evaluation.compare import table
    from mesofuse.evaluation.records import row_to_json, to_json

    rows = table(columns, reference)
    data = {
        "volumes": [to_json(m) for m in columns],
        "reference": reference.volume if reference else None,
        "table": [row_to_json(row) for row in rows],
    }
    if json_path == "-":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
        return
    if json_path:
        from mesofuse.volumes.files import replacing

        with replacing(Path(json_path)) as temporary:
            temporary.write_text(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    from mesofuse.cli.measure_table import print_table

    print_table(rows, columns, reference)


class _Progress:
    """A bar a volume on stderr, where someone watches."""

    def __init__(self, paths: Sequence[str], quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
        self._tasks = {path: self._bar.add_task(Path(path).name, total=None) for path in paths}

    def of(self, path: str) -> Any:
        """Return the callback of one volume."""
        return lambda done, total: self._bar.update(self._tasks[path], completed=done, total=total)

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
