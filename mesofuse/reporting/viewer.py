"""Slices of several volumes at one field of view, as small PNGs that a page's slider moves through."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mesofuse.figures.fields import Box, field_of_view, in_plane, place_image, place_scan, read_picture, scale_bar
from mesofuse.volumes.grid import AXES, Grid
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.phases import IGNORED, Phase
from mesofuse.volumes.shading import pixels

FIELD_VOXELS = 256
SLICES = 21  # along each axis, so that a volume has at most 63
BUDGET = 8_000_000  # bytes of all slices as they stand in the page


@dataclass(frozen=True)
class Shown:
    """A volume of the viewer.

    Attributes:
        name: What stands above it.
        labels: The volume.
        role: ``result`` (on the first result's grid or one of its own), ``scan``, or ``image``, which has no depth.
        others: Images of planes normal to y and x, where ``labels`` shows those normal to z alone.
    """

    name: str
    labels: Labels
    role: str = "result"
    others: tuple[Labels, Labels] | None = None

    def along(self, axis: int) -> Shown:
        """Return what is shown in planes normal to an axis."""
        return self if self.others is None else Shown(self.name, (self.labels, *self.others)[axis], self.role)


def viewer_data(shown: Sequence[Shown]) -> dict[str, Any]:
    """Return what the page's script shows: for each axis its slices and, for each volume, its pictures and their place.

    All panels show the same physical field about the first result's middle, at most as large as 256² of its voxels.
    Of a stack of images the first is shown. As many slices as the budget of bytes allows are spread evenly through the
    volume.
    """
    count = SLICES
    while True:
        data = {AXES[axis]: found for axis in range(3) if (found := _axis(shown, axis, count))}
        size = sum(len(uri) for axis in data.values() for panel in axis["panels"] for uri in panel["images"])
        if size <= BUDGET or count <= 3:
            return data
        count = max(3, int(count * BUDGET / size))


def _axis(shown: Sequence[Shown], axis: int, count: int) -> dict[str, Any] | None:
    main = next(s for s in shown if s.role == "result").labels.grid
    rows, columns = in_plane(axis)
    if min(main.shape[rows], main.shape[columns]) < 2:
        return None
    box = Box.centred(main, axis, *field_of_view(main, axis, FIELD_VOXELS))
    number = min(count, main.shape[axis])
    slices = [int((i + 0.5) * main.shape[axis] / number) for i in range(number)]
    length, text = scale_bar(box.width, main)
    unit = f" {main.symbol}" if main.known else ""
    # Depth counts from the volume's own first side to the slice's middle.
    depths = [f"{(s + 0.5) * main.voxel_size[axis]:.4g}{unit}" if main.known else f"voxel {s}" for s in slices]
    return {
        "depths": depths,
        "slices": slices,
        "of": main.shape[axis],
        "bar": {"percent": round(100 * length / box.width, 3), "text": text},
        "aspect": round(box.width / box.height, 4),
        "plane": f"rows {AXES[rows]}, columns {AXES[columns]}",
        "panels": [_panel(one.along(axis), main, axis, slices, box) for one in shown],
    }


def _panel(one: Shown, main: Grid, axis: int, slices: Sequence[int], box: Box) -> dict[str, Any]:
    if one.role == "image":
        grid = place_image(one.labels.grid, main, axis)
        return _frames(one, grid, 0, [0] * len(slices), Box.centred(grid, 0, box.height, box.width))
    grid = place_scan(one.labels.grid, main) if one.role == "scan" or one.labels.grid != main else main
    middles = [main.origin[axis] + s * main.voxel_size[axis] for s in slices]
    at = [round((m - grid.origin[axis]) / grid.voxel_size[axis]) for m in middles]
    return _frames(one, grid, axis, [min(max(a, 0), grid.shape[axis] - 1) for a in at], box)


def _frames(one: Shown, grid: Grid, axis: int, indices: Sequence[int], box: Box) -> dict[str, Any]:
    different = list(dict.fromkeys(indices))
    pictures = [read_picture(one.labels, grid, axis, index, box) for index in different]
    left, right, bottom, top = pictures[0].extent
    place = [left - box.left, top - box.top, right - left, bottom - top]
    sizes = (box.width, box.height, box.width, box.height)
    voxel = f"{grid.voxel_size[in_plane(axis)[1]]:.4g} {grid.symbol}" if one.labels.grid.known else ""
    return {
        "name": one.name,
        "note": f"voxels of {voxel}" if voxel else "",
        "images": [data_uri(png(p.labels, one.labels.phases)) for p in pictures],
        "frames": [different.index(index) for index in indices],
        "place": [round(100 * value / whole, 4) for value, whole in zip(place, sizes, strict=True)],
    }


def png(labels: np.ndarray, phases: Sequence[Phase]) -> bytes:
    """Return labels as a palette PNG in the phases' colours; ignored voxels are clear. Intensities are as they are.

    Labels have as few bits per pixel as the number of phases takes.
    """
    from PIL import Image

    if not phases:
        stream = io.BytesIO()
        Image.fromarray(pixels(labels, phases)).save(stream, format="PNG", optimize=True)
        return stream.getvalue()
    picture = Image.frombytes("P", (labels.shape[1], labels.shape[0]), np.ascontiguousarray(labels).tobytes())
    picture.putpalette([c for phase in sorted(phases, key=lambda p: p.value) for c in phase.rgb])
    bits = next((b for b in (1, 2, 4) if len(phases) <= 1 << b), 8)
    hidden: dict[str, Any] = {}
    if (labels == IGNORED).any():
        bits, hidden = 8, {"transparency": IGNORED}
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=not hidden, bits=bits, **hidden)
    return stream.getvalue()


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Return bytes as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
