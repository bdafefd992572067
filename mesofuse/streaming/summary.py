"""What several realisations agree on: the most probable phase, each phase's probability, and the entropy; by blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import zarr

from mesofuse.streaming.compute import default_workers
from mesofuse.streaming.extra_array import usable
from mesofuse.streaming.output import alone, open_output
from mesofuse.streaming.run import GenerateOptions
from mesofuse.volumes.grid import Region
from mesofuse.volumes.phases import IGNORED
from mesofuse.volumes.store.array_units import ArrayUnits
from mesofuse.volumes.store.backends import occupied, open_store
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.levels import create_array
from mesofuse.volumes.store.volume import StoredVolume
from mesofuse.volumes.store.write_units import layout

AT_ONCE = 1 << 27
"""Voxels in hand at once, about, over all workers."""


def summarise(
    volumes: Sequence[StoredVolume],
    out: str,
    options: GenerateOptions,
    *,
    say: Callable[[str], None] = lambda text: None,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> StoredVolume:
    """Write the summary of realisations; one that was begun of the same realisations is resumed, another replaced.

    Its labels are the most probable phases (ties: the lowest). Beside them lie ``probability`` (phases, z, y, x), the
    share p of realisations that have the phase, and ``entropy`` (z, y, x), −Σ p log₂ p in bits; both are float32.
    Ignored voxels are ignored here too: their shares are 0, their entropy is NaN.

    Args:
        volumes: The realisations, of one shape.
        out: Path or URL of the zarr volume.
        options: Its chunks, shards, workers and levels.
        say: Takes a sentence where something has to be waited for.
        watch: Called with blocks done and blocks in all.
    """
    from dask.threaded import get

    first = volumes[0]
    own = ("complete", "seed", "totals")
    job = {k: v for k, v in first.provenance.items() if k not in own}
    job["summary_of"] = [v.provenance.get("seed") for v in volumes]
    with alone(out, say):
        same = _same(out, first, options, job)
        volume = open_output(
            out, first.grid, first.phases, options.chunks, options.shards, job,
            resume=same, overwrite=occupied(out) and not same, masked=first.masked,
        )  # fmt: skip
        was_finished = bool(volume.provenance.get("complete"))
        probability, entropy = _arrays(volume)
        if same:
            _discard_damaged(volume, (probability, entropy))
        if was_finished and volume.complete and volume.levels_are_sound():
            return volume
        if was_finished:
            volume.set_provenance({**volume.provenance, "complete": False})
        todo = list(volume.missing())
        total = sum(1 for _ in volume.grid.region.blocks(volume.write_unit))
        done = total - len(todo)

        def work(unit: Region) -> None:
            share = shares(volumes, unit)
            probability[(slice(None), *unit.slices)] = share
            ignored = share.sum(0) == 0
            entropy[unit.slices] = np.where(ignored, np.float32(np.nan), bits(share))
            likeliest = np.where(ignored, IGNORED, share.argmax(0)).astype(np.uint8)
            volume.write(unit, likeliest)  # last: a unit whose labels are there is done

        def finished(*_: Any) -> None:
            nonlocal done
            done += 1
            watch(done, total)

        workers = options.workers or default_workers("cpu")
        workers = max(1, min(workers, AT_ONCE // math.prod(volume.write_unit)))
        graph = {("block", i): (work, unit) for i, unit in enumerate(todo)}
        get(graph, list(graph), num_workers=workers, callbacks=[(None, None, None, finished, None)])
        if options.levels:
            volume.build_levels()
        volume.seal({**volume.provenance, "complete": True})
    return volume


def _discard_damaged(volume: StoredVolume, arrays: Sequence[zarr.Array[Any]]) -> None:
    """Delete the labels of all units in which they, or what lies beside them, can't be used."""
    known = volume.known_digests()
    volume.discard_damaged()
    for array in arrays:
        for damage in ArrayUnits(array.store, array).damaged(known):
            start, stop = zip(*((s.start, s.stop) for s in damage.where[-3:]), strict=True)
            volume.discard(Region(start, stop))


def shares(volumes: Sequence[StoredVolume], region: Region) -> np.ndarray:
    """Return the share of volumes that have each phase: float32 (phases, *region.shape)."""
    counts = np.zeros((len(volumes[0].phases), *region.shape), np.uint32)
    for volume in volumes:
        labels = volume.read(region)
        for phase, count in enumerate(counts):
            count += labels == phase
    return (counts / len(volumes)).astype(np.float32)


def bits(share: np.ndarray) -> np.ndarray:
    """Return the entropy of shares along axis 0, in bits: float32."""
    logs = np.log2(np.where(share > 0, share, 1))
    entropy: np.ndarray = np.abs((share * logs).sum(0))  # −Σ, without a −0
    return entropy


def _same(out: str, first: StoredVolume, options: GenerateOptions, job: dict[str, Any]) -> bool:
    if not occupied(out):
        return False
    begun = LabelVolume.open(out)
    said = begun.provenance
    wanted = layout(first.grid.shape, options.chunks, options.shards)
    return (begun.chunks, begun.shards) == wanted and all(said.get(k) == v for k, v in job.items())


def _arrays(volume: StoredVolume) -> tuple[zarr.Array[Any], zarr.Array[Any]]:
    """Return the arrays of probability and entropy, made where they are missing."""
    group = zarr.open_group(store=open_store(volume.path, writable=True), mode="r+")
    shape, chunk, shard = volume.grid.shape, volume.chunks, volume.shards
    if not usable(group, "probability", (len(volume.phases), *shape)):
        about: dict[str, Any] = {
            "description": "share of the realisations that have the phase",
            "phases": [p.name for p in volume.phases],
        }
        create_array(
            group, "probability", (len(volume.phases), *shape), (1, *chunk), (1, *shard) if shard else None,
            dtype="float32", axes=("phase", "z", "y", "x"), attributes=about,
        )  # fmt: skip
    if not usable(group, "entropy", shape):
        about = {"description": "entropy of the phase over the realisations", "unit": "bit"}
        create_array(group, "entropy", shape, chunk, shard, dtype="float32", attributes=about)
    found = [group[name].with_config({"write_empty_chunks": True}) for name in ("probability", "entropy")]  # type: ignore[union-attr]
    return found[0], found[1]
