"""``mesofuse doctor``: whether this machine is fit for the work, and what to do where it is not."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

import click

import mesofuse
from mesofuse.cli.options import as_json, echo_json
from mesofuse.errors import UserError

PACKAGES = ("torch", "numpy", "zarr", "dask", "pydantic", "pluggy", "scipy", "tifffile", "safetensors", "distributed")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
FREE_DISK = 5 * 2**30  # a 1024³ result with its pyramid and a model


@click.command()
@click.option("--store", metavar="PATH", help="Folder or URL to test for writing, instead of the temporary folder.")
@as_json
@click.pass_context
def command(ctx: click.Context, store: str | None, as_json: bool) -> None:
    """Check versions, devices, threads, plugins and storage; exit code 1 if something must be mended.

    \b
    Example:
      mesofuse doctor
      mesofuse doctor --store /scratch/me --json
    """
    report = examine(store)
    if as_json:
        echo_json(report)
    else:
        _print(report)
    ctx.exit(1 if report["faults"] else 0)


def examine(store: str | None = None) -> dict[str, Any]:
    """Return what was found: ``faults`` stop the work, ``warnings`` slow it or leave a part out."""
    faults: list[str] = []
    warnings: list[str] = []
    report: dict[str, Any] = {
        "versions": _versions(faults),
        "devices": _devices(warnings),
        "plugins": _plugins(faults, warnings),
        "formats": _formats(),
        "storage": _storage(store, faults, warnings),
    }
    return {"usable": not faults, **report, "faults": faults, "warnings": warnings}


def _versions(faults: list[str]) -> dict[str, str]:
    found = {"mesofuse": mesofuse.__version__, "python": platform.python_version(), "system": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name == "distributed":  # only for clusters
                continue
            faults.append(f"{name} is not installed; install mesofuse again, which brings it.")
    return found


def _formats() -> dict[str, str | None]:
    """Return the version of each library that only some formats need, None where it is not installed."""
    from mesofuse.volumes.formats.optional import DISTRIBUTIONS

    found: dict[str, str | None] = {}
    for name in DISTRIBUTIONS.values():
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _devices(warnings: list[str]) -> dict[str, Any]:
    import psutil
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = torch.get_num_threads()
    if threads > cores:
        warnings.append(f"torch uses {threads} threads on {cores} cores, which is slow: set OMP_NUM_THREADS={cores}.")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 1.5 * cores:
        warnings.append(f"{load:.1f} processes want the {cores} cores: other work will make this slow.")
    memory = psutil.virtual_memory()
    if memory.available < 2 * 2**30:
        warnings.append(f"Only {_size(memory.available)} of memory are free: close programs, or keep to small tiles.")
    cuda = []
    for i in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(i)
        cuda.append({"name": torch.cuda.get_device_name(i), "memory": total, "free": free})
    if not cuda and torch.version.cuda is None and shutil.which("nvidia-smi"):
        warnings.append("There is an NVIDIA driver but this torch is for CPUs: install torch with CUDA to use the GPU.")
    return {
        "cuda": cuda,
        "cores": cores,
        "threads": threads,
        "environment": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        "memory": memory.total,
        "memory_free": memory.available,
    }


def _plugins(faults: list[str], warnings: list[str]) -> dict[str, Any]:
    from mesofuse.registry import get_registry

    registry = get_registry()
    warnings += [f"{problem} (It is left out.)" for problem in registry.problems]
    if not registry.components("method"):
        faults.append("No plugin supplies a method: install mesofuse-superres, and check MESOFUSE_PLUGINS.")
    return {
        "loaded": [
            {"name": p.name, "distribution": p.distribution, "version": p.version, "components": len(p.components)}
            for p in registry.plugins
        ],
        "problems": [vars(problem) for problem in registry.problems],
    }


def _storage(store: str | None, faults: list[str], warnings: list[str]) -> dict[str, Any]:
    """Write a small array into a folder of its own, read it back, remove it."""
    place = store or tempfile.gettempdir()
    remote = "://" in place
    report: dict[str, Any] = {"place": place, "written": False, "free": None}
    if not remote and not Path(place).is_dir():
        faults.append(f"The store {place} is no folder: make it, or name another with --store.")
        return report
    try:
        _write_and_read(place, remote)
        report["written"] = True
    except Exception as error:  # whatever a storage library raises, it can't be written to
        reason = " ".join(str(error).split()) or type(error).__name__
        faults.append(f"Writing to {place} failed ({reason}): mend its permissions or name another with --store.")
    if not remote:
        report["free"] = shutil.disk_usage(place).free
        if report["free"] < FREE_DISK:
            warnings.append(f"Only {_size(report['free'])} are free in {place}; large volumes need more.")
    return report


def _write_and_read(place: str, remote: bool) -> None:
    import numpy as np
    import zarr

    name = f"mesofuse-doctor-{uuid.uuid4().hex}"
    path = f"{place.rstrip('/')}/{name}" if remote else str(Path(place) / name)
    data = np.arange(4096, dtype=np.uint8).reshape(16, 16, 16)
    try:
        array = zarr.create_array(path, shape=data.shape, chunks=(8, 8, 8), dtype="uint8", zarr_format=3)
        array[:] = data
        if not np.array_equal(zarr.open_array(path, mode="r")[:], data):
            raise UserError("what was read back differs from what was written")
    finally:
        if remote:
            import fsspec

            filesystem, inner = fsspec.core.url_to_fs(path)
            if filesystem.exists(inner):
                filesystem.rm(inner, recursive=True)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"


def _print(report: dict[str, Any]) -> None:
    devices, storage = report["devices"], report["storage"]
    click.echo("Versions    " + ", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    for gpu in devices["cuda"]:
        click.echo(f"GPU         {gpu['name']}, {_size(gpu['free'])} of {_size(gpu['memory'])} free")
    settings = "".join(f", {name}={value}" for name, value in devices["environment"].items())
    click.echo(
        f"CPU         {devices['cores']} cores, torch uses {devices['threads']} threads{settings}; "
        f"{_size(devices['memory_free'])} of {_size(devices['memory'])} memory free"
    )
    loaded = [f"{p['name']} {p['version']} ({p['components']} components)" for p in report["plugins"]["loaded"]]
    click.echo("Plugins     " + (", ".join(loaded) or "none"))
    formats = [f"{name} {version or 'not installed'}" for name, version in report["formats"].items()]
    advice = "" if all(report["formats"].values()) else " (only some files need them: pip install 'mesofuse[formats]')"
    click.echo(f"Formats     {', '.join(formats)}{advice}")
    free = "" if storage["free"] is None else f", {_size(storage['free'])} free"
    click.echo(f"Storage     {storage['place']}: {'works' if storage['written'] else 'not usable'}{free}")
    for text in report["warnings"]:
        click.echo(f"Warning: {text}")
    for text in report["faults"]:
        click.echo(f"To mend: {text}")
    click.echo("All is well." if not report["faults"] else "mesofuse can't be used like this.")
