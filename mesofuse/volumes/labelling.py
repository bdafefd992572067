"""From any image file to labels 0 … n−1: what is accepted, what is mapped, what is refused and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.blurred_labels import WAYS, blurred
from mesofuse.volumes.formats.catalogue import BUILTIN, read_raw
from mesofuse.volumes.formats.planar_stack import as_stack_or_colors
from mesofuse.volumes.formats.spec import FormatSpec
from mesofuse.volumes.grid import Grid, Region, Scale, parse_unit
from mesofuse.volumes.label_values import NAME_ALL, more_than_names, odd_values, slabs
from mesofuse.volumes.label_values import different_values as _values
from mesofuse.volumes.labels import LabelArray, Labels
from mesofuse.volumes.mask import Ignore, Relabelled, ignored_in, relabelled
from mesofuse.volumes.part import Part
from mesofuse.volumes.phases import IGNORED, MAX_PHASES, Phase, default_phases
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.store import backends
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.surround import find_surround
from mesofuse.volumes.units import parse_voxel_size

MAX_UNNAMED = 32
"""More different values than this are taken for grey levels, unless the user names the phases."""
MAX_COLORS = 16
"""More different colours than this are taken for a colour photograph."""
_DARK = 32
"""Colours of smaller values than this, out of 255, are black to the eye."""
_APART = 24
"""Colours that differ less than this, out of 255, in every channel look alike."""


@dataclass(frozen=True)
class LabelMapping:
    """What became of the values of a file, and what else the user should know of how it was read.

    Attributes:
        originals: ``originals[label]`` is the file's own value (or colour) of each label.
        notes: Sentences without a full stop.
        ignored: What was ignored of what was to be.
    """

    originals: tuple[int | str, ...]
    notes: tuple[str, ...] = ()
    ignored: tuple[Ignore, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any value was changed."""
        return self.originals != tuple(range(len(self.originals)))

    def __str__(self) -> str:
        """Return for example ``0→0, 128→1``."""
        return ", ".join(f"{value}→{label}" for label, value in enumerate(self.originals))

    def remarks(self, path: str) -> list[str]:
        """Return what to say of the file at ``path``, each remark opening with its name."""
        mapped = [f"{path}: values mapped to labels: {self}"] if self.changed else []
        return [*(f"{path}: {note}" for note in self.notes), *mapped]


def to_labels(
    raw: RawImage,
    *,
    voxel_size: str | float | Scale | None = None,
    unit: str | None = None,
    phase_names: Sequence[str] = (),
    name: str = "",
    allow_single_phase: bool = False,
    ignore: Sequence[Ignore] = (),
    crop: str | None = None,
) -> tuple[LabelArray, LabelMapping]:
    """Take an image for labels; values that are not 0 … n−1 are mapped in order of value, colours by luminance.

    Args:
        raw: The image; whole-number values of any type. A 2D image becomes a volume one voxel thick.
        voxel_size: Overrides the file's: ``0.4``, ``"0.4"``, ``"1.0,0.4,0.4"`` or (z, y, x).
        unit: Unit of ``voxel_size`` (micrometer if left out), or of the file's voxel size in place of what it says.
        phase_names: Names of the phases, in order of label.
        name: What to call the image in messages; its path by default.
        allow_single_phase: Accept an image of one value.
        ignore: What is no material: such voxels get the label `IGNORED`, and the other values are mapped as if there
            were no others.
        crop: The part to take, as ``z0:z1,y0:y1,x0:x1``; it keeps its place in space.

    Raises:
        UserError: If it can't be a segmented image, or a value to be ignored is not there; the sentence says why and
            what to do.
    """
    name = name or raw.path
    raw = as_stack_or_colors(raw)
    if raw.partly:
        raise UserError(
            f"{name} has {raw.partly} partly transparent pixels, of which it is not clear whether they are material: "
            "make each pixel opaque or wholly transparent, or save it without transparency."
        )
    raw, part = (raw, None) if crop is None else cropped(raw, crop)
    array, colors = _without_color(raw, name)
    if array.ndim not in (2, 3):
        raise UserError(f"{name} has {array.ndim} axes (shape {array.shape}); an image has 2 and a volume 3.")
    if array.size == 0:
        raise UserError(f"{name} is empty: its shape is {array.shape}.")
    array = array if array.ndim == 3 else array[np.newaxis]
    if array.dtype.kind == "b":  # Pillow's boolean arrays hold 255 for True
        array = array.view(np.uint8) != 0
    names = tuple(phase_names)
    transparent = None if raw.mask is None else raw.mask.reshape(array.shape)
    known = len(names) or len(raw.phase_names)
    mask, ignored_notes, ignored = ignored_in(array, _with_own(ignore, raw), name, colors, transparent)
    values, counts = _values(array, name, max(MAX_UNNAMED, min(known, MAX_PHASES)), raw.lossy, mask)
    colors = tuple(colors[v] for v in values) if colors else ()
    if mask is not None:
        array = np.where(mask, array.dtype.type(values[0]), array)
    if len(values) == 1 and not allow_single_phase:
        raise UserError(
            f"{name} has one phase only: every voxel {'that is not ignored ' if ignored else ''}has the value "
            f"{values[0]}; at least two phases are needed."
        )
    if not colors and len(names) != len(values):
        clause = blurred(array, values, counts)
        if clause:
            raise UserError(f"{name} {clause}. {WAYS}{NAME_ALL}.")
    if names and len(values) > len(names):
        raise more_than_names(name, values, counts, names, colors)
    odd = () if len(names) == len(values) else odd_values(array, values, counts)
    if known and not colors and values[0] >= 0 and values[-1] < known:  # a part that happens to lack a phase
        values = list(range(known))
    labels = _map(array, values, mask)
    grid = grid_of(raw, labels.shape, voxel_size, unit)
    grid = grid if part is None else grid.cropped(part)
    names = names or (raw.phase_names if len(raw.phase_names) == len(values) else ())
    phases = default_phases(len(values), names)
    tints = colors or (raw.phase_colors if len(raw.phase_colors) == len(values) else _tints(raw.palette, values))
    if tints:
        phases = tuple(Phase(p.value, p.name, tint) for p, tint in zip(phases, tints, strict=True))
    originals: tuple[int | str, ...] = colors or tuple(values)
    made = LabelArray(labels, grid, phases, mask is not None)
    around = find_surround(made)
    padding = [] if around is None else [around.note(originals[around.label])]
    notes = (*raw.said(voxel_size is not None), *ignored_notes, *odd, *padding)
    return made, LabelMapping(originals, notes, tuple(ignored))


def read_labels(
    path: str | Path,
    *,
    formats: Sequence[FormatSpec] = BUILTIN,
    format: str | None = None,
    voxel_size: str | float | Scale | None = None,
    unit: str | None = None,
    phase_names: Sequence[str] = (),
    allow_single_phase: bool = False,
    ignore: Sequence[Ignore] = (),
    crop: str | None = None,
) -> tuple[Labels, LabelMapping]:
    """Open any input as labels: zarr volumes come back unread, other files as arrays.

    Args:
        path: A file, a folder of images, a zarr volume or an fsspec URL of one.
        formats: The formats to choose from.
        format: Name of the format, where the file's ending does not tell.
        voxel_size: See `to_labels`.
        unit: See `to_labels`.
        phase_names: See `to_labels`.
        allow_single_phase: Accept an image of one value.
        ignore: See `to_labels`.
        crop: See `to_labels`.

    Raises:
        UserError: If there is no such file, it can't be read, or it can't be a segmented image.
    """
    if format in (None, "zarr") and backends.is_zarr(path) and not any(i.surround for i in ignore):
        try:
            volume = LabelVolume.open(path)
        except UserError:
            if not ignore:
                raise
        else:
            return _opened(
                volume, str(path), voxel_size, unit, phase_names, allow_single_phase, tuple(ignore), crop
            )  # fmt: skip
    raw = read_raw(path, formats, format)
    return to_labels(
        raw, voxel_size=voxel_size, unit=unit, phase_names=phase_names, allow_single_phase=allow_single_phase,
        ignore=ignore, crop=crop,
    )  # fmt: skip


def _opened(
    volume: LabelVolume,
    path: str,
    voxel_size: str | float | Scale | None,
    unit: str | None,
    phase_names: Sequence[str],
    allow_single_phase: bool,
    ignore: Sequence[Ignore],
    crop: str | None,
) -> tuple[Labels, LabelMapping]:
    """Return an open volume as `read_labels` gives it; arguments as there."""
    if voxel_size is not None or unit is not None:
        raw = RawImage(np.empty(0), path, volume.grid.voxel_size, volume.grid.unit, volume.grid.origin)
        volume.grid = grid_of(raw, volume.grid.shape, voxel_size, unit)
    region = None if crop is None else Region.parse(crop, volume.grid.shape)
    labels: Labels = volume if region is None else Part(volume, region)
    originals, notes = [p.value for p in volume.phases], list(volume.notes if voxel_size is None else ())
    found: list[Ignore] = []
    if ignore:
        labels, ignored_notes, found = relabelled(labels, ignore, path)
        notes += ignored_notes
        originals = [v for v in originals if v not in getattr(labels, "ignored", ())]
    if len(labels.phases) == 1 and not allow_single_phase:
        raise UserError(f"{path} has one phase only; at least two phases are needed.")
    if phase_names:
        named = default_phases(len(labels.phases), tuple(phase_names))
        phases = tuple(replace(p, name=q.name) for p, q in zip(labels.phases, named, strict=True))
        if isinstance(labels, Relabelled):
            labels.phases = phases
        else:
            volume.phases = phases
    return labels, LabelMapping(tuple(originals), tuple(notes), tuple(found))


def _with_own(ignore: Sequence[Ignore], raw: RawImage) -> list[Ignore]:
    """Return what is to be ignored, with what the file itself says is no material."""
    given = {str(each) for each in ignore}
    own = [Ignore.parse(str(value), optional=True) for value in raw.ignores]
    return [*ignore, *(each for each in own if str(each) not in given)]


def cropped(raw: RawImage, crop: str) -> tuple[RawImage, Region]:
    """Return the part ``z0:z1,y0:y1,x0:x1`` of an image, and where it lies.

    Raises:
        UserError: If it is malformed, empty or reaches outside the image.
    """
    space = raw.array.ndim - raw.color
    if space not in (2, 3):
        raise UserError(f"{raw.path} has {space} axes (shape {raw.array.shape}); a part is cut from 2 or 3.")
    shape = raw.array.shape[:space]
    region = Region.parse(crop, shape if space == 3 else (1, *shape))
    part = region.slices[3 - space :]
    return replace(raw, array=raw.array[part], mask=None if raw.mask is None else raw.mask[part]), region


def _without_color(raw: RawImage, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the image without its colour axis, and the colours in order of label if it had real ones."""
    if not raw.color:
        return raw.array, ()
    rgb = raw.array[..., :3]
    if rgb.ndim not in (3, 4):
        raise UserError(f"{name} has the shape {raw.array.shape}; an image has 2 axes, a volume 3, and colours one.")
    if rgb.size and all(np.array_equal(rgb[..., 0], rgb[..., c]) for c in (1, 2)):
        return rgb[..., 0], ()
    if rgb.dtype != np.uint8:
        raise UserError(f"{name} is a colour image of {rgb.dtype}; a labelled image is expected, one number a voxel.")
    if rgb.size and int(rgb.max()) < _DARK:
        raise UserError(
            f"{name} is tagged as colours, all of them nearly black: is it a volume {raw.array.shape[-1]} voxels wide, "
            "which tifffile tags so by default? Save it with photometric='minisblack'."
        )
    if raw.lossy:
        raise UserError(f"{name} is a {raw.lossy} in colours, which blurs labels; segment it, and save labels as PNG.")
    weights = np.array([65536, 256, 1], np.uint32)
    codes = np.empty(rgb.shape[:-1], np.uint32)
    seen: set[int] = set()
    for i, plane in enumerate(rgb):
        codes[i] = plane @ weights
        seen.update(np.unique(codes[i]).tolist())
        if len(seen) > MAX_COLORS:
            raise UserError(
                f"{name} is a colour image with more than {MAX_COLORS} colours; a labelled image is expected, "
                "one number (or one plain colour) a phase: segment it first."
            )
    found = np.array(sorted(seen), np.uint32)
    channels = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    rank = np.lexsort((found, channels @ np.array([0.2126, 0.7152, 0.0722])))
    label_of = np.empty(len(found), np.uint8)
    label_of[rank] = np.arange(len(found))
    return label_of[np.searchsorted(found, codes)], tuple(f"#{found[i]:06x}" for i in rank)


def _tints(palette: np.ndarray | None, values: list[int]) -> tuple[str, ...]:
    """Return the palette's colours of labels, where they can be told apart."""
    if palette is None or values[-1] >= len(palette):
        return ()
    used = palette[values].astype(int)
    near = np.abs(used[:, np.newaxis] - used).max(axis=2) < _APART
    return tuple("#{:02x}{:02x}{:02x}".format(*c) for c in used.tolist()) if near.sum() == len(values) else ()


def _map(array: np.ndarray, values: list[int], mask: np.ndarray | None = None) -> np.ndarray:
    """Return uint8 labels: the rank of each voxel's value, ignored in a mask; the array itself if nothing changes."""
    identity = values == list(range(len(values))) and mask is None
    if identity and array.dtype.kind in "biu":
        return array.view(np.uint8) if array.dtype.itemsize == 1 else array.astype(np.uint8)
    labels = np.empty(array.shape, np.uint8)
    ordered = np.array(values, dtype=np.float64 if array.dtype.kind == "f" else np.int64)
    for slab in slabs(array):
        labels[slab] = np.searchsorted(ordered, array[slab])
    if mask is not None:
        labels[mask] = IGNORED
    return labels


def grid_of(raw: RawImage, shape: Sequence[int], voxel_size: str | float | Scale | None, unit: str | None) -> Grid:
    """Return the grid: what the user says, else what the file says, else unknown."""
    extent = (int(shape[0]), int(shape[1]), int(shape[2]))
    if voxel_size is not None:
        text = ",".join(map(str, voxel_size)) if isinstance(voxel_size, tuple) else voxel_size
        return Grid(extent, *parse_voxel_size(text, unit), raw.origin if raw.unit else (0.0, 0.0, 0.0))
    if unit is not None and raw.voxel_size is None:
        raise UserError(f"{raw.path} says no voxel size, so --unit {unit} needs --voxel-size next to it.")
    if raw.voxel_size is None:
        return Grid(extent)
    return Grid(extent, raw.voxel_size, parse_unit(unit) if unit else raw.unit or "pixel", raw.origin)
