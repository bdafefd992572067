"""The output of a generation: refused before any work, made whole or not at all, resumed by the same job only."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Content
from mesofuse.volumes import lock
from mesofuse.volumes.files import beside, check_free, remove, sweep, sync, sync_entries
from mesofuse.volumes.gate import give_up, reopen
from mesofuse.volumes.grid import Grid, Triple
from mesofuse.volumes.phases import Phase
from mesofuse.volumes.store.backends import check_replaceable, clear_for_overwrite, is_url, occupied
from mesofuse.volumes.store.intensities import IntensityVolume
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.opening import open_volume
from mesofuse.volumes.store.volume import StoredVolume
from mesofuse.volumes.store.write_units import layout
from mesofuse.volumes.store.zarr_stores import sweep_store


def check_output(out: str, *, resume: bool, overwrite: bool) -> None:
    """Refuse an output that can't be written, before anything is computed or deleted.

    Raises:
        UserError: If it exists and neither resume nor overwrite is given, is not a volume, or its folder can't be
            written.
    """
    if resume and overwrite:
        raise UserError("--resume continues an output and --overwrite replaces it; give one of them.")
    if out.lower().endswith(".zip"):
        raise UserError(f"{out} is a zip, which can't be written piece by piece; write a folder such as {out[:-4]}.")
    if not is_url(out):
        check_free(Path(out), overwrite=True)
    if occupied(out):
        if overwrite:
            if not is_url(out):
                check_replaceable(out)
        elif not resume:
            raise UserError(
                f"{out} exists already; give --resume to continue it, --overwrite to replace it, or another name."
            )


def open_output(
    out: str,
    grid: Grid,
    phases: tuple[Phase, ...],
    chunks: Triple,
    shards: Triple | None,
    job: Mapping[str, Any],
    *,
    resume: bool = False,
    overwrite: bool = False,
    content: Content = "phases",
    masked: bool = False,
) -> StoredVolume:
    """Open the output that this job began, or create it.

    Args:
        out: Path or URL.
        grid: Its grid.
        phases: Its phases.
        chunks: Shape of a chunk.
        shards: Shape of a shard, or None.
        job: What bears on its voxels; kept with it, and compared when it is resumed.
        resume: Go on with what exists.
        overwrite: Replace what exists.
        content: What its voxels hold.
        masked: Whether some of them are no material.

    Raises:
        UserError: If it was begun by another job or with other chunks, or see `check_output`.
    """
    check_output(out, resume=resume, overwrite=overwrite)
    if resume and occupied(out):
        volume = open_volume(out, mode="r+")
        begun = volume.provenance
        differing = [k for k in job if begun.get(k) != job[k]]
        if volume.content != content:
            differing.append("content")
        if volume.masked != masked:
            differing.append("ignored voxels")
        if differing or volume.grid.shape != grid.shape:
            raise UserError(
                f"{out} was begun by another job ({', '.join(differing) or 'shape'} differ), so it can't be resumed: "
                "give the same model, input, seed, region and periodic axes, or --overwrite."
            )
        if (volume.chunks, volume.shards) != layout(grid.shape, chunks, shards):
            raise UserError(
                f"{out} was begun with chunks of {volume.chunks} and shards of {volume.shards}, so it can't be resumed "
                "with others: give the same --chunks and --shards, or --overwrite."
            )
        return volume
    provenance = {**job, "complete": False}

    def create(path: str | Path, overwrite: bool) -> StoredVolume:
        stored: dict[str, Any] = {"chunks": chunks, "shards": shards, "overwrite": overwrite, "provenance": provenance}
        if content == "phases":
            return LabelVolume.create(path, grid, phases, masked=masked, **stored)
        return IntensityVolume.create_intensities(path, grid, content, **stored)

    if is_url(out):
        return create(out, overwrite)
    # A kill while its metadata are written must not leave half of them.
    place = Path(out).absolute()
    nursery = beside(place)
    try:
        create(nursery / place.name, False)
        sync(nursery)
        clear_for_overwrite(out)  # as late as can be: until here the old volume is whole
        (nursery / place.name).rename(place)
        sync_entries(place.parent)
    finally:
        remove(nursery)
    return open_volume(out, mode="r+")


@contextmanager
def alone(out: str, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other process or thread of this machine writes the same output; see `mesofuse.volumes.lock`.

    What killed runs left in it and next to it is deleted first. If the block fails, threads of this process that still
    write into the output are waited for, and begin nothing more. Where there are no locks, two runs of one job do not
    harm each other while they compute: every write is whole.
    """
    if is_url(out):
        yield
        return
    places = [Path(out).absolute(), Path(scratch_path(out)).absolute()]
    with lock.alone(places[0], lambda: say(f"Another run is writing {out}; waiting for it to end.")) as held:
        for place in places:
            reopen(place)
            if held:
                sweep(place)
                sweep_store(place)
        try:
            yield
        except BaseException:
            for place in places:
                give_up(place)
            raise


def scratch_path(out: str) -> str:
    """Return where an output's tiles are kept: next to it, or for a remote one in the folder for temporary files."""
    if is_url(out):
        name = hashlib.sha256(out.encode()).hexdigest()[:16]
        return str(Path(tempfile.gettempdir()) / f"mesofuse-{name}.tiles.zarr")
    return f"{out.rstrip('/')}.tiles.zarr"
