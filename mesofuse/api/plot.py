"""Figures as matplotlib axes: `mesofuse.plot`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesofuse.api.volume import Volume, VolumeLike, opened
from mesofuse.api.words import in_python
from mesofuse.errors import UserError
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.shading import in_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mesofuse.evaluation.result_table import ResultTable


@in_python
def slices(
    *volumes: VolumeLike, axis: str = "z", at: float = 0.5, axes: Any = None, legend: bool = True
) -> list[Axes]:  # fmt: skip
    """Draw a slice of each volume or image, in the phases' colours and to scale in its own unit.

    Args:
        volumes: What to draw.
        axis: The slices are normal to it; images are drawn as they are.
        at: Where along the axis, from 0 to 1.
        axes: Matplotlib axes to draw into, one per volume; None: a new figure.
        legend: Name the phases.

    Returns:
        The axes, one per volume.

    Raises:
        UserError: If there is nothing to draw, or the axis or place is none.
    """
    from matplotlib import pyplot

    if not volumes:
        raise UserError("There is nothing to draw: give one or more volumes or images.")
    if axis not in AXES or not 0 <= at <= 1:
        raise UserError(f"The slice normal to {axis!r} at {at!r} is none: give axis as z, y or x, and at from 0 to 1.")
    found = [opened(v) for v in volumes]
    if axes is None:
        _, grid = pyplot.subplots(1, len(found), figsize=(3.2 * len(found), 3.4), squeeze=False, layout="constrained")
        axes = list(grid[0])
    panels = list(axes) if hasattr(axes, "__len__") else [axes]
    if len(panels) != len(found):
        raise UserError(f"There are {len(panels)} axes for {len(found)} volumes; give as many.")
    for panel, one in zip(panels, found, strict=True):
        _draw(panel, one, AXES.index(axis), at)
    if legend:
        _legend(panels[-1], found)
    return panels


@in_python
def curves(table: ResultTable, metric: str, *, of: str | None = None, axes: Any = None) -> Axes:
    """Draw the measured curves of a metric, such as two-point correlations, a line a volume.

    Args:
        table: What was measured.
        metric: Name of the metric.
        of: What of, as the table says it; None: all of them.
        axes: Matplotlib axes to draw into; None: a new figure.

    Raises:
        UserError: If the table holds no such curve.
    """
    from matplotlib import pyplot

    chosen = [(name, c) for name, c in table.curves(metric) if of in (None, c.label)]
    if not chosen:
        there = ", ".join(dict.fromkeys(f"{c.metric} {c.label}" for _, c in table.curves())) or "none"
        raise UserError(f"The table has no curve of {f'{metric} {of or str()}'.strip()!r}; it has {there}.")
    axes = axes or pyplot.subplots(figsize=(4, 3), layout="constrained")[1]
    for name, curve in chosen:
        axes.plot(curve.x, curve.y, label=f"{name}: {curve.label}")
    axes.set_xlabel(f"distance ({chosen[0][1].x_unit})" if chosen[0][1].x_unit else "distance")
    axes.set_ylabel(f"{metric} ({chosen[0][1].y_unit})" if chosen[0][1].y_unit else metric)
    axes.legend(frameon=False)
    return axes  # type: ignore[no-any-return]


def _draw(panel: Axes, one: Volume, axis: int, at: float) -> None:
    grid, lead = one.labels.grid, len(one.shape) - 3
    axis = 0 if one.stack or grid.shape[0] == 1 else axis
    index = min(grid.shape[axis] - 1, int(at * grid.shape[axis]))
    key: list[Any] = [slice(None)] * (lead + 3)
    key[lead + axis] = 0 if one.stack else index
    rows, columns = (a for a in range(3) if a != axis)
    height, width = (grid.shape[a] * grid.voxel_size[a] for a in (rows, columns))
    panel.imshow(
        in_colours(one[tuple(key)], one.labels.phases), extent=(0, width, height, 0), interpolation="nearest"
    )  # fmt: skip
    unit = grid.symbol if grid.known else "voxels"
    names = ("row", "column") if one.stack else (AXES[rows], AXES[columns])
    panel.set(title=one.name, ylabel=f"{names[0]} ({unit})", xlabel=f"{names[1]} ({unit})")


def _legend(panel: Axes, found: list[Volume]) -> None:
    from matplotlib.patches import Patch

    phases = {phase.name: phase.color for one in found for phase in one.labels.phases}
    if phases:
        handles = [Patch(facecolor=color, edgecolor="0.3", label=name) for name, color in phases.items()]
        panel.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, borderaxespad=0)
