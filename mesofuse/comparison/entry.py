"""One method or model of a comparison, in a process of its own, so that its time and its peak memory are its own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mesofuse.comparison.columns import result_voxels
from mesofuse.config.comparison import ComparisonConfig, Entry, load_comparison
from mesofuse.console.progress import ProgressPrinter
from mesofuse.console.terminal import guarded
from mesofuse.errors import UserError
from mesofuse.interfaces.problem import Problem
from mesofuse.models.device import resolve_device
from mesofuse.models.package import Package, load_package, read_record
from mesofuse.pipeline.fit import fit_job
from mesofuse.pipeline.generate import apply_model
from mesofuse.pipeline.inputs import JobInputs, open_inputs
from mesofuse.streaming.run import GenerateOptions
from mesofuse.volumes.files import remove, replacing
from mesofuse.volumes.grid import Triple, parse_size
from mesofuse.volumes.json_text import load_json
from mesofuse.volumes.phases import PhaseMatch

COMPARISON, USAGE, RUN, VOLUME = "comparison.yaml", "usage.json", "run", "volume.zarr"
REFUSED = 2  # exit code of the process where the user's mistake is on its stdout


@dataclass
class Usage:
    """What making a volume has taken so far.

    Attributes:
        fit_seconds: Time of fitting, over all runs of the process that ended in order.
        generate_seconds: Time of generating, likewise.
        peak_bytes: Largest resident memory of the process, libraries and all.
        device: Where it was computed.
        device_peak_bytes: Largest memory that torch held on a GPU; 0 on a CPU.
        finished: Whether the volume is whole.
    """

    fit_seconds: float = 0.0
    generate_seconds: float = 0.0
    peak_bytes: int = 0
    device: str = "cpu"
    device_peak_bytes: int = 0
    finished: bool = False


def read_usage(folder: Path) -> Usage:
    """Return what the entry's folder records; nothing yet where there is no record."""
    try:
        return Usage(**load_json((folder / USAGE).read_text("utf-8")))
    except FileNotFoundError:
        return Usage()
    except (ValueError, TypeError):
        raise UserError(f"{folder / USAGE} is damaged; delete {folder} to make this volume again.") from None


def make_volume(comparison: Path, entry: Entry, size: Triple, *, quiet: bool) -> Usage:
    """Fit and generate an entry of the comparison folder in another process, unless that is done.

    Args:
        comparison: The comparison's folder.
        entry: The entry, a method or a model.
        size: Voxels of the volume, for what takes no scan.
        quiet: The process shows no progress.

    Raises:
        UserError: If the other process refused something.
        RuntimeError: If it failed otherwise; its own words are on stderr.
    """
    folder = comparison / entry.name
    usage = read_usage(folder)
    if usage.finished:
        return usage
    loudness = "quiet" if quiet else "progress"
    command = [sys.executable, "-m", "mesofuse.comparison.entry", str(comparison), entry.name, loudness]
    command.append(",".join(map(str, size)))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        words, _ = process.communicate()
    except BaseException:
        # An interrupt reaches the other process too; it ends its step and keeps what it has.
        process.wait()
        raise
    if process.returncode == REFUSED:
        if not (folder / RUN).exists() and not (folder / VOLUME).exists():
            remove(folder)
        raise UserError(f"{entry.name}: {words.strip()}")
    if process.returncode:
        raise RuntimeError(f"making {entry.name!r} ended with exit code {process.returncode}")
    return read_usage(folder)


def entry_takes_scan(config: ComparisonConfig, entry: Entry) -> bool:
    """Return whether an entry's volume is made from the scan; of a ready one nothing is known: True."""
    if entry.method is not None:
        return config.job(entry).low_res is not None
    return entry.model is None or bool(read_record(Path(entry.model))["problem"]["low_phases"])


def without_scan(inputs: JobInputs) -> JobInputs:
    """Return the images alone, as a method is given them that takes no scan."""
    problem = Problem((1.0, 1.0, 1.0), (), inputs.problem.phases, PhaseMatch(()))
    hashes = {name: digest for name, digest in inputs.hashes.items() if name != "low_res"}
    return replace(inputs, low_res=None, problem=problem, hashes=hashes)


def run_entry(
    config: ComparisonConfig, entry: Entry, inputs: JobInputs, folder: Path, progress: ProgressPrinter, size: Triple
) -> None:
    """Fit or load the entry's model, generate its volume, and record time and memory.

    A method that takes no scan is fitted to the images alone; its volume has the size of the others.
    """
    folder.mkdir(exist_ok=True)
    usage = read_usage(folder)
    usage.device = resolve_device(config.device)
    with _clock(usage, "fit_seconds", folder):
        if entry.model is not None:
            package = load_package(Path(entry.model))
            check_model(package, inputs, entry.model)
        else:
            job = config.job(entry)
            own = without_scan(inputs) if job.low_res is None else inputs
            package = fit_job(
                job, own, folder / RUN, resume=True, emit=progress.emit,
                began=lambda: progress.say(f"{entry.name}: fitting"),
            )  # fmt: skip
    progress.say(f"{entry.name}: generating")
    path = folder / VOLUME
    chunk = min(64, max(8, *size))
    options = GenerateOptions(config.seed, None, (chunk,) * 3, device=usage.device, resume=path.exists())
    with _clock(usage, "generate_seconds", folder):
        if package.model.problem.low_phases:
            apply_model(
                package, inputs.scan, str(path), options, low_res_sha256=inputs.hashes.get("low_res"),
                emit=progress.emit, say=progress.say,
            )  # fmt: skip
        else:
            grid = result_voxels(inputs)
            voxel: dict[str, Any] = {"voxel_size": grid.voxel_size, "unit": grid.unit} if grid.known else {}
            apply_model(package, None, str(path), options, size=size, emit=progress.emit, say=progress.say, **voxel)
    usage.finished = True
    _write(usage, folder)


def check_model(package: Package, inputs: JobInputs, name: str) -> None:
    """Refuse a model that was made for other phases or another scale.

    Raises:
        UserError: If it was.
    """
    theirs, ours = package.model.problem, inputs.problem
    if theirs.low_phases and inputs.low_res is None:
        raise UserError(f"The model {name} is applied to a scan, but none is given: add --low-res.")
    if theirs.low_phases and theirs.scale != ours.scale:
        raise UserError(f"The model {name} has the scale factor {theirs.scale}, but the comparison's is {ours.scale}.")
    mine, wanted = ([p.name for p in problem.phases] for problem in (theirs, ours))
    if mine != wanted or len(theirs.low_phases) not in (0, len(ours.low_phases)):
        raise UserError(
            f"The model {name} makes the phases {', '.join(mine)}, but the image has {', '.join(wanted)}; "
            "name the image's phases as the model does, or leave the model out."
        )


@contextmanager
def _clock(usage: Usage, field: str, folder: Path) -> Iterator[None]:
    """Add the time of the block to a field and record it, also when the block is interrupted."""
    started = time.monotonic()
    try:
        yield
    finally:
        setattr(usage, field, getattr(usage, field) + time.monotonic() - started)
        if folder.exists():
            _write(usage, folder)


def _write(usage: Usage, folder: Path) -> None:
    usage.peak_bytes = max(usage.peak_bytes, peak_memory())
    usage.device_peak_bytes = max(usage.device_peak_bytes, _device_peak(usage.device))
    with replacing(folder / USAGE) as temporary:
        temporary.write_text(json.dumps(asdict(usage), indent=2) + "\n", encoding="utf-8")


def peak_memory() -> int:
    """Return the largest resident memory of this process in bytes.

    On Linux the kernel's VmHWM, which begins anew with a program; ru_maxrss would count the process that started it.
    """
    try:
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import psutil

    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):
        return int(info.peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def _device_peak(device: str) -> int:
    if device == "cpu":
        return 0
    import torch

    return int(torch.cuda.max_memory_allocated(device))


def main(folder: str, name: str, loudness: str, size: str) -> int:
    """Run one entry of a comparison folder; a user's mistake goes to stdout with the exit code `REFUSED`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # `make_volume` reads it, whatever the terminal shows
    with guarded():
        return _run(folder, name, loudness, size)


def _run(folder: str, name: str, loudness: str, size: str) -> int:
    try:
        config = load_comparison(Path(folder) / COMPARISON)
        entry = next(e for e in config.compare if e.name == name)
        with ProgressPrinter(quiet=loudness == "quiet") as progress:
            run_entry(config, entry, open_inputs(config), Path(folder) / name, progress, parse_size(size))
    except UserError as error:
        print(error, flush=True)
        return REFUSED
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
