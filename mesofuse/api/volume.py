"""Volumes and images: any file or array, read by slices."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.api import temporary
from mesofuse.api.words import in_python, note
from mesofuse.errors import UserError
from mesofuse.pipeline.inputs import open_labels
from mesofuse.registry import get_registry
from mesofuse.volumes.content import Content, content_of, in_words, leading
from mesofuse.volumes.formats.catalogue import BUILTIN, write_labels
from mesofuse.volumes.grid import AXES, Region, parse_unit
from mesofuse.volumes.intensities import open_intensities
from mesofuse.volumes.labels import Labels
from mesofuse.volumes.mask import Ignore
from mesofuse.volumes.scale import times
from mesofuse.volumes.shading import in_colours
from mesofuse.volumes.store.opening import content_at
from mesofuse.volumes.units import parse_pixel_size, parse_voxel_size

PREVIEW = 256
"""Pixels along the longer side of the slice that a notebook shows."""


@dataclass(frozen=True)
class Given:
    """What the user said of a file or array, so that a job can say it again.

    Attributes:
        voxel_size: Edges of a voxel along z, y and x, or None.
        unit: Their unit, or None.
        phases: Names of the phases by label, or none.
        ignore: Values that are no material.
        crop: Part to take, as ``z0:z1,y0:y1,x0:x1``, or None.
    """

    voxel_size: tuple[float, float, float] | None = None
    unit: str | None = None
    phases: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    crop: str | None = None


@dataclass(frozen=True)
class Volume:
    """Labels on a grid, in a file or in memory; `volume` and `image` make them, and so does `Model.generate`.

    Index it as an array: ``fused[:64]``, ``fused[10, ::2]``; only what is asked for is read.

    Attributes:
        labels: What gives the labels by region.
        path: The file, folder or zarr volume that holds them.
        given: What the user said of it.
        stack: Whether axis 0 numbers separate images.
        title: What an array or temporary result is called in tables and figures; empty: what it is.
    """

    labels: Labels
    path: str
    given: Given = field(default=Given())
    stack: bool = False
    title: str = ""

    @property
    def name(self) -> str:
        """What it is called in tables: its file's name; of arrays and temporary results, what they are."""
        path = Path(self.path)
        if not temporary.is_temporary(path):
            return path.name
        return self.title or path.stem.rstrip("0123456789").rstrip("-")

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y and x; before them 3 for colours."""
        return (*self._lead, *self.labels.grid.shape)

    @property
    def _lead(self) -> tuple[int, ...]:
        return leading(content_of(self.labels))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always uint8."""
        return np.dtype(np.uint8)

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the phases by label; none for grey values and colours."""
        return tuple(phase.name for phase in self.labels.phases)

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Edges of a voxel along z, y and x in `unit`; 1 where they are not known."""
        return self.labels.grid.voxel_size

    @property
    def unit(self) -> str:
        """Unit of `voxel_size`; ``pixel`` where it is not known."""
        return self.labels.grid.unit

    def __getitem__(self, key: Any) -> np.ndarray:
        """Read a part: integers, slices and ``...``, as of a numpy array."""
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in [k for k in keys if k is Ellipsis]:
            at = next(i for i, k in enumerate(keys) if k is Ellipsis)
            keys[at : at + 1] = [slice(None)] * (self.ndim - len(keys) + 1)
        keys += [slice(None)] * (self.ndim - len(keys))
        if len(keys) > self.ndim:
            raise IndexError(f"{len(keys)} indices were given, but the volume has {self.ndim} axes.")
        bounds, after = [], []
        for axis, (chosen, n) in enumerate(zip(keys, self.shape, strict=True)):
            low, high, then = _span(chosen, n, axis)
            bounds.append((low, high))
            after.append(then)
        lead = [slice(a, b) for a, b in bounds[: len(self._lead)]]
        start, stop = zip(*bounds[len(self._lead) :], strict=True)
        if any(a == b for a, b in bounds):
            read: np.ndarray = np.empty([b - a for a, b in bounds], np.uint8)
        else:
            read = self.labels.read(Region(start, stop))
            read = read[tuple(lead)] if lead else read
        return np.array(read[tuple(after)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Read all of it."""
        return np.asarray(self[...], dtype=dtype)

    def __len__(self) -> int:
        """Return the number of voxels along the first axis."""
        return self.shape[0]

    def to_dask(self) -> Any:
        """Return a dask array whose blocks are the volume's chunks, read when they are computed."""
        import dask.array

        chunks = (*self._lead, *(getattr(self.labels, "chunks", None) or (64, 64, 64)))
        return dask.array.from_array(self, chunks=chunks, asarray=True)

    def to_xarray(self) -> Any:
        """Return an xarray DataArray, lazy, with the positions of voxels along z, y and x in `unit`.

        Raises:
            UserError: If xarray is not installed.
        """
        try:
            import xarray
        except ImportError:
            raise UserError("A DataArray needs xarray, which is not installed: pip install xarray.") from None
        grid = self.labels.grid
        places = zip(AXES, grid.origin, grid.voxel_size, grid.shape, strict=True)
        coords = {axis: (axis, start + step * np.arange(n), {"units": grid.unit}) for axis, start, step, n in places}
        about = {"phases": list(self.phases), "source": self.path}
        dims = (*(["channel"] * len(self._lead)), *AXES)
        return xarray.DataArray(self.to_dask(), coords, dims, Path(self.path).stem, about)

    @in_python
    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the volume to a file whose ending names the format, such as .zarr, .tif, .npy or .vti.

        Raises:
            UserError: If there is something already, or no format of that name.
        """
        write_labels(self.labels, str(path), (*BUILTIN, *get_registry().formats), overwrite=overwrite)
        return Path(path)

    def fractions(self) -> dict[str, float]:
        """Return the share of each phase of all that is material, by its name; the volume is read in slabs."""
        counts = np.zeros(256, np.int64)
        for region in _slabs(self.labels):
            counts += np.bincount(self.labels.read(region).ravel(), minlength=256)
        known = counts[: len(self.phases)]
        return {name: float(n / known.sum()) for name, n in zip(self.phases, known, strict=True)}

    def __repr__(self) -> str:
        """Return shape, voxel size, phases and place in a line."""
        grid, planar = self.labels.grid, self.stack or self.labels.grid.shape[0] == 1
        edges = grid.voxel_size[1:] if planar else grid.voxel_size
        size = f" of {times(edges if len(set(edges)) > 1 else edges[:1])} {grid.symbol}" if grid.known else ""
        what = ", ".join(self.phases) or in_words(content_of(self.labels))
        where = "temporary" if temporary.is_temporary(self.path) else self.path
        shape = " × ".join(map(str, grid.shape[1:] if planar else grid.shape))
        kind = f"{grid.shape[0]} images" if planar and grid.shape[0] > 1 else "image" if planar else "volume"
        return f"<{kind} of {shape} {'pixels' if planar else 'voxels'}{size}: {what} ({where})>"

    def _repr_html_(self) -> str:
        """Return the middle slice and what the volume is, for a notebook."""
        picture = base64.b64encode(self._picture()).decode()
        rows = "".join(
            f'<div><span style="display:inline-block;width:.8em;height:.8em;background:{p.color}"></span> '
            f"{html.escape(p.name)}</div>"
            for p in self.labels.phases
        )
        return (
            f'<div style="display:flex;gap:1em"><img src="data:image/png;base64,{picture}" alt="middle slice">'
            f"<div><div>{html.escape(repr(self)[1:-1])}</div>{rows}</div></div>"
        )

    def _picture(self) -> bytes:
        """Return the middle slice as a PNG, at most `PREVIEW` pixels wide."""
        from PIL import Image

        depth, rows, columns = self.labels.grid.shape
        step = max(1, -(-max(rows, columns) // PREVIEW))
        plane = self[(*(slice(None) for _ in self._lead), depth // 2, slice(None, None, step), slice(None, None, step))]
        picture = Image.fromarray(np.ascontiguousarray(in_colours(plane, self.labels.phases)))
        times_ = max(1, PREVIEW // (2 * max(picture.size)))
        data = io.BytesIO()
        picture.resize((picture.width * times_, picture.height * times_), Image.Resampling.NEAREST).save(data, "PNG")
        return data.getvalue()


VolumeLike = Volume | str | Path | np.ndarray
"""What functions take as a volume or image: an open one, a file, or an array of labels."""


@in_python
def volume(
    data: VolumeLike,
    *,
    voxel_size: float | Sequence[float] | None = None,
    unit: str | None = None,
    phases: Iterable[str] = (),
    ignore: Iterable[Any] = (),
    crop: str | None = None,
    content: Content = "phases",
) -> Volume:
    """Open a volume of labels: a scan, a result, a truth.

    Args:
        data: A file (.tif, .zarr, .npy, .vti, a folder of images …), or an array (z, y, x) of labels. Values are taken
            in their order as 0, 1, 2 …
        voxel_size: Edge of a voxel, or its edges along z, y and x; None: what the file says.
        unit: Its unit, such as ``um`` or ``nm``.
        phases: Names of the phases in the order of their values; none: what the file says.
        ignore: Values that are no material.
        crop: Part to take, as ``z0:z1,y0:y1,x0:x1``.
        content: What it holds: ``phases``, or ``grey`` values or ``colour``, which are not segmented; a volume of these
            that mesofuse made says it itself.

    Raises:
        UserError: If it can't be read, or can't be a segmented volume.

    >>> import numpy as np
    >>> import mesofuse as mf
    >>> scan = mf.volume(np.indices((8, 8, 8)).sum(0) % 2, voxel_size=0.4, unit="um", phases=["pore", "solid"])
    >>> scan
    <volume of 8 × 8 × 8 voxels of 0.4 µm: pore, solid (temporary)>
    >>> scan.fractions()
    {'pore': 0.5, 'solid': 0.5}
    >>> scan[0, :2, :4]
    array([[0, 1, 0, 1],
           [1, 0, 1, 0]], dtype=uint8)
    """
    size = None if voxel_size is None else parse_voxel_size(in_text(voxel_size))[0]
    return _opened(data, "volume", size, unit, phases, ignore, crop, content, stack=False)


@in_python
def image(
    data: VolumeLike,
    *,
    phases: Iterable[str] = (),
    pixel_size: float | Sequence[float] | None = None,
    unit: str | None = None,
    ignore: Iterable[Any] = (),
    crop: str | None = None,
    content: Content = "phases",
) -> Volume:
    """Open a sharp image, or a stack of separate images of the same material.

    Args:
        data: A file, or an array of labels: (rows, columns), or (images, rows, columns).
        phases: Names of the phases in the order of their values.
        pixel_size: Edge of a pixel, or its height and width; None: what the file says.
        unit: Its unit.
        ignore: Values that are no material, such as a scale bar's.
        crop: Part to take, as ``z0:z1,y0:y1,x0:x1``.
        content: What it holds: ``phases``, or ``grey`` values or ``colour``, which are not segmented; a volume of these
            that mesofuse made says it itself.

    Raises:
        UserError: If it can't be read, or can't be a segmented image.

    >>> import numpy as np
    >>> import mesofuse as mf
    >>> mf.image(np.eye(6, dtype=int), phases=["pore", "solid"])
    <image of 6 × 6 pixels: pore, solid (temporary)>
    """
    size = None
    if pixel_size is not None:
        rows, columns = parse_pixel_size(in_text(pixel_size))
        size = (rows, rows, columns)
    return _opened(data, "image", size, unit, phases, ignore, crop, content, stack=True)


def opened(data: VolumeLike, *, stack: bool = False) -> Volume:
    """Return what a function was given as an open volume."""
    if isinstance(data, Volume):
        return data
    return image(data) if stack else volume(data)


def _opened(
    data: VolumeLike,
    kind: str,
    voxel_size: tuple[float, float, float] | None,
    unit: str | None,
    phases: Iterable[str],
    ignore: Iterable[Any],
    crop: str | None,
    content: Content,
    *,
    stack: bool,
) -> Volume:
    if isinstance(data, Volume):
        raise UserError(f"The {kind} is open already; give its file or array to open it in another way.")
    path = str(data) if isinstance(data, (str, Path)) else temporary.keep(np.asarray(data), kind)
    if (holds := content if content != "phases" else content_at(path)) != "phases":
        if tuple(phases) or ignore:
            raise UserError(f"{in_words(holds).capitalize()} have no phases: leave out phases and ignore.")
        found, notes = open_intensities(
            path, holds, formats=(*BUILTIN, *get_registry().formats), voxel_size=voxel_size,
            unit=None if unit is None else parse_unit(unit), crop=crop,
        )  # fmt: skip
        for text in notes:
            note(text)
        return Volume(found, path, Given(voxel_size, unit, (), (), crop), stack)
    if isinstance(phases, str):
        raise UserError(f"The argument phases is the text {phases!r}; give a list of names, one for each value.")
    said = (ignore,) if isinstance(ignore, (str, int, float)) else tuple(ignore)
    given = Given(
        voxel_size, None if unit is None else parse_unit(unit), tuple(phases), tuple(str(v) for v in said), crop
    )
    labels, mapping = open_labels(
        path, voxel_size=voxel_size, unit=given.unit, phase_names=given.phases, allow_single_phase=True,
        ignore=[Ignore.parse(text) for text in given.ignore], crop=crop,
    )  # fmt: skip
    for remark in mapping.remarks(path):
        note(remark)
    return Volume(labels, path, given, stack)


def in_text(size: float | Sequence[float]) -> str:
    """Return a size or factor, or those along the axes, as the command line takes it."""
    return ",".join(f"{float(edge):.12g}" for edge in np.ravel(size))


def _span(chosen: Any, n: int, axis: int) -> tuple[int, int, Any]:
    """Return first and last voxel to read along an axis, and how what was read is indexed then."""
    if isinstance(chosen, slice):
        places = range(*chosen.indices(n))
        if not places:
            return 0, 0, slice(None)
        low, high = min(places), max(places) + 1
        return low, high, slice(None, None, places.step)
    try:
        at = int(chosen.__index__())
    except AttributeError:
        raise IndexError(f"A volume is indexed by integers, slices and ..., not by {type(chosen).__name__}.") from None
    if not -n <= at < n:
        raise IndexError(f"The index {at} is out of bounds: axis {axis} has {n} voxels.")
    return at % n, at % n + 1, 0


def _slabs(labels: Labels) -> Iterable[Region]:
    depth, rows, columns = labels.grid.shape
    thick = max(1, min(depth, 2**26 // max(1, rows * columns)))
    for start in range(0, depth, thick):
        yield Region((start, 0, 0), (min(depth, start + thick), rows, columns))


Images = Mapping[str, VolumeLike]
"""Images of anisotropic material by the axes that they are normal to, such as ``{"zy": …, "x": …}``."""
