"""The voxels of a TIFF: which pages are one stack, which axis is which, what the samples of a pixel are."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from mesofuse.errors import UserError
from mesofuse.volumes.formats.planar_stack import same_labels
from mesofuse.volumes.formats.raster import check_indices, stacked, turned_round, without_opacity
from mesofuse.volumes.raw import RawImage

_STACK = "ZQI"
"""Axes of planes: depth, and what tifffile calls an axis of which a file says nothing but its length."""
_NAMES = {"T": "times", "C": "channels", "S": "samples a pixel"}
_FIJI = "In Fiji, Image > Properties says what is a slice, Image > Duplicate saves a part"
_GREY, _RGB, _PALETTE, _YCBCR = (0, 1), 2, 3, 6
_MANY_CHANNELS = 5


def pixels(tif: tifffile.TiffFile, path: str, bits: int, lossy: str) -> RawImage:
    """Return the one image or stack of a file.

    Args:
        tif: The file, or a copy that tifffile can decode.
        path: For messages and memory maps.
        bits: Bits of a sample in the file.
        lossy: Name of a compression that alters values, or "".

    Raises:
        UserError: If the file is cut off, holds several stacks, channels or times, or samples of unknown meaning.
    """
    series = [s for s in tif.series if not (getattr(s.keyframe, "is_reduced", False) or s.keyframe.subfiletype & 4)]
    if not series:
        raise UserError(f"{path} holds no image.")
    notes = _other_files(tif, path)
    for one in series:
        _check_whole(one, path)
    if len(series) == 1 and not notes:
        _check_pages(tif, series[0], path)
    if len(series) == 1:
        raw = _arranged(series[0], path, bits, lossy)
        return replace(raw, notes=(*notes, *raw.notes))
    return _appended(series, path, bits, lossy)


def _check_whole(series: Any, path: str) -> None:
    """Raise if a page's data should reach beyond the end of its file.

    Raises:
        UserError: If it should.
    """
    size = series.keyframe.parent.filehandle.size
    ends = [0 if series.dataoffset is None else series.dataoffset + series.nbytes]
    for page in series.pages:
        if page is not None and page.parent is series.keyframe.parent:
            ends += [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if max(ends) > size:
        raise UserError(f"{path} is cut off: its data should reach byte {max(ends)}, but the file has {size}.")


def _check_pages(tif: tifffile.TiffFile, series: Any, path: str) -> None:
    """Raise if the file's description and its pages disagree on the number of planes.

    Raises:
        UserError: If they do; of one page, a description may say that it stands for all.
    """
    if "<OME" in (tif.pages.first.description or "")[:1000] and not tif.is_ome:
        raise UserError(f"{path} is damaged: the OME-XML that describes it is cut off; save the stack anew.")
    pages, planes = len(tif.pages), series.size // max(1, series.keyframe.size)
    if len(tif.series) == 1 and pages > 1 and planes != pages:
        raise UserError(
            f"{path} describes itself as {planes} planes, but holds {pages}: it is damaged, or was changed by a "
            "program that kept the old description; save the stack anew."
        )


def _other_files(tif: tifffile.TiffFile, path: str) -> tuple[str, ...]:
    """Return a note where an OME-TIFF has its planes in several files.

    Raises:
        UserError: If one of them is missing: its planes would be read as zeros.
    """
    if not tif.is_ome or not tif.ome_metadata:
        return ()
    named = {e.get("FileName") for e in ET.fromstring(tif.ome_metadata).iter() if e.tag.endswith("}UUID")} - {None, ""}
    if len(named) < 2:
        return ()
    folder = Path(path).parent
    missing = sorted(str(name) for name in named if not (folder / str(name)).is_file())
    if missing:
        raise UserError(
            f"{path} is one of {len(named)} files of one OME-TIFF, of which {len(missing)} are missing here "
            f"({', '.join(missing[:3])}): put them next to it, or save the stack as one file."
        )
    return (f"it is one of {len(named)} files of one OME-TIFF, which are read together",)


def _appended(series: list[Any], path: str, bits: int, lossy: str) -> RawImage:
    """Return pages that a program appended one by one, as one stack in the order of the file.

    Raises:
        UserError: If they are of unlike shape or kind, or whole stacks.
    """
    shapes = {s.shape[-3:] if s.axes.endswith("S") else s.shape[-2:] for s in series}
    single = all(s.axes.replace("S", "") in ("YX", "IYX") for s in series) and not series[0].keyframe.parent.is_ome
    if len(shapes) > 1 or not single:
        listing = ", ".join("×".join(map(str, s.shape)) for s in series[:4])
        unlike = " of unlike size" if len(shapes) > 1 else ""
        raise UserError(f"{path} holds {len(series)} images{unlike} ({listing}); save the stack alone.")
    planes = []
    for one in series:
        raw = _arranged(one, path, bits, lossy)
        arrays = raw.array if raw.array.ndim - raw.color == 3 else raw.array[np.newaxis]
        masks = [None] * len(arrays) if raw.mask is None else raw.mask.reshape(arrays.shape[:3])
        for page, array, mask in zip(one.pages, arrays, masks, strict=True):
            named = replace(raw, array=array, mask=mask, path=f"{path} page {page.index + 1}")
            planes.append((page.index, named))
            raw = replace(raw, partly=0)  # counted once
    planes.sort(key=lambda pair: pair[0])
    whole = stacked(lambda i: planes[i][1], len(planes), path)
    return replace(whole, notes=tuple(dict.fromkeys(whole.notes)))


def _arranged(series: Any, path: str, bits: int, lossy: str) -> RawImage:
    """Return a series as (z, y, x) or (y, x), colours last."""
    axes = series.axes
    array = _decoded(series, path)
    samples = "S" in axes and array.shape[axes.index("S")] > 1
    if "S" in axes:
        array = np.moveaxis(array, axes.index("S"), -1)
        axes = axes.replace("S", "")
        array = array if samples else array[..., 0]
    if "Y" not in axes or "X" not in axes:
        raise UserError(
            f"{path} names its axes {series.axes}, without rows (Y) or columns (X); save it as a stack ZYX."
        )
    others = [i for i, axis in enumerate(axes) if axis not in "YX" and array.shape[i] > 1]
    if len(others) > 1:
        named = ", ".join(f"{axes[i]}={array.shape[i]}" for i in others)
        raise UserError(
            f"{path} has more axes than a volume ({named} besides rows and columns); save one channel and one time. "
            f"{_FIJI}."
        )
    order = [*others, axes.index("Y"), axes.index("X")]
    rest = [i for i in range(len(axes)) if i not in order]
    array = np.transpose(array, [*rest, *order, *([array.ndim - 1] if samples else [])])
    array = array[(0,) * len(rest)]
    notes: tuple[str, ...] = ()
    if others and axes[others[0]] not in _STACK:
        notes = _as_slices(array, axes[others[0]], path)
    raw = RawImage(array, path, bits=_few(bits, array.dtype), lossy=lossy, notes=notes)
    return _palettes(series, _samples(raw, series.keyframe, bits) if samples else _grey(raw, series.keyframe, bits))


def _few(bits: int, dtype: np.dtype[Any]) -> int:
    return bits if dtype.kind in "bu" and bits < 8 * dtype.itemsize else 0


def _decoded(series: Any, path: str) -> np.ndarray:
    """Return the samples as they are stored, memory-mapped where they lie in one piece."""
    page = series.keyframe
    if series.dataoffset is not None and page.dtype is not None and page.parent.filehandle.is_file:
        dtype = np.dtype(series.dtype).newbyteorder(page.parent.byteorder)
        return np.memmap(page.parent.filehandle.path, dtype, "r", offset=series.dataoffset, shape=series.shape)
    array: np.ndarray = series.asarray()
    return array


def _as_slices(array: np.ndarray, axis: str, path: str) -> tuple[str, ...]:
    """Return a note where planes that are tagged as channels are slices; tifffile tags any stack so by default.

    Raises:
        UserError: If they may be what the file says.
    """
    count, name = len(array), _NAMES.get(axis, f"planes along {axis}")
    if axis == "C" and (same_labels(array) or count >= _MANY_CHANNELS):
        return (f"its {count} planes are tagged as channels; they are read as slices",)
    raise UserError(
        f"{path} holds {count} {name}; a volume has slices: save one of them alone, or, if they are slices, tag them "
        f"so (axes ZYX in tifffile). {_FIJI}."
    )


def _grey(raw: RawImage, page: Any, bits: int) -> RawImage:
    """Return pictures of one sample a pixel."""
    if page.photometric == 0:
        writer = _writes_values_as_they_are(page.parent)
        if writer:
            note = (
                f"it says that zero is white, but {writer} wrote it, which stores values as they are: so they are read"
            )
            return replace(raw, notes=(*raw.notes, note))
        array, note = turned_round(raw.array, bits, raw.path)
        return replace(raw, array=array, notes=(*raw.notes, note))
    return raw


def _writes_values_as_they_are(tif: tifffile.TiffFile) -> str:
    """Return the name of a program to which zero as white is a way of showing values, not of storing them, or "".

    tifffile tags boolean arrays so by default, ImageJ images that it shows with an inverting LUT. Other programs turn
    the values round when they write and when they read.
    """
    if tif.is_imagej:
        return "ImageJ"
    return "tifffile" if str(tif.pages.first.software).startswith("tifffile") else ""


def _samples(raw: RawImage, page: Any, bits: int) -> RawImage:
    """Return pictures of several samples a pixel, which lie on the last axis.

    Raises:
        UserError: If it is not said what they are.
    """
    array, path = raw.array, raw.path
    count, kind = array.shape[-1], int(page.photometric)
    planar = page.planarconfig == 2
    kind = _RGB if kind == _YCBCR and raw.lossy else kind
    if kind == _RGB and count in (3, 4):
        if planar and array.ndim == 3:
            return replace(raw, color=True, planar=True)
        colored = replace(raw, array=array[..., :3], color=True)
        return without_opacity(colored, array[..., 3]) if count == 4 else colored
    if kind in (*_GREY, _PALETTE):
        if count == 2 and tuple(page.extrasamples)[:1] in ((1,), (2,)):
            return without_opacity(_grey(replace(raw, array=array[..., 0]), page, bits), array[..., 1])
        if planar and array.ndim == 3 and not any(page.extrasamples):
            note = f"its {count} planes are tagged as samples of a pixel; they are read as slices"
            slices = replace(raw, array=np.moveaxis(array, -1, 0), notes=(*raw.notes, note))
            return _grey(slices, page, bits)
        raise UserError(
            f"{path} holds {count} values per pixel and does not say what they mean; save one value per pixel (or say "
            "which is the transparency, in the tag ExtraSamples)."
        )
    name = getattr(page.photometric, "name", str(page.photometric))
    raise UserError(f"{path} holds colours as {name}; save them as RGB, or better one number a phase.")


def _palettes(series: Any, raw: RawImage) -> RawImage:
    """Return pictures with the palette that they share, or in colours where the palettes of pages differ."""
    if series.keyframe.photometric != _PALETTE:
        return raw
    if raw.array.dtype.kind == "b":
        raw = replace(raw, array=raw.array.astype(np.uint8))
    planes = raw.array if raw.array.ndim == 3 else raw.array[np.newaxis]
    pages = [series.keyframe if p is None else p for p in series.pages]
    colors = [_palette(p.aspage()) for p in pages]
    if len(colors) != len(planes):  # one description for all
        colors = colors[:1] * len(planes)
    if raw.array.ndim == 2 or all(np.array_equal(c, colors[0]) for c in colors):
        check_indices(raw.array, colors[0], raw.path)
        return replace(raw, palette=colors[0])
    masks = [None] * len(planes) if raw.mask is None else raw.mask.reshape(planes.shape)
    one_by_one = [
        replace(raw, array=a, palette=c, mask=m, notes=()) for a, c, m in zip(planes, colors, masks, strict=True)
    ]
    whole = stacked(lambda i: one_by_one[i], len(planes), raw.path)
    return replace(whole, partly=raw.partly, notes=(*raw.notes, *whole.notes))


def _palette(page: Any) -> np.ndarray:
    """Return a page's colours, (n, 3) uint8.

    Raises:
        ValueError: If it has none.
    """
    if page.colormap is None:
        raise ValueError("a palette image without a palette")
    colors = np.asarray(page.colormap).T
    # Some programs write 8-bit values where TIFF wants 16 bits.
    return (colors >> 8 if int(colors.max()) > 255 else colors).astype(np.uint8)
