"""The figures of a report: distributions, curves, values per axis, errors, training, agreement with the scan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.evaluation.comparison import Line
from mesofuse.evaluation.distributions import summary
from mesofuse.evaluation.subvolumes import Key, Sampled
from mesofuse.figures.style import FAINT, INK, WIDTH, grid_of, limit_text, quiet_rest
from mesofuse.interfaces.metric import Curve, Measured, Measurement
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.grid import AXES
from mesofuse.volumes.quantities import conversion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PLOTS = 24
FARTHEST = 50  # per cent; an error beyond it would hide what the others differ by
SHARES = ("volume-fraction", "surface-area")  # pure numbers that are shares of a whole


def violins(volumes: Sequence[Sampled], image: Sampled | None, metric: str, colors: Mapping[str, str]) -> Figure:
    """Draw each quantity's distribution over the subvolumes: violins of one width, means as lines, the image as pluses.

    Args:
        volumes: The subvolumes' values of each volume.
        image: Those of the image's patches; their mean is the plus.
        metric: Which metric.
        colors: A colour for each volume's name.
    """
    keys = list(dict.fromkeys(k for v in volumes for k in v.values if k[0] == metric))[:MOST_PLOTS]
    rows, columns = grid_of(len(keys), 4 if len(keys) > 3 else 3)
    figure, axes = _plots(rows, columns, 1.75)
    for one, key in zip(axes, keys, strict=False):
        there = [v for v in volumes if key in v.values]
        unit = there[0].units[key]
        for place, volume in enumerate(there):
            factor = conversion(volume.units[key], unit) or math.nan
            _violin(one, place, volume.values[key] * factor, colors[volume.volume])
        if image is not None and key in image.values and (own := conversion(image.units[key], unit)):
            mean = summary(image, key, own).mean
            one.plot(range(len(there)), [mean] * len(there), "+", color="black", ms=7, mew=1.3, zorder=5, clip_on=False)
        one.set_title(limit_text(key[1]))
        one.set_xticks(range(len(there)), [v.volume for v in there], rotation=25, ha="right")
        one.set_xlim(-0.6, len(there) - 0.4)
        one.set_ylabel(unit or "share" if metric in SHARES else unit)
        if one.get_ylim()[0] < 0 <= min((np.nanmin(v.values[key]) for v in there), default=0.0):
            one.set_ylim(bottom=0)
    quiet_rest(axes[len(keys) :])
    return figure


def _violin(axes: Axes, place: int, values: np.ndarray, color: str) -> None:
    from scipy.stats import gaussian_kde

    values = values[np.isfinite(values)]
    if not len(values):
        axes.text(place, 0.5, "none\nfinite", ha="center", transform=axes.get_xaxis_transform(), color=FAINT)
        return
    mean, spread = float(values.mean()), float(values.std())
    half = 0.36
    if len(values) > 2 and spread > 1e-12 * max(1.0, abs(mean)):
        low, high = values.min(), values.max()
        at = np.linspace(low, high, 120)
        density = gaussian_kde(values)(at)
        width = half * density / density.max()
        axes.fill_betweenx(at, place - width, place + width, color=color, alpha=0.35, lw=0)
        axes.plot(place - width, at, color=color, lw=0.7)
        axes.plot(place + width, at, color=color, lw=0.7)
    axes.plot([place - half, place + half], [mean, mean], color=color, lw=1.6, solid_capstyle="butt")


def curves(
    volumes: Sequence[Sampled], image: Sampled | None, metric: str, ending: str, colors: Mapping[str, str], y: str
) -> Figure:
    """Draw a metric's curves, one plot per phase: the mean over subvolumes with a band of one standard deviation.

    Args:
        volumes: Subvolumes of each volume.
        image: Patches of the image, drawn as a dashed line.
        metric: Which metric.
        ending: Which labels: those that end with it; ``axes`` averages the three axes.
        colors: A colour for each volume's name.
        y: Name of the ordinate.
    """
    shown = [*volumes, *([image] if image is not None else [])]
    keys = dict.fromkeys(k for v in shown for k in v.curves if k[0] == metric)
    ends = AXES if ending == "axes" else (ending,)
    split = [Of.read(label) for _, label in keys]
    names = list(dict.fromkeys(of.what for of in split if of.along in ends))[:MOST_PLOTS]
    rows, columns = grid_of(len(names), 3)
    figure, axes = _plots(rows, columns, 1.9)
    for one, name in zip(axes, names, strict=False):
        for volume in shown:
            found = _chosen(volume, metric, name, ending)
            if not found:
                continue
            x, mean, spread = band(found)
            color = "black" if volume is image else colors[volume.volume]
            style: dict[str, Any] = {"ls": "--", "lw": 0.9, "zorder": 4} if volume is image else {}
            one.plot(x, mean, label=volume.volume, color=color, **style)
            if volume is not image:
                one.fill_between(x, mean - spread, mean + spread, color=color, alpha=0.15, lw=0)
            one.set_xlabel(f"distance / {found[0].x_unit}" if found[0].x_unit else "distance")
            one.set_ylabel(f"{y} / {found[0].y_unit}" if found[0].y_unit else y)
        one.set_title(limit_text(name))
        one.set_xlim(left=0)
        one.set_ylim(bottom=0)
    quiet_rest(axes[len(names) :])
    _legend(figure, axes[: len(names)])
    return figure


def _chosen(volume: Sampled, metric: str, name: str, ending: str) -> list[Curve]:
    ends = AXES if ending == "axes" else (ending,)
    own = [(Of.read(label), found) for (of, label), found in volume.curves.items() if of == metric]
    return [c for end in ends for of, found in own if (of.what, of.along) == (name, end) for c in found]


def band(found: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positions, mean and standard deviation of curves that begin alike; where one has ended, it is zero."""
    longest = max(found, key=lambda c: c.x[-1])
    x = np.array(longest.x)
    y = np.array([np.interp(x, c.x, c.y, right=0.0) for c in found])
    if "correlation" in longest.metric:  # a function that has not been measured further, rather than zero
        shortest = min(c.x[-1] for c in found)
        x, y = x[x <= shortest * (1 + 1e-9)], y[:, x <= shortest * (1 + 1e-9)]
    return x, y.mean(axis=0), y.std(axis=0)


def per_axis(volumes: Sequence[Sampled], metric: str, colors: Mapping[str, str], y: str) -> Figure:
    """Draw a value along each axis, one plot per phase: means over subvolumes with their standard errors."""
    keys = {k: Of.read(k[1]) for v in volumes for k in v.values if k[0] == metric}
    names = list(dict.fromkeys(of.what for of in keys.values() if of.along in AXES))[:MOST_PLOTS]
    rows, columns = grid_of(len(names), 3)
    figure, axes = _plots(rows, columns, 1.8)
    wide = 0.8 / max(1, len(volumes))
    for one, name in zip(axes, names, strict=False):
        for i, volume in enumerate(volumes):
            for place, axis in enumerate(AXES):
                key: Key = (metric, Of(name, along=axis))
                if key not in volume.values:
                    continue
                found, at = summary(volume, key), place + (i - (len(volumes) - 1) / 2) * wide
                label = volume.volume if place == 0 else None
                error = found.error if math.isfinite(found.error) else 0.0
                one.bar(at, found.mean, wide * 0.9, color=colors[volume.volume], alpha=0.8, label=label)
                one.errorbar(at, found.mean, error, color=INK, lw=0.8, capsize=2)
                if found.finite < 1:
                    top = found.mean if found.finite else 0.0
                    one.annotate(f"{found.finite:.0%}", (at, top), ha="center", va="bottom", fontsize=6)
        one.set_xticks(range(3), AXES)
    return _bars(figure, axes, names, y)


def errors(lines: Sequence[Line], names: Sequence[str], colors: Mapping[str, str], floor: str) -> Figure:
    """Draw relative errors with 95 % intervals, and as grey bands what the reference's own subvolumes leave open.

    An error beyond ± 50 % is a triangle at the side.

    Args:
        lines: The table.
        names: The volumes of its columns, the reference's included.
        colors: A colour for each.
        floor: The reference's name.
    """
    shown = [line for line in lines if any(e.relative is not None for e in line.entries)]
    others = [i for i, name in enumerate(names) if name != floor]
    figure, (one,) = _plots(1, 1, max(1.2, 0.3 * len(shown) + 0.7))
    for row, line in enumerate(shown):
        if line.spread is not None:
            one.barh(row, 200 * line.spread, left=-100 * line.spread, height=0.9, color="#ececec", zorder=0)
        if line.floor is not None:
            one.barh(row, 2 * 196 * line.floor, left=-196 * line.floor, height=0.9, color="#cfcfcf", zorder=0)
        for k, i in enumerate(others):
            entry = line.entries[i]
            if entry.relative is None:
                continue
            at = row + (k - (len(others) - 1) / 2) * 0.7 / max(1, len(others))
            if abs(100 * entry.relative) > FARTHEST:
                side = math.copysign(FARTHEST, entry.relative)
                one.plot(side, at, "<" if side < 0 else ">", ms=4.5, color=colors[names[i]], clip_on=False, zorder=3)
                continue
            bar = 196 * (entry.relative_error or 0.0)
            bar = bar if math.isfinite(bar) else 0.0
            one.errorbar(100 * entry.relative, at, xerr=bar, fmt="o", ms=3.2, color=colors[names[i]], lw=0.9, zorder=3)
    if any(abs(100 * (e.relative or 0)) > FARTHEST for line in shown for e in line.entries):
        one.set_xlim(-1.02 * FARTHEST, 1.02 * FARTHEST)
    one.axvline(0, color=INK, lw=0.7)
    one.set_yticks(range(len(shown)), [f"{line.metric}: {line.label}" for line in shown])
    one.set_ylim(len(shown) - 0.5, -0.5)
    one.set_xlabel(f"error against the {floor} / %")
    for i in others:
        one.plot([], [], "o", ms=3.2, color=colors[names[i]], label=names[i])
    _legend(figure, [one])
    return figure


def textures(
    columns: Sequence[Measured], image: Measured | None, metric: str, colors: Mapping[str, str], y: str
) -> Figure:
    """Draw each whole volume's distances from the image as bars, one plot a spacing, and as lines the floor.

    Args:
        columns: What was measured of the whole volumes.
        image: The floors, as the image's own values.
        metric: Which metric.
        colors: A colour for each volume's name.
        y: Name of the ordinate.
    """
    found = {c.volume: _singles(c, metric) for c in columns}
    floors = {} if image is None else _singles(image, metric)
    labels = list(dict.fromkeys(label for own in found.values() for label in own))
    names = list(dict.fromkeys(Of.read(label).what for label in labels))[:MOST_PLOTS]
    rows, wide = grid_of(len(names), 3)
    figure, axes = _plots(rows, wide, 1.7)
    width = 0.8 / max(1, len(found))
    for one, name in zip(axes, names, strict=False):
        own = [label for label in labels if Of.read(label).what == name]
        for i, (volume, values) in enumerate(found.items()):
            at = np.arange(len(own)) + (i - (len(found) - 1) / 2) * width
            one.bar(at, [values.get(label, math.nan) for label in own], width * 0.9, color=colors[volume], label=volume)
        for place, label in enumerate(own):
            if label in floors:
                text = "parts of the image" if place == 0 else None
                one.plot([place - 0.45, place + 0.45], [floors[label]] * 2, color=INK, lw=1.2, ls="--", label=text)
        one.set_xticks(range(len(own)), [f"normal to {Of.read(label).along}" for label in own])
        one.set_xlim(-0.6, len(own) - 0.4)
    return _bars(figure, axes, names, y)


def _bars(figure: Figure, axes: Sequence[Axes], names: Sequence[str], y: str) -> Figure:
    """Return a figure of bars, finished: a plot a name that begins at 0, and one legend."""
    for one, name in zip(axes, names, strict=False):
        one.set_ylim(bottom=0)
        one.set_title(limit_text(name))
        one.set_ylabel(y)
    quiet_rest(axes[len(names) :])
    _legend(figure, axes[: len(names)])
    return figure


def _singles(measured: Measured, metric: str) -> dict[str, float]:
    values = {r.label: r.value for r in measured.results if isinstance(r, Measurement) and r.metric == metric}
    return {label: value for label, value in values.items() if math.isfinite(value)}


def training(rows: Sequence[Mapping[str, float]]) -> Figure:
    """Draw the losses and the checks of a training against its steps.

    Args:
        rows: One a step, as metrics.csv has them; a check's columns are in some rows only.
    """
    columns = [c for c in dict.fromkeys(k for row in rows for k in row) if c not in ("step", "seconds")]
    losses = [c for c in columns if sum(c in row for row in rows) > len(rows) / 2]
    checks = [c for c in columns if c not in losses][:9]
    rows_of, wide = grid_of(len(losses) + len(checks), 3)
    figure, axes = _plots(rows_of, wide, 1.6)
    for one, name in zip(axes, [*losses, *checks], strict=False):
        points = [(row["step"], row[name]) for row in rows if name in row]
        x, y = np.array(points).T
        one.plot(x, y, "-" if name in losses else "o-", color="#0072b2" if name in losses else "#d55e00", lw=0.8, ms=2)
        one.set_title(limit_text(name, 34))
        one.set_xlabel("step")
    quiet_rest(axes[len(losses) + len(checks) :])
    return figure


def agreement(maps: Sequence[tuple[str, np.ndarray, np.ndarray]], table: np.ndarray, aspect: float = 1.0) -> Figure:
    """Draw a slice of the scan for each volume, with the voxels that the volume does not reproduce.

    Args:
        maps: Name, scan labels (rows, columns), and whether each voxel is reproduced.
        table: Colour of each scan phase, rows of three numbers from 0 to 255.
        aspect: Height of a voxel over its width.
    """
    figure, axes = _plots(1, max(3, len(maps)), WIDTH / max(3, len(maps)) * 0.95)
    quiet_rest(axes[len(maps) :])
    for one, (name, labels, right) in zip(axes, maps, strict=False):
        # Washed out, so that what disagrees stands out.
        colors = (255 - (255 - table[labels].astype(float)) * 0.55).astype(np.uint8)
        colors[~right] = (213, 94, 0)
        one.imshow(colors, interpolation="nearest", aspect=aspect)
        one.set_title(f"{name}: {right.mean():.1%} agrees")
        one.set(xticks=[], yticks=[])
        for spine in one.spines.values():
            spine.set_visible(True)
    return figure


def _plots(rows: int, columns: int, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, max(1, rows) * height + 0.35), layout="constrained")
    axes = figure.subplots(max(1, rows), max(1, columns), squeeze=False)
    return figure, list(axes.ravel())


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    entries = {text: handle for one in axes for handle, text in zip(*one.get_legend_handles_labels(), strict=True)}
    if entries:
        figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=min(6, len(entries)))
