"""A fitted model on disk: model.json, weights.safetensors, a card for people, and a self-test. Nothing is unpickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import Model, TileInput
from mesofuse.interfaces.problem import Problem
from mesofuse.models.arrays import pack, unpack
from mesofuse.models.card import model_card
from mesofuse.models.record import FORMAT, RECORD, DamagedPackage, check_record, read_json
from mesofuse.registry import Component, get_registry
from mesofuse.volumes.files import check_free, replacing
from mesofuse.volumes.grid import Region, Triple

WEIGHTS, TEST = "weights.safetensors", "self_test.safetensors"
AGAIN = "restore it from a copy, or train again"
TEST_SEED = 20260101
# A model that can't repeat its self-test to this share of voxels is broken, not merely run on another processor.
TEST_TOLERANCE = 0.01


@dataclass(frozen=True)
class Package:
    """A loaded model package.

    Attributes:
        model: The model, on the CPU.
        method: Name of the method.
        options: The method's resolved options.
        provenance: Where the model comes from: seed, inputs with their hashes, versions, measured values.
        digest: SHA-256 of the weights and of everything in model.json that bears on the output; it names the model.
        path: The folder.
        warning: A sentence where the self-test was repeated closely but not exactly, else empty.
    """

    model: Model
    method: str
    options: dict[str, Any]
    provenance: dict[str, Any]
    digest: str
    path: Path
    warning: str = field(default="")


def save_package(
    path: Path,
    model: Model,
    method: str,
    options: Mapping[str, Any],
    provenance: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Write a model package; the folder appears whole or not at all.

    Raises:
        UserError: If something exists already and is not to be replaced, or an array of the model can't be kept.
    """
    check_free(path, overwrite)
    weights = pack(model.state())
    labels = _test_labels(model.to("cpu"))
    record: dict[str, Any] = {
        "format": FORMAT,
        "method": method,
        "options": dict(options),
        "problem": model.problem.to_json(),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "tile": list(model.tile),
        "halo": list(model.halo),
        "self_test": {"seed": TEST_SEED, "sha256": _hash(labels)},
        "provenance": dict(provenance),
    }
    record["digest"] = _digest(record)
    with replacing(path) as temporary:
        temporary.mkdir()
        (temporary / WEIGHTS).write_bytes(weights)
        (temporary / TEST).write_bytes(pack({"labels": labels}))
        (temporary / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        (temporary / "README.md").write_text(model_card(record), encoding="utf-8")


def read_record(path: Path) -> dict[str, Any]:
    """Return the checked contents of a package's model.json.

    Raises:
        UserError: If the folder is not a model package, or not one that this release reads.
    """
    if not path.exists():
        raise UserError(f"There is no model package at {path}; `mesofuse train` or `mesofuse fuse` makes one.")
    if not (path / RECORD).exists():
        raise DamagedPackage(f"{path} is not a model package: it holds no {RECORD}.")
    file = _own_file(path, RECORD)
    record = read_json(file, AGAIN)
    check_record(record, file, AGAIN)
    if _digest(record) != record["digest"]:
        raise DamagedPackage(f"{file} was changed by hand (its digest differs); {AGAIN}.")
    return record


def load_package(path: Path, *, self_test: bool = True, component: Component | None = None) -> Package:
    """Load a model package and check that it computes what it computed when it was saved.

    Args:
        path: The folder.
        self_test: Repeat the self-test.
        component: The method, where it is not a registered one.

    Raises:
        UserError: If it is missing, damaged, of an unknown method, or fails its self-test.
    """
    record = read_record(path)
    file = _own_file(path, WEIGHTS)
    _refuse_beyond_memory(file.stat().st_size, str(file))
    weights = file.read_bytes()
    if hashlib.sha256(weights).hexdigest() != record["weights_sha256"]:
        raise DamagedPackage(
            f"{file} is not the file that was saved (its SHA-256 differs from that in {RECORD}): it is truncated or "
            f"was changed; {AGAIN}."
        )
    model = _restored(path, record, unpack(weights, str(file)), component)
    warning = _check_self_test(path, model, record["self_test"]["sha256"]) if self_test else ""
    return Package(model, record["method"], record["options"], record["provenance"], record["digest"], path, warning)


def _restored(
    path: Path, record: Mapping[str, Any], arrays: dict[str, np.ndarray], component: Component | None
) -> Model:
    """Rebuild the model; whatever a plugin makes of arrays that are not its own is the package's fault.

    Raises:
        UserError: If there is no such method, or it can't take the options or the arrays.
    """
    component = component or get_registry().find("method", record["method"])
    problem = Problem.from_json(record["problem"])
    try:
        model: Model = component.build(record["options"]).restore(problem, arrays)
        z, y, x = (t + 2 * h for t, h in zip(record["tile"], model.halo, strict=True))
        needed = model.tile_bytes((z, y, x)) if model.can_tile else 0
    except MemoryError:
        raise
    except Exception as error:
        raise UserError(f"The model package {path} can't be loaded: {str(error).rstrip('.')}.") from error
    if model.can_tile:
        _refuse_beyond_memory(needed, f"A tile of {record['tile']} voxels of the model {path}")
        # The tile is the model's own, also if a later release would choose another one.
        z, y, x = record["tile"]
        model.tile = (z, y, x)
    return model


def _own_file(path: Path, name: str) -> Path:
    """Return a file of the package.

    Raises:
        UserError: If it is missing, no ordinary file, or a link that leads out of the package.
    """
    file = path / name
    if not file.exists():
        raise DamagedPackage(f"{path} holds no {name}; {AGAIN}.")
    if not file.is_file() or not file.resolve().is_relative_to(path.resolve()):
        raise DamagedPackage(f"{file} is no file of the package, but a link out of it or no ordinary file; {AGAIN}.")
    return file


def _refuse_beyond_memory(needed: int, what: str) -> None:
    import psutil

    there = psutil.virtual_memory().total
    if needed > there:
        raise UserError(f"{what} would need {needed / 1e9:.1f} GB of memory, but the machine has {there / 1e9:.1f} GB.")


def _digest(record: Mapping[str, Any]) -> str:
    bearing = {k: record[k] for k in ("format", "method", "options", "problem", "weights_sha256", "tile", "halo")}
    return hashlib.sha256(json.dumps(bearing, sort_keys=True).encode()).hexdigest()


def _hash(labels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(labels).tobytes()).hexdigest()


def _test_labels(model: Model) -> np.ndarray:
    """Reconstruct a small volume of random blobs with random noise."""
    rng = np.random.default_rng(TEST_SEED)
    shape: Triple = (6, 6, 6)
    region = Region.whole(shape)
    phases = len(model.problem.low_phases)
    field = rng.integers(0, max(1, phases), size=(3, 3, 3), dtype=np.uint8).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    if not phases:  # such a model counts in far larger steps, and sees noise beyond the volume
        shape = (1, 2, 2)
        region = Region.whole(shape)
    window = region if phases else region.grown(model.halo)
    noise = tuple(
        rng.standard_normal((n.channels, *window.scaled(n.factor).shape), dtype=np.float32) for n in model.noise
    )
    return model.reconstruct(TileInput(region, window, shape, field if phases else None, noise)).labels


def _check_self_test(path: Path, model: Model, expected: str) -> str:
    """Repeat the self-test; return a warning where a few voxels differ.

    Raises:
        UserError: If more than a few differ.
    """
    window = (
        (6, 6, 6) if model.problem.low_phases else (1 + 2 * model.halo[0], 2 + 2 * model.halo[1], 2 + 2 * model.halo[2])
    )
    _refuse_beyond_memory(model.tile_bytes(window), f"The self-test of the model {path}")
    try:
        labels = _test_labels(model)
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise UserError(f"The model package {path} can't make its self-test: {str(error).rstrip('.')}.") from error
    if _hash(labels) == expected:
        return ""
    try:
        file = _own_file(path, TEST)
        _refuse_beyond_memory(file.stat().st_size, TEST)
        before = unpack(file.read_bytes(), TEST)["labels"]
    except (OSError, UserError, KeyError):
        before = np.empty(0, np.uint8)
    if _hash(before) != expected or before.shape != labels.shape:
        raise UserError(
            f"The model package {path} fails its self-test, and {TEST}, which says by how much, is missing or damaged: "
            f"{AGAIN}."
        )
    # Intensities are rounded; a step or two is what other processors make of them.
    steps = np.abs(labels.astype(np.int16) - before)
    share = float(np.mean(steps > (0 if model.problem.content == "phases" else 2)))
    if share > TEST_TOLERANCE:
        raise UserError(
            f"The model package {path} fails its self-test: {100 * share:.1f} % of the voxels differ from those it "
            "made when it was saved; the installed plugin is probably not the one it was trained with."
        )
    return (
        f"in the model's self-test {100 * share:.2g} % of the voxels differ from those when it was saved, as it may be "
        "on another processor or with another release of torch"
    )
