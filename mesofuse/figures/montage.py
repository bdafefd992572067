"""A figure of slices side by side: the scan, the result and the sharp image at one field of view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mesofuse.errors import UserError
from mesofuse.figures.fields import (
    Box,
    Picture,
    field_of_view,
    in_plane,
    place_image,
    place_scan,
    read_picture,
    scale_bar,
    shares,
)
from mesofuse.figures.style import legend_text
from mesofuse.volumes.files import replacing
from mesofuse.volumes.grid import AXES, Grid
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.phases import IGNORED, Phase
from mesofuse.volumes.shading import in_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 200
# In pixels. A panel has a whole number of them a voxel for fields of 64, 128 and 256 voxels.
PANEL, GAP, MARGIN, TITLE, BAR, NOTE, RULE, LEGEND = 512, 28, 28, 48, 44, 28, 44, 60
LETTER, SMALL = 12, 9  # a letter of a title or of a note, at most on average
FIELD_VOXELS = 256
OVERVIEW_VOXELS = 1024
METADATA: dict[str, dict[str, Any]] = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
INK, ACCENT = "#222222", "#d55e00"
_NORMAL = "Normal to "


HATCH, STRIPE = 0xD0, 3
"""Grey of the stripes that ignored voxels are drawn in, and how many voxels wide they are."""


@dataclass(frozen=True)
class Panel:
    """A panel of the figure.

    Attributes:
        title: What stands above it.
        picture: What is shown.
        phases: Its phases.
        grid: Where it lies.
        inset: A field of view to outline, or None.
        part: How much of the plane is shown, in words.
    """

    title: str
    picture: Picture
    phases: tuple[Phase, ...]
    grid: Grid
    inset: Box | None = None
    part: str = ""


def montage(
    path: str | Path,
    *,
    low_res: Labels | None,
    result: Labels,
    image: Labels | Sequence[Labels] | None,
    axis: int = 0,
    index: int | None = None,
) -> None:
    """Draw a slice of the scan, the same slice of the result and the sharp image; below, the result along each axis.

    The upper panels show one field of view about the middle: the whole plane, or as much of it as 256² voxels of the
    result cover. The bars below them give each phase's share of what is shown, where there are phases, and say how much
    of the plane that is. The lower panels show slices through the result's
    middle, at most 1024 voxels wide, with the upper panels' field outlined. Only these slices are read.

    Where there are images for several directions, the one that shows the upper panels' direction stands there, and a
    third row shows the image for each direction below the result's plane of this direction, to the same scale.

    A scan of unknown voxel size is taken to fill the result's space, an image to have the result's voxels. Of a stack
    of images the first is shown.

    Args:
        path: File to write or replace, of suffix .png (200 dots per inch), .pdf or .svg.
        low_res: The scan, or None.
        result: The high-resolution volume.
        image: The image, or three, of planes normal to z, y and x (the same object for those that look
            alike), or None.
        axis: The upper panels are normal to this axis, 0 to 2.
        index: Slice of the result along ``axis``; the middle one if None.

    Raises:
        UserError: If the suffix is another, the axis or slice does not exist, or the scan lies elsewhere.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in METADATA:
        raise UserError(f"A figure can't be written as {path.name}: its name must end in {', '.join(METADATA)}.")
    images: tuple[Labels, ...] | None = None
    if image is not None:
        images = tuple(image) if isinstance(image, Sequence) else (image,) * 3
    upper = compared(low_res, result, images[axis] if images and axis in (0, 1, 2) else None, axis, index)
    lower = overview(result, axis, upper[0].picture.box)
    several = images is not None and len({id(one) for one in images}) > 1
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False}), replacing(path) as temporary:  # names may hold dollar signs
        figure = _figure([upper, lower, *([images_below(lower, images)] if several and images else [])])
        figure.savefig(temporary, dpi=DPI, metadata=METADATA[suffix])


def compared(
    low_res: Labels | None, result: Labels, image: Labels | None, axis: int = 0, index: int | None = None
) -> list[Panel]:
    """Return the upper panels; see `montage`."""
    grid = result.grid
    if axis not in (0, 1, 2):
        raise UserError(f"There is no axis {axis}: a volume has the axes 0 (z), 1 (y) and 2 (x).")
    index = grid.shape[axis] // 2 if index is None else index
    if not 0 <= index < grid.shape[axis]:
        raise UserError(f"There is no slice {index} on axis {axis}: give one from 0 to {grid.shape[axis] - 1}.")
    placed = None if image is None else place_image(image.grid, grid, axis)
    height, width = field_of_view(grid, axis, FIELD_VOXELS, placed.extent[1:] if placed else None)
    box = Box.centred(grid, axis, height, width)
    panels = [_panel("Result", result, grid, axis, index, box)]
    if low_res is not None:
        scan = place_scan(low_res.grid, grid)
        at = (grid.origin[axis] + index * grid.voxel_size[axis] - scan.origin[axis]) / scan.voxel_size[axis]
        if not -1 <= at <= scan.shape[axis]:
            raise UserError(f"The scan does not reach slice {index} of the result; is it another sample's?")
        plane = min(max(round(at), 0), scan.shape[axis] - 1)
        panels.insert(0, _panel("Scan", low_res, scan, axis, plane, box))
    if image is not None and placed is not None:
        panels.append(_panel("Image", image, placed, 0, 0, Box.centred(placed, 0, height, width)))
    return panels


def overview(result: Labels, axis: int, box: Box) -> list[Panel]:
    """Return a panel of the result normal to each axis, but for planes that are a line of voxels."""
    panels = []
    for normal in range(3):
        rows, columns = in_plane(normal)
        if 1 in (result.grid.shape[rows], result.grid.shape[columns]):
            continue
        height, width = (
            min(result.grid.shape[i], OVERVIEW_VOXELS) * result.grid.voxel_size[i] for i in (rows, columns)
        )
        index = result.grid.shape[normal] // 2
        whole = Box.centred(result.grid, normal, height, width)
        picture = read_picture(result, result.grid, normal, index, whole)
        inset = box if normal == axis and (box.height < 0.95 * height or box.width < 0.95 * width) else None
        title = f"{_NORMAL}{AXES[normal]}, rows {AXES[rows]}, columns {AXES[columns]}"
        panels.append(Panel(title, picture, result.phases, result.grid, inset))
    return panels


def images_below(lower: Sequence[Panel], images: Sequence[Labels]) -> list[Panel]:
    """Return for each panel of `overview` the image of planes normal to its axis, as much as there is room for."""
    panels = []
    for panel in lower:
        normal = AXES.index(panel.title[len(_NORMAL)])
        placed = place_image(images[normal].grid, panel.grid, normal)
        box = panel.picture.box
        part = Box.centred(placed, 0, min(box.height, placed.extent[1]), min(box.width, placed.extent[2]))
        picture = read_picture(images[normal], placed, 0, 0, part)
        panels.append(Panel(f"Image normal to {AXES[normal]}", picture, images[normal].phases, placed))
    return panels


def _panel(name: str, labels: Labels, grid: Grid, axis: int, index: int, box: Box) -> Panel:
    sizes = dict.fromkeys(f"{grid.voxel_size[i]:.4g}" for i in in_plane(axis))
    title = f"{name}, voxels of {' × '.join(sizes)} {grid.symbol}" if grid.known else name
    picture = read_picture(labels, grid, axis, index, box)
    shown, plane = picture.labels.shape[-2:], tuple(grid.shape[i] for i in in_plane(axis))
    of = f"{shown[0]} × {shown[1]} of {plane[0]} × {plane[1]} voxels"
    part = f"all {plane[0]} × {plane[1]} voxels" if shown == plane else of
    return Panel(title, picture, labels.phases, grid, part=part)


def _figure(groups: Sequence[Sequence[Panel]]) -> Figure:
    """Draw rows of panels, those of the first with each phase's share below; a third has the second's scale."""
    from matplotlib.figure import Figure

    groups = [row for row in groups if row]
    # One scale in each row; each panel is as large as what it shows, with room for its title.
    sizes = [_sizes(row, groups[min(i, 1)]) for i, row in enumerate(groups)]
    # What stands below the pictures: a scale bar that has no room in them, in the first row the shares too.
    rules = [
        RULE * any(_rule(panel, w, h).apart for panel, (w, h) in zip(row, size, strict=True))
        for row, size in zip(groups, sizes, strict=True)
    ]
    tallest = [max(h for _, h in row) + rule for row, rule in zip(sizes, rules, strict=True)]
    rooms = [
        [max(w, LETTER * len(panel.title), SMALL * len(panel.part)) for panel, (w, _) in zip(row, size, strict=True)]
        for row, size in zip(groups, sizes, strict=True)
    ]
    if len(rooms) == 3:  # images stand below the planes of their direction
        rooms[1] = rooms[2] = [max(both) for both in zip(rooms[1], rooms[2], strict=True)]
    widths = [sum(row) + GAP * (len(row) - 1) for row in rooms]
    width = 2 * MARGIN + max(widths)
    tops = [MARGIN + TITLE]
    for i, high in enumerate(tallest):
        tops.append(tops[-1] + high + (BAR + NOTE if i == 0 else 0) + GAP + TITLE)
    height = tops[-1] - GAP - TITLE + LEGEND + MARGIN
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")

    def axes(left: float, top: float, w: float, h: float) -> Axes:
        return figure.add_axes((left / width, 1 - (top + h) / height, w / width, h / height))

    for row, panels in enumerate(groups):
        start = round((width - widths[row]) / 2)
        for panel, (w, h), room in zip(panels, sizes[row], rooms[row], strict=True):
            left = start + (room - w) // 2
            _draw_picture(axes(left, tops[row], w, h), panel, w, h)
            if row == 0 and panel.phases:
                wide = max(w, PANEL // 2)  # a strip's bar has room for its numbers
                bar = axes(start + (room - wide) // 2, tops[0] + h + rules[0] + 8, wide, BAR - 8)
                _draw_shares(bar, panel)
                bar.set_xlabel(f"of {panel.part}", fontsize=6, labelpad=2, color=INK)
            start += room + GAP
    _draw_legend(figure, [panel for row in groups for panel in row], (MARGIN + LEGEND / 2) / height)
    return figure


def _sizes(panels: Sequence[Panel], like: Sequence[Panel]) -> list[tuple[int, int]]:
    """Return width and height in pixels of panels drawn to the scale that makes `like`'s longest side `PANEL`."""
    boxes = [panel.picture.box for panel in panels]
    scale = _longest(like) / max(s for panel in like for s in (panel.picture.box.width, panel.picture.box.height))
    return [(max(1, round(box.width * scale)), max(1, round(box.height * scale))) for box in boxes]


def _longest(panels: Sequence[Panel]) -> int:
    """Return the pixels of the longest side: more for the field of a long strip, whose voxels would be cut else."""
    fields = [max(panel.picture.labels.shape[-2:]) for panel in panels if panel.part]
    return min(2 * max(fields), 2 * PANEL) if fields and max(fields) > FIELD_VOXELS + 1 else PANEL


def _draw_picture(axes: Axes, panel: Panel, width: int, height: int) -> None:
    from matplotlib.patches import Rectangle

    picture, box = panel.picture, panel.picture.box
    # Few voxels are drawn as they are; where one dot holds several, their colours are averaged.
    fine = picture.labels.shape[-2] > height or picture.labels.shape[-1] > width
    smooth = "antialiased" if fine else "nearest"
    axes.imshow(_colors(panel), extent=picture.extent, interpolation=smooth, interpolation_stage="rgba", aspect="auto")
    axes.set(xlim=(box.left, box.left + box.width), ylim=(box.top + box.height, box.top), xticks=[], yticks=[])
    axes.set_title(panel.title, fontsize=8, pad=4, color=INK)
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=INK)
    if panel.inset:
        place = (panel.inset.left, panel.inset.top)
        axes.add_patch(Rectangle(place, panel.inset.width, panel.inset.height, fill=False, ec=ACCENT, lw=1.2))
    _draw_scale_bar(axes, panel, width, height)


class Rule(NamedTuple):
    """A scale bar: its length and its plate's in pixels, what it says, and whether it stands below the picture."""

    long: float
    plate: float
    text: str
    apart: bool


def _rule(panel: Panel, width: int, height: int) -> Rule:
    """Return the scale bar of a panel of a size in pixels; it stands below pictures that it would fill."""
    box = panel.picture.box
    length, text = scale_bar(max(box.width, box.height), panel.grid)
    long = length * width / box.width
    plate = max(long, 10.5 * len(text))
    return Rule(long, plate, text, height < PANEL // 4 or 24 + plate + 9 > width)


def _draw_scale_bar(axes: Axes, panel: Panel, width: int, height: int) -> None:
    """Draw a length, in pixels of the panel from its lower left corner, or below its middle."""
    from matplotlib.patches import FancyBboxPatch, Patch, Rectangle
    from matplotlib.transforms import Affine2D

    long, plate, text, apart = _rule(panel, width, height)
    left, bottom = ((width - plate) / 2, 2 - RULE) if apart else (24, 24)
    pixels = Affine2D().scale(1 / width, 1 / height) + axes.transAxes
    bar = Rectangle((left + (plate - long) / 2, bottom - 2), long, 6, fc="black", ec="none", clip_on=False)
    patches: list[Patch] = [bar]
    if not apart:
        plate_box = FancyBboxPatch((left, bottom), plate, 34, boxstyle="round,pad=9", fc="white", ec="none", alpha=0.9)
        patches.insert(0, plate_box)
    for patch in patches:
        patch.set_transform(pixels)
        axes.add_patch(patch)
        patch.set_clip_on(False)
    axes.text(left + plate / 2, bottom + 9, text, ha="center", va="bottom", fontsize=7, color="black", transform=pixels)


def _draw_shares(axes: Axes, panel: Panel) -> None:
    start = 0.0
    for phase, share in zip(panel.phases, shares(panel.picture.labels, len(panel.phases)), strict=True):
        axes.barh(0, share, left=start, height=1, color=phase.color, edgecolor="none")
        if share > 0.06:
            dark = sum(phase.rgb) < 384
            color = "white" if dark else "black"
            axes.text(start + share / 2, 0, f"{share:.1%}", ha="center", va="center", fontsize=6.5, color=color)
        start += share
    axes.set(xlim=(0, 1), ylim=(-0.5, 0.5), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=INK)


def _draw_legend(figure: Figure, panels: Sequence[Panel], height: float) -> None:
    """Name the phases: the result's, and others' where they are called or coloured otherwise."""
    from matplotlib.patches import Patch

    result = next(p.phases for p in panels if p.title.startswith("Result"))
    entries = {(p.name, p.color): p.name for p in result}
    for panel in panels:
        for phase in panel.phases:
            plain = phase.name == f"phase {phase.value}" and phase.color in {p.color for p in result}
            if not plain:
                entries.setdefault((phase.name, phase.color), f"{phase.name} ({panel.title.split(',')[0].lower()})")
    if not entries:
        return
    hidden: list[Patch] = []
    if any(panel.phases and (panel.picture.labels == IGNORED).any() for panel in panels):
        hidden = [Patch(fc="white", ec=f"#{HATCH:02x}{HATCH:02x}{HATCH:02x}", hatch="////", lw=0.6, label="ignored")]
    patches = [Patch(fc=color, ec=INK, lw=0.6, label=legend_text(text)) for (_, color), text in entries.items()]
    figure.legend(
        handles=[*patches, *hidden], loc="center", bbox_to_anchor=(0.5, height), ncols=min(len(patches) + 1, 8),
        fontsize=8, frameon=False, handlelength=1.2, handleheight=1.2, columnspacing=1.8, handletextpad=0.5,
    )  # fmt: skip


def hatched(colors: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """Return colours (rows, columns, 3) with diagonal stripes of white and light grey where ignored."""
    rows, columns = np.nonzero(ignored)
    colors[rows, columns] = np.where((rows + columns) // STRIPE % 2, 255, HATCH)[:, None]
    return colors


def _colors(panel: Panel) -> np.ndarray:
    colors = in_colours(panel.picture.labels, panel.phases)
    return hatched(colors, panel.picture.labels == IGNORED) if panel.phases else colors
