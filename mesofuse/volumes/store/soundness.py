"""Whether a stored volume can be trusted: every unit of every array is read and decoded; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.volumes.files import left_beside
from mesofuse.volumes.store import backends, digests
from mesofuse.volumes.store.array_units import ArrayUnits, Damage, one_line, region_text
from mesofuse.volumes.store.levels import coarsened
from mesofuse.volumes.store.metadata import check_array
from mesofuse.volumes.store.opening import open_volume
from mesofuse.volumes.store.volume import StoredVolume
from mesofuse.volumes.store.zarr_stores import is_metadata

if TYPE_CHECKING:
    import zarr

Watch = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Soundness:
    """What was found in a volume.

    Attributes:
        path: The volume.
        finished: Whether the run that makes it has ended.
        units: Units that were read, of all arrays.
        noted: How many of them have a SHA-256 of what was written; others could only be decoded.
        unwritten: Units of an unfinished volume that are still to be written.
        damaged: Units that can't be used.
        strays: Files in the volume or next to it that belong to nothing, as killed runs leave them.
        mends: What makes it whole again; empty where nothing has to.
    """

    path: str
    finished: bool
    units: int
    noted: int
    unwritten: int
    damaged: tuple[Damage, ...]
    strays: tuple[str, ...]
    mends: str

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged or missing; strays harm nothing."""
        return self.finished and not self.damaged

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "path": self.path,
            "whole": self.whole,
            "finished": self.finished,
            "units": self.units,
            "noted": self.noted,
            "unwritten": self.unwritten,
            "damaged": [
                {"array": d.array, "file": d.key, "region": d.region, "reason": d.reason} for d in self.damaged
            ],
            "strays": list(self.strays),
            "mends": self.mends,
        }


def inspect(path: str, *, deep: bool = False, watch: Watch = lambda name, done, total: None) -> Soundness:
    """Read and decode all that a volume stores; memory holds a unit at a time.

    Args:
        path: A folder, a zip or an fsspec URL.
        deep: Whether coarser levels and recorded totals are computed again too.
        watch: Called with the name of an array, its units done and its units in all.

    Raises:
        UserError: If there is no volume, or its metadata can't be used.
    """
    volume = open_volume(path)
    store, known = volume._group.store, volume.known_digests()
    finished = not volume._own or volume.provenance.get("complete") is not False
    keys = backends.keys(store, "")
    arrays, damaged = _arrays(volume, keys)
    expected: set[str] = {digests.NAME}
    units = unwritten = noted = 0
    for name, array in arrays.items():
        labels = volume._own and volume.content == "phases" and (array.path == volume.array.path or name.isdigit())
        parts = ArrayUnits(store, array, len(volume.phases) if labels else None, volume.masked)
        expected.update(key for key, _ in parts.all())
        absent = sum(1 for key, _ in parts.all() if key not in keys)
        done, total = 0, parts.count

        def step(name: str = name, total: int = total) -> None:
            nonlocal done
            done += 1
            watch(name, done, total)

        damaged += parts.damaged(known, missing=volume._own and finished, watch=step)
        units += total - absent
        noted += sum(1 for key, _ in parts.all() if key in known and key in keys)
        unwritten += absent if volume._own and not finished else 0
    if deep and volume._own and finished and not damaged:
        damaged += _disagreeing(volume, watch)
    strays = sorted(k for k in keys - expected if not is_metadata(k) and k.rsplit("/", 1)[-1] != ".DS_Store")
    if not backends.is_url(path):
        strays += [str(p) for p in left_beside(Path(path.rstrip("/")))]
    mends = _mends(volume) if damaged or not finished else ""
    return Soundness(path, finished, units, noted, unwritten, tuple(damaged), tuple(strays), mends)


def _arrays(volume: StoredVolume, keys: set[str]) -> tuple[dict[str, zarr.Array[Any]], list[Damage]]:
    """Return the volume's arrays by name, levels first, and those whose metadata can't be used."""
    import zarr

    group, bad = volume._group, []
    found: dict[str, zarr.Array[Any]] = {}
    prefix = f"{group.path}/" if group.path else ""
    named = volume.level_names()
    holders = {k.removeprefix(prefix).rpartition("/")[0] for k in keys if is_metadata(k) and k.startswith(prefix)}
    for name in [*named, *sorted(holders - {""} - set(named))]:
        try:
            node = group[name]
            if isinstance(node, zarr.Array):
                check_array(node, volume.path)
                found[name] = node
        except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, UserError) as error:
            said = (
                "is not there"
                if isinstance(error, KeyError)
                else f"has metadata that can't be used ({one_line(error)})"
            )
            bad.append(Damage(name, f"{prefix}{name}", "", said, ()))
    return found, bad


def _disagreeing(volume: StoredVolume, watch: Watch) -> Iterator[Damage]:
    """Give the blocks of coarser levels that do not follow from the finer one, and totals that are not the sum."""
    finer: Any = volume
    for index in range(1, len(volume.levels)):
        level = volume.level(index)
        blocks = list(level.grid.region.blocks(volume.write_unit))
        for done, block in enumerate(blocks, start=1):
            if not np.array_equal(coarsened(finer, level.grid, block), level.read(block)):
                name = volume.level_names()[index]
                yield Damage(
                    name, name, region_text(block.slices), "does not follow from the finer level", block.slices
                )
            watch(f"{volume.level_names()[index]} against the finer", done, len(blocks))
        finer = level
    for name, total in (volume.provenance.get("totals") or {}).items():
        array: Any = volume._group[name]
        found = sum(int(np.asarray(array[w]).sum(dtype=np.int64)) for _, w in ArrayUnits(array.store, array).all())
        if found != total:
            yield Damage(name, name, "", f"sums to {found}, but {total} was recorded", ())


def _mends(volume: StoredVolume) -> str:
    """Return what makes a volume whole, from what is recorded of its origin."""
    said, path = volume.provenance, volume.path
    if said.get("made_by") == "mesofuse import":
        source = said.get("source", "its source")
        return f"import {source} again: `mesofuse import {source} {path} --overwrite`."
    if "summary_of" in said:
        return f"`mesofuse realisations … {Path(path).parent} --resume` makes it anew from the realisations."
    if "model" in said:
        scan = "SCAN " if said.get("low_res_sha256") else ""
        words = [f"--seed {said.get('seed', 0)}", f"--chunks {max(volume.chunks)}"]
        words += [f"--shards {max(volume.shards)}"] if volume.shards else []
        words += [f"--region {said['region']}"] if said.get("region") else []
        words += [f"--periodic {said['periodic']}"] if said.get("periodic") else []
        words += ["--project"] if said.get("projection") else []
        versions = said.get("versions")
        by = ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else "the same versions"
        return (
            f"`mesofuse generate MODEL {scan}{path} {' '.join(words)} --resume` makes what is damaged anew and keeps "
            f"the rest; MODEL is the package whose digest begins with {str(said['model'])[:12]}, and it takes {by}. (A "
            "run of `mesofuse fuse` or `mesofuse realisations` does so with its own --resume.)"
        )
    return "nothing says how it was made: make it anew, or restore it from a copy."
