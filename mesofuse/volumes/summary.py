"""What a volume or an image file is, in plain values: for `mesofuse info` and for reports."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import BUILTIN, read_raw
from mesofuse.volumes.formats.inner_path import split
from mesofuse.volumes.formats.spec import FormatSpec
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.intensity_statistics import IntensityStatistics, statistics_of
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.labels import Labels, is_masked
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.store import backends
from mesofuse.volumes.store.opening import open_volume
from mesofuse.volumes.store.volume import StoredVolume
from mesofuse.volumes.store.write_units import scan_shape

_STEP = (64, 256, 256)


def summarise(path: str, formats: Sequence[FormatSpec] = BUILTIN, format: str | None = None) -> dict[str, Any]:
    """Return JSON values that describe any file that can be read; its voxels are read once, block by block.

    A readable image that is not labels (a grey-level image, say) is described too, with the reason under ``problem``.

    Raises:
        UserError: If it can't be read.
    """
    if format in (None, "zarr") and backends.is_zarr(path):
        try:
            return _volume(open_volume(path))
        except UserError as error:
            try:
                raw = read_raw(path, formats, "zarr")
            except UserError:
                raise error from None
            return _image(raw, str(error))
    return _image(read_raw(path, formats, format))


def count_phases(labels: Labels, regions: Sequence[Region] | None = None) -> np.ndarray:
    """Return the number of voxels of each phase, summed over regions (by default the whole volume).

    Ignored voxels are in none of them.
    """
    phases = len(labels.phases)
    counts = np.zeros(phases, np.int64)
    for region in regions or labels.grid.region.blocks(_STEP):
        found = np.bincount(labels.read(region).ravel(), minlength=phases)
        counts += found[:phases] if is_masked(labels) else found
    return counts


def _volume(volume: StoredVolume) -> dict[str, Any]:
    missing = list(volume.missing()) if not volume.complete else []
    regions = None
    held: dict[str, Any]
    if volume.content != "phases":
        held = {"content": volume.content} | ({} if missing else {"intensities": _intensities(statistics_of(volume))})
    elif missing:
        absent = set(missing)
        regions = [r for r in volume.grid.region.blocks(volume.write_unit) if r not in absent]
        counts = count_phases(volume, regions) if regions else np.zeros(len(volume.phases), np.int64)
        held = {"phases": _phases(volume, counts), **_ignored(volume, counts, missing)}
    else:
        counts = count_phases(volume, list(volume.grid.region.blocks(scan_shape(volume.write_unit))))
        held = {"phases": _phases(volume, counts), **_ignored(volume, counts, missing)}
    stored = volume.stored_bytes()
    return {
        "path": volume.path,
        "kind": "OME-Zarr volume",
        **_grid(volume.grid),
        **held,
        **({"notes": list(volume.notes)} if volume.notes else {}),
        **({} if volume.arrangement.plain else {"stored_axes": list(volume.arrangement.names)}),
        "chunks": list(volume.chunks),
        "shards": list(volume.shards) if volume.shards else None,
        "levels": [list(g.shape) for g in volume.levels],
        "bytes": stored,
        "compression": round(math.prod((*volume.channels, *volume.grid.shape)) / stored, 2),
        "written": 1 - sum(r.size for r in missing) / volume.grid.region.size,
        "provenance": volume.provenance,
    }


def _image(raw: RawImage, problem: str = "") -> dict[str, Any]:
    size = _size_on_disk(Path(split(raw.path)[0]))
    about: dict[str, Any] = {"path": raw.path, "kind": "image file", "type": str(raw.array.dtype)}
    try:
        labels, mapping = to_labels(raw, allow_single_phase=True)
    except UserError as error:
        numeric = raw.array.dtype.kind in "biuf" and raw.array.size
        values = [float(raw.array.min()), float(raw.array.max())] if numeric else None
        return {
            **about,
            "shape": list(raw.array.shape),
            "range": values,
            "bytes": size,
            "problem": problem or str(error),
            **({"notes": list(notes)} if (notes := raw.said()) else {}),
        }
    counts = count_phases(labels)
    about |= {**_grid(labels.grid), "phases": _phases(labels, counts), **_ignored(labels, counts), "bytes": size}
    if mapping.changed:
        about["mapped"] = str(mapping)
    if mapping.notes:
        about["notes"] = list(mapping.notes)
    return {**about, "problem": problem} if problem else about


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "shape": list(grid.shape),
        "voxel_size": list(grid.voxel_size) if grid.known else None,
        "unit": grid.unit if grid.known else None,
        "extent": [float(f"{e:.12g}") for e in grid.extent] if grid.known else None,
        "origin": list(grid.origin),
    }


def _phases(labels: Labels, counts: np.ndarray) -> list[dict[str, Any]]:
    total = max(1, int(counts.sum()))
    return [
        {"value": p.value, "name": p.name, "color": p.color, "voxels": int(n), "fraction": int(n) / total}
        for p, n in zip(labels.phases, counts, strict=True)
    ]


def _ignored(labels: Labels, counts: np.ndarray, missing: Sequence[Region] = ()) -> dict[str, Any]:
    """Return how many voxels are no material, where some may be; phases' shares are of the others."""
    if not is_masked(labels):
        return {}
    total = labels.grid.region.size - sum(r.size for r in missing)
    count = total - int(counts.sum())
    return {"ignored": {"value": IGNORED, "voxels": count, "fraction": count / max(1, total)}}


def _intensities(of: IntensityStatistics) -> list[dict[str, Any]]:
    names = ("red", "green", "blue") if len(of.mean) == 3 else ("grey",)
    return [
        {"channel": name, "mean": float(mean), "deviation": float(deviation)}
        for name, mean, deviation in zip(names, of.mean, of.deviation, strict=True)
    ]


def _size_on_disk(path: Path) -> int:
    if path.is_dir():
        return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    return os.path.getsize(path) if path.exists() else 0
