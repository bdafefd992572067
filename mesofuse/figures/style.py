"""How figures look: one typography, and a colour for each volume that prints well and reads well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, ACCENT = "#222222", "#9a9a9a", "#d55e00"
REFERENCE, IMAGE = "#1b1b1b", "#8c8c8c"
# Vermilion, blue, green, pink, sky, orange: told apart by colour-blind readers. Yellow is too light for lines.
SERIES = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
WIDTH = 7.2  # inches: two columns of a journal

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 7.5, "axes.titlesize": 8, "axes.labelsize": 7.5, "axes.linewidth": 0.6,
    "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.major.size": 2.5, "ytick.major.size": 2.5, "axes.spines.top": False, "axes.spines.right": False,
    "legend.fontsize": 7, "legend.frameon": False, "lines.linewidth": 1.2, "pdf.fonttype": 42, "svg.fonttype": "path",
    "svg.hashsalt": "mesofuse", "axes.titlelocation": "left", "text.parse_math": False, "figure.facecolor": "white",
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the project's style within the block."""
    from matplotlib import rc_context

    with rc_context(_RC):
        yield


def volume_colors(names: Sequence[str], reference: str | None, image: str | None = None) -> dict[str, str]:
    """Return a colour for each volume: black for the reference, grey for the image, the series' for others."""
    fixed = {reference: REFERENCE, image: IMAGE}
    others = [name for name in names if name not in fixed]
    series = {name: SERIES[i % len(SERIES)] for i, name in enumerate(others)}
    return {name: fixed.get(name) or series[name] for name in names}


def grid_of(count: int, columns: int = 3) -> tuple[int, int]:
    """Return rows and columns for ``count`` small plots."""
    return max(1, -(-count // columns)), columns


def quiet_rest(axes: Sequence[Axes]) -> None:
    """Take the frames of unused plots away."""
    for one in axes:
        one.set_axis_off()


def legend_text(name: str) -> str:
    """Return a name for a legend; matplotlib leaves out those that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def limit_text(text: str, length: int = 28) -> str:
    """Return a label short enough for a small plot's title."""
    return text if len(text) <= length else text[: length - 1] + "…"
