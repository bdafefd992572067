"""What several realisations agree on: the most probable phase or the mean intensity, and how sure it is; by blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

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
from mesofuse.volumes.store.levels import create_array
from mesofuse.volumes.store.opening import open_volume
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

    Its labels are the most probable phases (ties: the lowest). Next to them lie ``probability`` (phases, z, y, x), the
    share p of realisations that have the phase, and ``entropy`` (z, y, x), −Σ p log₂ p in bits; both are float32.
    Ignored voxels are ignored here too: their shares are 0, their entropy is NaN. Of intensities its voxels are the
    rounded mean, and next to them lies ``deviation``, the standard deviation (n − 1) as float32.

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
            resume=same, overwrite=occupied(out) and not same, masked=first.masked, content=first.content,
        )  # fmt: skip
        was_finished = bool(volume.provenance.get("complete"))
        agreement: _Agreement = (_OfPhases if first.phases else _OfIntensities)(volumes, volume)
        if same:
            _discard_damaged(volume, agreement.arrays)
        if was_finished and volume.complete and volume.levels_are_sound():
            return volume
        if was_finished:
            volume.set_provenance({**volume.provenance, "complete": False})
        todo = list(volume.missing())
        total = sum(1 for _ in volume.grid.region.blocks(volume.write_unit))
        done = total - len(todo)

        def work(unit: Region) -> None:
            volume.write(unit, agreement.of(unit))  # last: a unit whose voxels are there is done

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
    """Delete the labels of all units in which they, or what lies next to them, can't be used."""
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
    begun = open_volume(out)
    said = begun.provenance
    wanted = layout(first.grid.shape, options.chunks, options.shards)
    return (begun.chunks, begun.shards) == wanted and all(said.get(k) == v for k, v in job.items())


class _Agreement(Protocol):
    """What is written next to the voxels of a summary, and what these are."""

    @property
    def arrays(self) -> Sequence[zarr.Array[Any]]:
        """What is written."""
        ...

    def of(self, unit: Region) -> np.ndarray:
        """Write a unit of the arrays and return the summary's voxels there."""
        ...


class _OfPhases:
    """The most probable phase, each phase's probability, and the entropy."""

    def __init__(self, volumes: Sequence[StoredVolume], summary: StoredVolume) -> None:
        self._volumes = volumes
        phases = [p.name for p in summary.phases]
        about: dict[str, Any] = {"description": "share of the realisations that have the phase", "phases": phases}
        probability = _array(summary, "probability", about, ("phase", len(phases)))
        entropy = _array(
            summary, "entropy", {"description": "entropy of the phase over the realisations", "unit": "bit"}
        )
        self.arrays: Sequence[zarr.Array[Any]] = (probability, entropy)

    def of(self, unit: Region) -> np.ndarray:
        share = shares(self._volumes, unit)
        probability, entropy = self.arrays
        probability[(slice(None), *unit.slices)] = share
        ignored = share.sum(0) == 0
        entropy[unit.slices] = np.where(ignored, np.float32(np.nan), bits(share))
        return np.where(ignored, IGNORED, share.argmax(0)).astype(np.uint8)


class _OfIntensities:
    """The mean, and the standard deviation."""

    def __init__(self, volumes: Sequence[StoredVolume], summary: StoredVolume) -> None:
        self._volumes = volumes
        about = {"description": "standard deviation of the value over the realisations"}
        channels = [("c", n) for n in summary.channels]
        self.arrays: Sequence[zarr.Array[Any]] = (_array(summary, "deviation", about, *channels),)

    def of(self, unit: Region) -> np.ndarray:
        values = self._volumes[0].read(unit).astype(np.int64)
        total, squares = values, values**2
        for volume in self._volumes[1:]:
            values = volume.read(unit).astype(np.int64)
            total, squares = total + values, squares + values**2
        count = len(self._volumes)
        variance = (squares - total * total / count) / max(1, count - 1)
        self.arrays[0][(..., *unit.slices)] = np.sqrt(np.maximum(variance, 0)).astype(np.float32)
        mean: np.ndarray = (2 * total + count) // (2 * count)
        return mean.astype(np.uint8)


def _array(volume: StoredVolume, name: str, about: dict[str, Any], *leading: tuple[str, int]) -> zarr.Array[Any]:
    """Return a float32 array next to a volume's voxels, made where it is missing; each leading index a chunk."""
    group = zarr.open_group(store=open_store(volume.path, writable=True), mode="r+")
    shape = (*(n for _, n in leading), *volume.grid.shape)
    if not usable(group, name, shape):
        one = (1,) * len(leading)
        create_array(
            group, name, shape, (*one, *volume.chunks), (*one, *volume.shards) if volume.shards else None,
            dtype="float32", axes=(*(axis for axis, _ in leading), "z", "y", "x"), attributes=about,
        )  # fmt: skip
    found: zarr.Array[Any] = group[name].with_config({"write_empty_chunks": True})  # type: ignore[union-attr]
    return found
