"""The metrics that the command line names, with their options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mesofuse.errors import UserError, nearest

if TYPE_CHECKING:
    from mesofuse.evaluation.measure import MetricChoice
    from mesofuse.volumes.content import Content

DEFAULT = "volume-fraction,surface-area"


def metric_choices(
    metrics: str | None, settings: Sequence[str], low_res: bool, content: Content = "phases"
) -> list[MetricChoice]:
    """Return the metrics to measure of such voxels with the options that ``--set`` gives them."""
    import yaml

    from mesofuse.config.yaml_text import load_yaml
    from mesofuse.pipeline.measuring import OF_IMAGE
    from mesofuse.registry import get_registry

    registry = get_registry()
    if metrics == "all":
        names = [c.spec.name for c in registry.components("metric") if content in c.options_model().contents]
    else:
        named = metrics.split(",") if metrics else OF_IMAGE[content]
        names = [name.strip() for name in named if name.strip()]
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
