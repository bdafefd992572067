"""The protocol of the SuperRes paper: the same metrics in many random subvolumes, or patches of an image."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.evaluation.measure import MetricChoice, measure
from mesofuse.evaluation.record_log import opened
from mesofuse.interfaces.metric import Curve, Measured, Measurement
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray, Labels, is_masked
from mesofuse.volumes.phases import IGNORED

Key = tuple[str, str]
TRIES = 200
"""Random subvolumes that are looked at for each that is to be free of ignored voxels."""
_WORK: dict[str, Any] = {}  # what a worker process was started with


@dataclass
class Sampled:
    """What was measured in the subvolumes of one volume.

    Attributes:
        volume: How the volume is called.
        grid: Its grid.
        regions: The subvolumes.
        values: For each metric and label one value per subvolume, in the order of ``regions``.
        units: Unit of each metric and label.
        per_voxel: Those whose values depend on the voxel size.
        skipped: Metric name to the reason why it was not measured.
        independent: How many subvolumes the volume holds side by side, at most as many as were measured; standard
            errors are taken with this number, as more of them tell nothing new.
        curves: For each metric and label the curves of the subvolumes that have one.
        reasons: For each metric and label one text a subvolume: why its value is NaN or infinite, or nothing.
    """

    volume: str
    grid: Grid
    regions: list[Region]
    values: dict[Key, np.ndarray] = field(default_factory=dict)
    units: dict[Key, str] = field(default_factory=dict)
    per_voxel: set[Key] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    independent: float = 1.0
    curves: dict[Key, list[Curve]] = field(default_factory=dict)
    reasons: dict[Key, list[str]] = field(default_factory=dict)


def positions(grid: Grid, *, size: int = 64, count: int = 256, seed: int = 0, stack: bool = False) -> list[Region]:
    """Draw subvolumes of ``size``³ voxels, or patches of ``size``² pixels where axis 0 numbers images or is one thick.

    Volumes of the same shape get the same subvolumes, volumes of different shape those at the same relative places.

    Raises:
        UserError: If the volume is smaller than a subvolume.
    """
    planar = stack or grid.shape[0] == 1
    extent = (1 if planar else size, size, size)
    if any(n < s for n, s in zip(grid.shape, extent, strict=True)):
        what = f"patch of {size}²" if planar else f"subvolume of {size}³"
        raise UserError(f"The volume's shape {grid.shape} is smaller than a {what}; choose a smaller size.")
    free = np.array(grid.shape) - extent + 1
    starts = np.floor(np.random.default_rng(seed).random((count, 3)) * free).astype(int).tolist()
    return [Region((z, y, x), (z + extent[0], y + extent[1], x + extent[2])) for z, y, x in starts]


def sample(
    volume: Labels,
    metrics: Sequence[MetricChoice],
    *,
    size: int = 64,
    count: int = 256,
    seed: int = 0,
    stack: bool = False,
    name: str = "",
    workers: int = 1,
    record: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sampled:
    """Measure random subvolumes.

    Args:
        volume: The labels, in memory or on disk; it is pickled for each worker.
            Where some of its voxels are ignored, the subvolumes are drawn among those that hold none.
        metrics: As for `measure`; those that need the scan are skipped.
        size: Edge of a subvolume in voxels.
        count: How many.
        seed: Draws their places.
        stack: Axis 0 numbers separate images.
        name: How the volume is called in the result.
        workers: Processes; 1 measures in this one.
        record: A file that keeps every subvolume as soon as it is measured; an existing one is resumed.
        progress: Called with the number of subvolumes done and of all.

    Raises:
        UserError: If the volume is too small, a metric unknown, or ``record`` belongs to something else.
    """
    regions = positions(volume.grid, size=size, count=count, seed=seed, stack=stack)
    if is_masked(volume):
        regions = _free(volume, size, count, seed, stack)
    settings = {
        "size": size, "count": count, "seed": seed, "stack": stack, "metrics": [_described(m) for m in metrics],
        "shape": list(volume.grid.shape), "voxel_size": list(volume.grid.voxel_size), "unit": volume.grid.unit,
        "phases": [p.name for p in volume.phases],
        "content": hashlib.sha256(np.ascontiguousarray(volume.read(regions[0])).tobytes()).hexdigest(),
    }  # fmt: skip
    with opened(record, settings) as log:
        todo = [i for i in range(count) if i not in log.done]
        for index, measured in _measured(volume, metrics, stack, regions, todo, workers):
            log.add(index, measured)
            if progress:
                progress(len(log.done), count)
    return collect(name, volume.grid, regions, [log.done[i] for i in range(count)])


def _free(volume: Labels, size: int, count: int, seed: int, stack: bool) -> list[Region]:
    """Return the first of many random subvolumes that hold no ignored voxel.

    Raises:
        UserError: If there are not enough.
    """
    found: list[Region] = []
    for region in positions(volume.grid, size=size, count=TRIES * count, seed=seed, stack=stack):
        if not (volume.read(region) == IGNORED).any():
            found.append(region)
        if len(found) == count:
            return found
    raise UserError(
        f"Of {TRIES * count:,} random parts of {size} voxels along each axis {len(found)} hold no ignored voxel, but "
        f"{count} are to be measured; choose a smaller size, or crop the volume to what is material."
    )


def collect(name: str, grid: Grid, regions: list[Region], parts: list[Measured]) -> Sampled:
    """Gather the results of subvolumes by quantity."""
    room = grid.region.size / regions[0].size
    sampled = Sampled(name, grid, regions, skipped=dict(parts[0].skipped), independent=min(len(parts), room))
    keys = dict.fromkeys((r.metric, r.label) for part in parts for r in part.results if isinstance(r, Measurement))
    for key in keys:
        sampled.values[key] = np.full(len(parts), np.nan)
        sampled.reasons[key] = [""] * len(parts)
    for i, part in enumerate(parts):
        for r in part.results:
            if isinstance(r, Measurement):
                key = (r.metric, r.label)
                sampled.values[key][i], sampled.units[key] = r.value, r.unit
                sampled.reasons[key][i] = r.reason
                if r.per_voxel:
                    sampled.per_voxel.add(key)
            else:
                sampled.curves.setdefault((r.metric, r.label), []).append(r)
    return sampled


def _measured(
    volume: Labels, metrics: Sequence[MetricChoice], stack: bool, regions: list[Region], todo: list[int], workers: int
) -> Iterator[tuple[int, Measured]]:
    """Measure the subvolumes, here or in other processes, in whatever order they are ready."""
    if workers <= 1 or len(todo) <= 1:
        for i in todo:
            yield i, _measure_one(volume, metrics, stack, regions[i])
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    pool = ProcessPoolExecutor(
        min(workers, len(todo)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(volume, list(metrics), stack),
    )
    try:
        waiting = {pool.submit(_work, regions[i]): i for i in todo}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(volume: Labels, metrics: list[MetricChoice], stack: bool) -> None:
    # More threads than cores would slow each other down many times. Nothing in this process has read these yet.
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    _WORK.update(volume=volume, metrics=metrics, stack=stack)


def _work(region: Region) -> Measured:
    return _measure_one(_WORK["volume"], _WORK["metrics"], _WORK["stack"], region)


def _measure_one(volume: Labels, metrics: Sequence[MetricChoice], stack: bool, region: Region) -> Measured:
    labels = np.ascontiguousarray(volume.read(region))
    part = LabelArray(labels, volume.grid.cropped(region), volume.phases)
    return measure(part, metrics, stack=stack)


def _described(metric: MetricChoice) -> Any:
    if isinstance(metric, str):
        return metric
    return [metric[0], dict(metric[1])] if isinstance(metric, tuple) else type(metric).__qualname__
