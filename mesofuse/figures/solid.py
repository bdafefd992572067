"""A picture of a volume in three dimensions: by VTK off-screen where that works, else voxel faces by numpy."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

import numpy as np

from mesofuse.figures.style import INK
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.phases import IGNORED, Phase
from mesofuse.volumes.shading import in_colours

LARGEST = 96  # voxels along an edge of the part that is drawn
PIXELS = 720


def solid(volume: Labels, hidden: int | None = None) -> tuple[bytes, str]:
    """Return a PNG of the volume's middle as a block, and how it was drawn.

    Args:
        volume: The volume; a block of at most 96 voxels an edge is read from its middle.
        hidden: A phase to leave out, so that one looks into the material; None draws all.
    """
    from mesofuse.volumes.grid import Region

    shape = volume.grid.shape
    edge = [min(LARGEST, n) for n in shape]
    start = [(n - e) // 2 for n, e in zip(shape, edge, strict=True)]
    stop = [s + e for s, e in zip(start, edge, strict=True)]
    labels = volume.read(Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])))
    what = f"the middle {' × '.join(map(str, edge))} voxels"
    if not volume.phases:
        return faces(labels, (), None), what
    try:
        return _by_vtk(labels, volume.phases, volume.grid.voxel_size, hidden), f"{what}, rendered with VTK"
    except Exception as error:  # no library, no driver, no memory: whatever VTK lacks, the picture can do without
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return faces(labels, volume.phases, hidden), f"{what}, drawn without VTK ({reason})"


def _by_vtk(labels: np.ndarray, phases: Sequence[Phase], voxel: Sequence[float], hidden: int | None) -> bytes:
    if os.environ.get("MESOFUSE_NO_VTK"):
        raise RuntimeError("MESOFUSE_NO_VTK is set")
    import pyvista
    from PIL import Image
    from vtkmodules.vtkCommonCore import vtkObject

    vtkObject.GlobalWarningDisplayOff()
    block = pyvista.ImageData(dimensions=[n + 1 for n in labels.shape[::-1]], spacing=list(voxel[::-1]))
    block.cell_data["phase"] = labels.ravel()
    plotter = pyvista.Plotter(off_screen=True, window_size=[PIXELS, PIXELS])
    try:
        plotter.set_background("white")  # type: ignore[arg-type]
        for phase in phases:
            if phase.value != hidden and (labels == phase.value).any():
                part = block.threshold([phase.value - 0.5, phase.value + 0.5], scalars="phase")
                skin = part.extract_surface(algorithm="dataset_surface")
                plotter.add_mesh(skin, color=phase.color, ambient=0.35, diffuse=0.65, specular=0.0)
        plotter.add_mesh(block.outline(), color=INK, line_width=1.5)
        plotter.view_vector((1.0, -1.1, 0.8), viewup=(0, 0, 1))  # type: ignore[arg-type]
        plotter.camera.zoom(1.0)  # type: ignore[no-untyped-call]
        picture = plotter.screenshot(return_img=True)
    finally:
        plotter.close()
    if picture is None or np.ptp(picture) == 0:
        raise RuntimeError("the renderer gave an empty picture")
    return _png(Image.fromarray(np.asarray(picture)))


def faces(labels: np.ndarray, phases: Sequence[Phase], hidden: int | None) -> bytes:
    """Return a PNG of a block in isometric projection: the nearest visible voxels, shaded by face.

    Without phases the block's sides show its grey values or colours.
    """
    from PIL import Image

    nz, ny, nx = labels.shape[-3:]
    scale = max(2, PIXELS // (nx + ny + nz))
    shown = in_colours(labels, phases, axes=3)
    height, width = (nx + ny) * scale // 2 + nz * scale + 2, (nx + ny) * scale + 2
    canvas = np.full((height, width, 3), 255, np.uint8)
    depth = np.full((height, width), -1, np.int64)
    visible = np.ones((nz, ny, nx), bool)
    for value in (IGNORED, hidden) if phases else ():
        visible &= labels != value if value is not None else True
    for axis, shade in ((0, 1.0), (1, 0.82), (2, 0.64)):
        towards = np.zeros_like(visible)  # what stands before a voxel on the viewer's side hides that face
        ahead = [slice(None)] * 3
        behind = [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        if axis == 0:
            ahead, behind = behind, ahead  # the top face looks to lower z
        towards[tuple(behind)] = visible[tuple(ahead)]
        z, y, x = np.nonzero(visible & ~towards)
        colors = (shown[z, y, x] * shade).astype(np.uint8)
        _paint(canvas, depth, (z, y, x), axis, colors, scale, ny)
    return _png(Image.fromarray(canvas))


def _paint(
    canvas: np.ndarray,
    depth: np.ndarray,
    at: tuple[np.ndarray, np.ndarray, np.ndarray],
    axis: int,
    colors: np.ndarray,
    scale: int,
    ny: int,
) -> None:
    """Paint faces as parallelograms; the nearest to the viewer stays."""
    z, y, x = at
    near = x + y - z
    order = np.argsort(near, kind="stable")
    z, y, x, colors, near = z[order], y[order], x[order], colors[order], near[order]
    steps = (np.arange(scale) + 0.5) / scale
    for a in steps:
        for b in steps:
            dz, dy, dx = ((0.0, a, b), (a, 1.0, b), (a, b, 1.0))[axis]
            u, v, w = x + dx, y + dy, z + dz
            column = ((u - v + ny) * scale).astype(int)
            row = ((u + v) * scale / 2 + w * scale).astype(int)
            row, column = row.clip(0, canvas.shape[0] - 1), column.clip(0, canvas.shape[1] - 1)
            front = near >= depth[row, column]
            canvas[row[front], column[front]] = colors[front]
            depth[row[front], column[front]] = near[front]


def _png(image) -> bytes:  # type: ignore[no-untyped-def]
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
