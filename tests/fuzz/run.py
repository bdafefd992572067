"""Reads damaged files in children of a fork server, each under a limit of time and of memory, and says what came of it.

`python run.py --count 300 --seed 0 --json out.json`: the outcome of each is one of

- `labels`: it was read, with nothing on stdout and stderr;
- `refused`: a `UserError` of one line that names the file;
- anything else is a finding: `failed`, `hung`, `memory`, `died`, `noise`, `sentence`, `shape`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus
import mutations

SECONDS = 5.0
MEMORY = 1 << 30
FINE = ("labels", "refused")


def read_image(path: Path) -> Any:
    """Read a file as `info` does, then as a job does, to the last voxel."""
    from mesofuse.errors import UserError
    from mesofuse.registry import get_registry
    from mesofuse.volumes.formats.catalogue import BUILTIN
    from mesofuse.volumes.labelling import read_labels
    from mesofuse.volumes.summary import summarise

    formats = (*BUILTIN, *get_registry().formats)
    refusal = None
    try:
        summarise(str(path), formats)
    except UserError as error:
        refusal = error
    found, _ = read_labels(path, formats=formats, allow_single_phase=True)
    found.read(found.grid.region)
    if refusal is not None:
        raise AssertionError(f"read_labels takes what summarise refuses: {refusal}")
    return found.grid.shape


def read_job(path: Path) -> None:
    """Read a job's configuration, with its method's options."""
    from mesofuse.config.job import load_job

    _named(path, load_job(path).resolved)


def read_comparison(path: Path) -> None:
    """Read a comparison's configuration."""
    from mesofuse.config.comparison import load_comparison

    _named(path, load_comparison(path).resolved)


def _named(path: Path, resolve: Callable[[], Any]) -> None:
    """Resolve a configuration; what is said of its options need not name the file that was read before."""
    from mesofuse.errors import UserError

    try:
        resolve()
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def read_model(path: Path) -> None:
    """Load a model package."""
    from mesofuse.models.package import load_package

    _named(path, lambda: load_package(path))


def read_weights(path: Path) -> None:
    """Read published weights."""
    from mesofuse.pipeline import import_model

    import_model.read_weights(path)


def planted(bodies: list[str], path: Path) -> Any:
    """Do what a fault would do, the one of the case's number."""
    space: dict[str, Any] = {}
    exec(f"def fault(path):\n    {bodies[int(os.environ['FUZZ_CASE'])]}", space)
    return space["fault"](path)


READERS: dict[str, Callable[[Path], Any]] = {
    "image": read_image, "job": read_job, "comparison": read_comparison, "model": read_model, "weights": read_weights,
}  # fmt: skip


def damage(seeds: dict[str, Path], case: tuple[str, int], folder: Path) -> Path:
    """Write the damaged file of a case, a seed's name and a number, and return where it lies."""
    name, number = case
    seed = next(s for s in corpus.SEEDS if s.name == name)
    rng = random.Random(f"{name} {number}")
    others = [p for p in seeds.values() if p.is_file()]
    other = rng.choice(others).read_bytes()
    source, target = seeds[name], folder / seeds[name].name
    if source.is_dir():
        shutil.copytree(source, target)
        files = sorted(f for f in target.rglob("*") if f.is_file())
        chosen = rng.choice([f for f in files if f.suffix in (".json", "") or f.name[0] == "."] or files)
        file = chosen if rng.random() < 0.6 else rng.choice(files)
        if rng.random() < 0.05 and mutations.json_tree in seed.structured:
            file.unlink()
            return target
        structured = seed.structured if mutations.json_tree not in seed.structured or file.name[-4:] in (
            "json", "tras", "rray", "roup"
        ) else ()  # fmt: skip
        file.write_bytes(mutations.mutate(file.read_bytes(), rng, other, structured))
        if seed.reader == "model" and rng.random() < 0.8:
            corpus.mended(target)
    else:
        target.write_bytes(mutations.mutate(source.read_bytes(), rng, other, seed.structured))
    return target


def judged(seed: corpus.Seed, path: Path) -> tuple[str, str]:
    """Read a damaged file; return the outcome and its words."""
    from mesofuse.errors import UserError

    try:
        shape = READERS[seed.reader](path)
    except UserError as error:
        words = str(error)
        if "\n" in words or len(words) > 1000:
            return "sentence", words
        return ("refused" if path.name in words else "sentence"), words
    except MemoryError:
        return "memory", traceback.format_exc()
    except BaseException:
        return "failed", traceback.format_exc()
    if seed.shape is not None and tuple(shape) != seed.shape:
        return "shape", f"{tuple(shape)} instead of {seed.shape}"
    return "labels", ""


def child(seeds: dict[str, Path], cases: list[tuple[str, int]], pipe: int, work: Path) -> None:
    """Judge cases one after the other and write a line for each into a pipe."""
    noise = os.open(work / "noise", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(noise, 1)
    os.dup2(noise, 2)
    warnings.simplefilter("always")
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (pages + MEMORY, pages + MEMORY))
    by_name = {s.name: s for s in corpus.SEEDS}
    for case in cases:
        folder = work / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = damage(seeds, case, folder)
        os.environ["FUZZ_CASE"] = str(case[1])
        os.write(pipe, b"begun\n")
        outcome, words = judged(by_name[case[0]], path)
        sys.stdout.flush()
        sys.stderr.flush()
        size = os.lseek(noise, 0, os.SEEK_END)
        if size and outcome in FINE:
            os.lseek(noise, 0, os.SEEK_SET)
            outcome, words = "noise", os.read(noise, 2000).decode("utf-8", "replace")
        os.ftruncate(noise, 0)
        os.lseek(noise, 0, os.SEEK_SET)
        os.write(pipe, json.dumps([outcome, words[-2500:]]).encode() + b"\n")


def run(
    seeds: dict[str, Path], cases: list[tuple[str, int]], work: Path, seconds: float, batch: int = 50
) -> list[tuple[str, str]]:
    """Return outcome and words of each case; a child that hangs or dies costs only its case."""
    results: list[tuple[str, str]] = []
    while len(results) < len(cases):
        todo = cases[len(results) : len(results) + batch]
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                child(seeds, todo, writer, work)
            finally:
                os._exit(0)
        os.close(writer)
        results += _listen(reader, pid, len(todo), seconds)
        os.close(reader)
    return results


def _listen(reader: int, pid: int, count: int, seconds: float) -> list[tuple[str, str]]:
    results: list[tuple[str, str]] = []
    buffer, begun, since = b"", False, time.monotonic()
    while len(results) < count:
        left = since + (seconds if begun else 60) - time.monotonic()
        ready = select.select([reader], [], [], max(0, left))[0]
        data = os.read(reader, 1 << 16) if ready else b""
        buffer += data
        while b"\n" in buffer:
            line, buffer = buffer.split(b"\n", 1)
            since = time.monotonic()
            begun = line == b"begun"
            if not begun:
                outcome, words = json.loads(line)
                results.append((outcome, words))
        if not data:
            if not ready:
                os.kill(pid, signal.SIGKILL)
            if len(results) < count:
                results.append(("hung" if not ready else "died", ""))
            break
    _, status = os.waitpid(pid, 0)
    if results and results[-1][0] == "died":
        results[-1] = ("died", f"status {status}")
    return results


def chosen(count: int, first: int, only: str = "") -> list[tuple[str, int]]:
    """Return cases, as many of each seed as its weight says."""
    seeds = [s for s in corpus.SEEDS if only in s.name]
    whole = sum(s.weight for s in seeds)
    return [(s.name, first + i) for s in seeds for i in range(max(1, round(count * s.weight / whole)))]


def main() -> int:
    """Run, print a table, and return 1 where there are findings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="", help="Seeds whose name holds this alone.")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="Time for a file.")
    parser.add_argument(
        "--plant", action="append", default=[], help="Body of a reader that stands in for one case: is it found?"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="Folder for the files that gave findings.")
    given = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        (work / "seeds").mkdir()
        pid = os.fork()  # zarr and dask start threads, which a fork server must not have
        if pid == 0:
            code = 1
            try:
                for seed in corpus.SEEDS:
                    corpus.made(seed, work / "seeds")
                    READERS[seed.reader](work / "seeds" / seed.name.rstrip("/"))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        if os.waitpid(pid, 0)[1]:
            return 2
        seeds = {s.name: work / "seeds" / s.name.rstrip("/") for s in corpus.SEEDS}
        _import_all()
        cases = chosen(given.count, given.first, given.only)
        begun = time.monotonic()
        if given.plant:
            cases = [(given.only, i) for i in range(len(given.plant))]
            READERS.update(dict.fromkeys(READERS, lambda path: planted(given.plant, path)))
        results = run(seeds, cases, work, given.seconds)
        seconds = time.monotonic() - begun
        if given.keep:
            for case, (outcome, _) in zip(cases, results, strict=True):
                if outcome not in FINE:
                    folder = given.keep / f"{outcome}-{case[1]}-{case[0].rstrip('/')}"
                    shutil.rmtree(folder, ignore_errors=True)
                    folder.mkdir(parents=True)
                    damage(seeds, case, folder)
    findings = [
        {"seed": name, "number": number, "outcome": outcome, "words": words}
        for (name, number), (outcome, words) in zip(cases, results, strict=True)
        if outcome not in FINE
    ]
    count = Counter(outcome for outcome, _ in results)
    record = {"cases": len(cases), "seconds": round(seconds, 1), "outcomes": dict(count), "findings": findings}
    if given.json:
        given.json.write_text(json.dumps(record, indent=1), "utf-8")
    print(json.dumps({k: v for k, v in record.items() if k != "findings"}))
    return 1 if findings else 0


def _import_all() -> None:
    """Import what the readers import, so that children need not."""
    import PIL.BmpImagePlugin
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin
    import PIL.TiffImagePlugin
    import safetensors.torch
    import tifffile
    import torch
    import zarr

    import mesofuse.config.comparison
    import mesofuse.models.package
    import mesofuse.pipeline.import_model
    import mesofuse.volumes.formats.folder
    import mesofuse.volumes.formats.image
    import mesofuse.volumes.formats.npy
    import mesofuse.volumes.formats.tiff
    import mesofuse.volumes.formats.zarr
    import mesofuse.volumes.summary
    from mesofuse.registry import get_registry

    assert all((PIL, safetensors, tifffile, torch, zarr, mesofuse))
    get_registry().find("method", "interpolation").load()
    get_registry().find("method", "superres").load()


if __name__ == "__main__":
    sys.exit(main())
