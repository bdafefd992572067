"""Measure a volume of any size: what adds up is streamed block by block, the rest takes the volume as a whole."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.interfaces.metric import AdditiveMetric, Block, Measured, Metric, MetricContext
from mesofuse.interfaces.quantity import Of
from mesofuse.volumes.content import CHANNELS, Content, content_of, in_words
from mesofuse.volumes.grid import Grid, Region, Triple
from mesofuse.volumes.labels import LabelArray, Labels, is_masked
from mesofuse.volumes.part import Part
from mesofuse.volumes.phases import Phase
from mesofuse.volumes.scale import seen_region, shapes_differ
from mesofuse.volumes.store.write_units import highest_label

MetricChoice = str | tuple[str, Mapping[str, Any]] | Metric
Progress = Callable[[str, int, int], None]
PARTS = 100  # in which the progress of a metric that takes the whole volume is told
BLOCK = 1 << 22  # voxels that a worker holds at once, about


def measure(
    volume: Labels,
    metrics: Sequence[MetricChoice],
    *,
    scan: ScanReference | None = None,
    stack: bool = False,
    images: Mapping[int, LabelArray] | None = None,
    name: str = "",
    workers: int = 1,
    progress: Progress | None = None,
) -> Measured:
    """Measure a volume or image.

    Args:
        volume: The labels, in memory or on disk.
        metrics: Names of registered metrics, names with options, or metrics themselves.
        scan: The scan that it was made from; metrics that compare with it take the voxels that it shows, where the
            volume has fewer than one scan voxel more (see `seen_region`).
        stack: Axis 0 numbers separate images.
        images: For each axis, the image that shows planes normal to it, for metrics that compare with it.
        name: How the volume is called in the result.
        workers: Threads that read and count; memory grows with them.
        progress: Called with what is done (``blocks``, or the name of a metric that takes the whole volume), how much
            of it, and of how much.

    Returns:
        The results in the order of ``metrics`` (last those of a part, where the scan shows no more); what the volume is
        not fit for is in ``skipped`` with its reason.

    Raises:
        UserError: If a metric or option is unknown, or a label is no phase.
    """
    choices = list(metrics)
    if scan is not None:
        scan = replace(scan, scale=scan.scale_of(volume))
        seen = _seen(volume.grid, scan)
        if seen is not None and seen != volume.grid.region:
            of_scan = [choice for choice in choices if resolve(choice).metric.needs.low_res]
            plain = measure(
                volume, [c for c in choices if c not in of_scan], stack=stack, images=images, name=name,
                workers=workers, progress=progress,
            )  # fmt: skip
            compared = measure(
                Part(volume, seen), of_scan, scan=scan, stack=stack, name=name, workers=workers, progress=progress,
            )  # fmt: skip
            skipped = plain.skipped | compared.skipped
            return Measured(name, volume.grid, [*plain.results, *compared.results], skipped)
    context = replace(
        _context(volume.grid.in_own_voxels(), volume.phases, scan, stack, images),
        masked=is_masked(volume), content=content_of(volume),
    )  # fmt: skip
    watch = progress or _unwatched
    chosen = [resolve(choice) for choice in choices]
    measured = Measured(name, volume.grid, skipped={c.name: why for c in chosen if (why := _unfit(c, context))})
    fit = [(c.name, c.metric) for c in chosen if c.name not in measured.skipped]

    streamed = [metric for _, metric in fit if isinstance(metric, AdditiveMetric)]
    counts = iter(_stream(volume, streamed, context, workers, watch) if streamed else [])
    whole: np.ndarray | None = None
    for key, metric in fit:
        if isinstance(metric, AdditiveMetric):
            measured.results += metric.finish(next(counts), context)
        else:
            whole = _read(volume, volume.grid.region) if whole is None else whole
            measured.results += metric.measure(whole, replace(context, progress=_share_of(key, watch)))
            watch(key, PARTS, PARTS)
    names = tuple(phase.name for phase in volume.phases)
    measured.results = [replace(r, label=Of.read(r.label, names)) for r in measured.results]
    return measured


def unmeasurable(
    grid: Grid,
    phases: tuple[Phase, ...],
    metrics: Sequence[MetricChoice],
    *,
    scan: ScanReference | None = None,
    stack: bool = False,
    images: Mapping[int, LabelArray] | None = None,
    content: Content = "phases",
) -> dict[str, str]:
    """Return which metrics a volume of that grid and those phases is not fit for, with the reason of each.

    The arguments are as for `measure`, which skips these, and ``content`` is what the voxels hold.

    Raises:
        UserError: If a metric or an option is unknown.
    """
    own = grid.in_own_voxels()
    context = replace(_context(own, phases, scan, stack, images), content=content)
    if scan is not None and (seen := _seen(grid, scan)) is not None:
        context = replace(context, grid=own.cropped(seen))
    return {chosen.name: why for chosen in map(resolve, metrics) if (why := _unfit(chosen, context))}


def _context(
    grid: Grid,
    phases: tuple[Phase, ...],
    scan: ScanReference | None,
    stack: bool,
    images: Mapping[int, LabelArray] | None,
) -> MetricContext:
    if scan is None:
        return MetricContext(grid, phases, stack=stack, images=images)
    return MetricContext(grid, phases, scan.low_res, scan.match, scan.scale, scan.degradation, stack, images)


def _seen(grid: Grid, scan: ScanReference) -> Region | None:
    """Return the voxels of a volume that its scan shows; None where they don't go together."""
    if scan.scale is None or min(scan.scale) < 1:
        return None
    return seen_region(grid.shape, scan.low_res.grid.shape, scan.scale)


def _unwatched(what: str, done: int, total: int) -> None:
    """Tell no one."""


def _share_of(name: str, watch: Progress) -> Callable[[float], None]:
    """Return what takes the share of a metric's work that is done; only what is more than before is passed on."""
    last = 0

    def take(share: float) -> None:
        nonlocal last
        if (done := min(PARTS - 1, int(PARTS * share))) > last:
            last = done
            watch(name, done, PARTS)

    watch(name, 0, PARTS)
    return take


def block_shape(volume: Labels, reach: Triple) -> Triple:
    """Return the block in which to stream a volume: whole chunks, about ``BLOCK`` voxels, larger than the reach."""
    shape = volume.grid.shape
    chunk = [min(n, c) for n, c in zip(shape, getattr(volume, "chunks", None) or (64, 64, 64), strict=True)]
    block = list(chunk)
    while any(b < n for b, n in zip(block, shape, strict=True)):
        if math.prod(block) >= BLOCK and all(b >= min(n, 4 * r) for b, n, r in zip(block, shape, reach, strict=True)):
            break
        axis = min((a for a in range(3) if block[a] < shape[a]), key=lambda a: block[a])
        block[axis] += chunk[axis]
    return (block[0], block[1], block[2])


@dataclass(frozen=True)
class Chosen:
    """A metric that is to be measured.

    Attributes:
        name: Its name.
        metric: The metric.
        contents: What it works on.
    """

    name: str
    metric: Metric
    contents: Collection[str] = ("phases",)


def resolve(choice: MetricChoice) -> Chosen:
    """Return a chosen metric, built."""
    if not isinstance(choice, (str, tuple)):
        return Chosen(type(choice).__name__, choice)
    from mesofuse.registry import get_registry

    name, options = (choice, {}) if isinstance(choice, str) else choice
    component = get_registry().find("metric", name)
    metric: Metric = component.build(component.options(options))
    contents: Mapping[Any, Any] = component.options_model().contents
    return Chosen(name, metric, contents.keys())


def _unfit(chosen: Chosen, context: MetricContext) -> str:
    """Return why a metric can't be measured, or nothing."""
    metric = chosen.metric
    if context.content not in chosen.contents:
        able = " and ".join(in_words(content) for content in CHANNELS if content in chosen.contents)
        return f"It measures {able}, and these are {in_words(context.content)}."
    if not isinstance(metric, AdditiveMetric) and (why := _too_large(metric, context.grid)):
        return why
    if context.masked and not metric.needs.masked:
        return "It can't leave out ignored voxels; measure a part without any."
    if metric.needs.three_d and context.planar:
        return "It needs a 3D volume, and this is an image."
    if context.content == "phases" and len(context.phases) < metric.needs.min_phases:
        return f"It needs at least {metric.needs.min_phases} phases, and there are {len(context.phases)}."
    if len(context.phases) > metric.needs.max_phases:
        return f"It takes at most {metric.needs.max_phases} phases, and there are {len(context.phases)}."
    if metric.needs.images and context.images is None:
        return "It needs the image to compare with."
    if metric.needs.images and any(len(i.phases) != len(context.phases) for i in (context.images or {}).values()):
        return "The image has another number of phases."
    if not metric.needs.low_res:
        return ""
    if context.low_res is None or context.match is None or context.scale is None:
        return "It needs the scan and which phases each of its phases shows."
    if context.degradation is None:
        return "It needs a degradation, which says what the scan's instrument shows."
    if context.stack:
        return "Separate images are no result of the scan."
    high, low = context.grid.shape, context.low_res.grid
    if min(context.scale) < 1 or low.region.scaled(context.scale).shape != high:
        return shapes_differ(high, low.shape, context.scale)
    if max((v for values in context.match.shows for v in values), default=-1) >= len(context.phases):
        return "The volume has fewer phases than the scan is said to show."
    return ""


def _too_large(metric: Metric, grid: Grid) -> str:
    """Return why a metric that takes the whole volume does not fit into memory, or nothing."""
    import psutil

    needed = grid.region.size * (1 + metric.needs.bytes_per_voxel)
    free = psutil.virtual_memory().available
    if needed <= free:
        return ""
    return (
        f"It takes the whole volume at once and would need about {needed / 2**30:.1f} GiB of memory, but "
        f"{free / 2**30:.1f} GiB are free: measure a part of the volume."
    )


def _read(volume: Labels, region: Region) -> np.ndarray:
    labels = volume.read(region)
    if volume.phases and labels.size and highest_label(labels, is_masked(volume)) >= len(volume.phases):
        raise UserError(
            f"The volume holds the label {int(labels.max())} but only {len(volume.phases)} phases (labels 0 to "
            f"{len(volume.phases) - 1}): its phases do not describe its labels; import it again."
        )
    return labels


def _cores(volume: Labels, context: MetricContext, block: Triple, aligned: bool) -> Iterator[Region]:
    if not aligned:
        yield from volume.grid.region.blocks(block)
        return
    assert context.low_res is not None
    assert context.scale is not None
    low = tuple(max(1, int(b / s)) for b, s in zip(block, context.scale, strict=True))
    for region in context.low_res.grid.region.blocks(low):
        yield region.scaled(context.scale)


def _stream(
    volume: Labels,
    metrics: Sequence[AdditiveMetric],
    context: MetricContext,
    workers: int,
    watch: Progress,
) -> list[dict[str, np.ndarray]]:
    """Read every block once, let every metric count in it, and add up in the blocks' order, whoever was first."""
    import dask

    shape = volume.grid.shape
    reaches = [metric.reach(context) for metric in metrics]
    reach = tuple(max(r[axis] for r in reaches) for axis in range(3))
    block = block_shape(volume, reach)  # type: ignore[arg-type]
    cores = list(_cores(volume, context, block, any(metric.align for metric in metrics)))
    lock, done = threading.Lock(), 0

    def work(core: Region) -> list[dict[str, np.ndarray]]:
        nonlocal done
        outer = core.grown(reach, shape)
        labels = _read(volume, outer)
        counted = []
        for metric, own in zip(metrics, reaches, strict=True):
            window = core.grown(own, shape)
            counted.append(metric.count(Block(labels[(..., *window.within(outer))], core, window, context)))
        with lock:
            done += 1
            watch("blocks", done, len(cores))
        return counted

    tasks = [dask.delayed(work, pure=False)(core) for core in cores]
    parts = dask.compute(*tasks, scheduler="threads", num_workers=workers)
    totals = parts[0]
    for part in parts[1:]:
        for total, counted in zip(totals, part, strict=True):
            for key, value in counted.items():
                total[key] = total[key] + value
    return list(totals)
