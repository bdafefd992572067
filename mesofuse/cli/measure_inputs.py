"""What ``mesofuse measure`` is given: files, metrics with their options, and the scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from mesofuse.errors import UserError, nearest
from mesofuse.volumes.grid import Scale

if TYPE_CHECKING:
    from mesofuse.evaluation.measure import MetricChoice
    from mesofuse.interfaces.degradation import Degradation
    from mesofuse.volumes.labelling import LabelMapping
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.phases import PhaseMatch

DEFAULT = "volume-fraction,surface-area"
MAX_LABEL = 32  # values below are labels, those above codes of grey


def open_all(paths: Sequence[str], phases: str | None, voxel_size: Scale | None, unit: str | None) -> dict[str, Labels]:
    """Open all files so that a label means the same phase in each: files without names take them from one that has."""
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats import BUILTIN
    from mesofuse.volumes.labelling import read_labels

    def opened(path: str, names: Sequence[str]) -> tuple[Labels, LabelMapping]:
        formats = (*BUILTIN, *get_registry().formats)
        found = read_labels(path, formats=formats, phase_names=names, allow_single_phase=True)
        if voxel_size is None or found[0].grid.known:
            return found
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
    _check_same_values({path: mapping for path, (volume, mapping) in files.items() if _unnamed(volume)})
    for path, (_, mapping) in files.items():
        if mapping.changed:
            click.echo(f"{path}: values taken as labels: {mapping}", err=True)
    return {path: volume for path, (volume, _) in files.items()}


def _check_same_values(mappings: Mapping[str, LabelMapping]) -> None:
    """Refuse files whose labels differ, such as 0, 1 and 0, 2: a phase may be missing, another in each.

    Grey codes, such as 0, 128, 255, can't be mistaken so: they are taken in their order.
    """
    plain = {
        path: mapping.originals
        for path, mapping in mappings.items()
        if all(isinstance(v, int) and 0 <= v < MAX_LABEL for v in mapping.originals)
    }
    if len(set(plain.values())) > 1:
        listing = "; ".join(f"{path} has {', '.join(map(str, values))}" for path, values in plain.items())
        raise UserError(
            f"The files hold different values ({listing}), so it is not clear which phase is missing where: name the "
            "phases by label, for example --phases pore,active,binder."
        )


def _unnamed(volume: Labels) -> bool:
    return all(phase.name == f"phase {phase.value}" for phase in volume.phases)


def metric_choices(metrics: str | None, settings: Sequence[str], low_res: bool) -> list[MetricChoice]:
    """Return the metrics to measure with the options that ``--set`` gives them."""
    import yaml

    from mesofuse.registry import get_registry

    registry = get_registry()
    if metrics == "all":
        names = [c.spec.name for c in registry.components("metric")]
    else:
        names = [name.strip() for name in (metrics or DEFAULT).split(",") if name.strip()]
    if low_res and "low-res-consistency" not in names:
        names.append("low-res-consistency")
    given: dict[str, dict[str, Any]] = {name: {} for name in names}
    for setting in settings:
        key, equals, value = setting.partition("=")
        name, dot, option = key.strip().partition(".")
        if not (equals and dot):
            raise UserError(f"{setting!r} is not of the form METRIC.OPTION=VALUE, for example tortuosity.axes=[z].")
        if name not in given:
            raise UserError(f"--set names the metric {name!r}, which is not measured.{nearest(name, given)}")
        try:
            given[name][option] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"The value of {setting!r} can't be read; write it as in YAML: [z, y].") from None
    for name, chosen in given.items():
        registry.find("metric", name).options(chosen)
    return list(given.items())


def open_scan(path: str, volume: Labels, scale: Scale | None, shows: Sequence[str], degradation: str) -> dict[str, Any]:
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
