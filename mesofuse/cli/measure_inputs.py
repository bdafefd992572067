"""What ``mesofuse measure`` is given: files, metrics with their options, and the scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mesofuse.cli import options
from mesofuse.errors import UserError, nearest
from mesofuse.volumes.grid import Scale

if TYPE_CHECKING:
    from mesofuse.evaluation.measure import MetricChoice
    from mesofuse.interfaces.degradation import Degradation
    from mesofuse.volumes.labelling import LabelMapping
    from mesofuse.volumes.labels import Labels
    from mesofuse.volumes.phases import PhaseMatch
    from mesofuse.volumes.same_phases import Opened

DEFAULT = "volume-fraction,surface-area"


def open_all(paths: Sequence[str], phases: str | None, voxel_size: Scale | None, unit: str | None) -> dict[str, Opened]:
    """Open all files so that a label means the same phase in each, and say which values are mapped.

    Raises:
        UserError: If a file can't be read, or nothing says which phase of one file is which of another.
    """
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats import BUILTIN
    from mesofuse.volumes.labelling import read_labels
    from mesofuse.volumes.same_phases import open_alike

    def opened(path: str, names: Sequence[str]) -> tuple[Labels, LabelMapping]:
        formats = (*BUILTIN, *get_registry().formats)
        found = read_labels(path, formats=formats, phase_names=names, allow_single_phase=True)
        if voxel_size is None or found[0].grid.known:
            return found
        return read_labels(
            path, formats=formats, phase_names=names, voxel_size=voxel_size, unit=unit, allow_single_phase=True
        )

    files = open_alike(paths, opened, [name.strip() for name in phases.split(",")] if phases else [])
    for path, (_, mapping) in files.items():
        options.echo_remarks(mapping, path)
    return files


def metric_choices(metrics: str | None, settings: Sequence[str], low_res: bool) -> list[MetricChoice]:
    """Return the metrics to measure with the options that ``--set`` gives them."""
    import yaml

    from mesofuse.config.yaml_text import load_yaml
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
            given[name][option] = load_yaml(value)
        except yaml.YAMLError:
            raise UserError(f"The value of {setting!r} can't be read; write it as in YAML: [z, y].") from None
    for name, chosen in given.items():
        registry.find("metric", name).options(chosen)
    return list(given.items())


def open_scan(
    path: str, name: str, opened: Opened, scale: Scale | None, shows: Sequence[str], degradation: str
) -> dict[str, Any]:
    """Open the scan ``path`` and build its degradation for the volume ``name``.

    Raises:
        UserError: If the scan can't be read, or nothing says how it goes with the volume.
    """
    from mesofuse.interfaces.problem import Problem
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats import BUILTIN
    from mesofuse.volumes.labelling import read_labels
    from mesofuse.volumes.same_phases import check_shown_by_number
    from mesofuse.volumes.scale import seen_note, seen_region, shapes_differ

    if scale is None:
        raise UserError("--low-res needs --scale beside it: how many voxels of the volume lie along one of the scan.")
    volume, mapping = opened
    low, own = read_labels(path, formats=(*BUILTIN, *get_registry().formats))
    options.echo_remarks(own, path)
    if not shows:
        check_shown_by_number(path, own, mapping)
    shapes = volume.grid.shape, low.grid.shape
    if seen_region(*shapes, scale) is None:
        raise UserError(f"{name}: {shapes_differ(*shapes, scale)}")
    if note := seen_note(*shapes, scale):
        options.echo_note(f"{name}: {note}.")
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
