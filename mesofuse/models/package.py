"""A fitted model on disk: model.json, weights.safetensors, a card for people, and a self-test. Nothing is unpickled."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.errors import UserError
from mesofuse.interfaces.method import Model, TileInput
from mesofuse.interfaces.problem import Problem
from mesofuse.models.card import model_card
from mesofuse.registry import get_registry
from mesofuse.volumes.grid import Region, Triple

FORMAT = 1
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
    path: Path, model: Model, method: str, options: Mapping[str, Any], provenance: Mapping[str, Any], *, overwrite: bool = False
) -> None:
    """Write a model package; the folder appears whole or not at all.

    Raises:
        UserError: The folder exists and ``overwrite`` is not given, or is something else than a model package.
    """
    from safetensors.numpy import save

    if path.exists():
        if not overwrite:
            raise UserError(f"{path} exists already; give --overwrite to replace it, or another name.")
        if not (path / "model.json").exists():
            raise UserError(f"{path} is not a model package, so it is not overwritten; give another name.")
    weights = save({k: np.ascontiguousarray(v) for k, v in model.state().items()})
    record: dict[str, Any] = {
        "format": FORMAT,
        "method": method,
        "options": dict(options),
        "problem": model.problem.to_json(),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "tile": list(model.tile),
        "halo": list(model.halo),
        "self_test": _self_test(model.to("cpu")),
        "provenance": dict(provenance),
    }
    record["digest"] = _digest(record)
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    (temporary / "weights.safetensors").write_bytes(weights)
    (temporary / "model.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    (temporary / "README.md").write_text(model_card(record), encoding="utf-8")
    if path.exists():
        shutil.rmtree(path)
    temporary.rename(path)


def read_record(path: Path) -> dict[str, Any]:
    """Return the checked contents of a package's model.json.

    Raises:
        UserError: The folder is not a model package, or not one that this release reads.
    """
    file = path / "model.json"
    if not path.exists():
        raise UserError(f"There is no model package at {path}; `mesofuse train` or `mesofuse fuse` makes one.")
    if not file.exists():
        raise UserError(f"{path} is not a model package: it holds no model.json.")
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        version = record["format"]
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is damaged ({error}); restore it from a copy, or train again.") from error
    if version != FORMAT:
        raise UserError(f"{path} has package format {version}, but this release reads format {FORMAT}; update mesofuse.")
    return dict(record)


def load_package(path: Path, *, self_test: bool = True) -> Package:
    """Load a model package and check that it computes what it computed when it was saved.

    Raises:
        UserError: It is missing, damaged, of an unknown method, or fails its self-test.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    record = read_record(path)
    weights_file = path / "weights.safetensors"
    if not weights_file.exists():
        raise UserError(f"{path} holds no weights.safetensors; restore it from a copy, or train again.")
    weights = weights_file.read_bytes()
    try:
        if hashlib.sha256(weights).hexdigest() != record["weights_sha256"]:
            raise UserError(
                f"{weights_file} is not the file that was saved (its SHA-256 differs from model.json's): it is truncated or "
                "was changed; restore it from a copy, or train again."
            )
        if _digest(record) != record["digest"]:
            raise UserError(f"{path / 'model.json'} was changed by hand (its digest differs); restore it from a copy.")
        method = get_registry().find("method", record["method"]).build(record["options"])
        model: Model = method.restore(Problem.from_json(record["problem"]), load(weights))
        tile = tuple(record["tile"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"The model package {path} can't be loaded: {error}.") from error
    if model.can_tile:
        # The tile is the model's own, also if a later release would choose another one.
        model.tile = tile  # type: ignore[assignment]
    warning = _check_self_test(path, model, record["self_test"]) if self_test else ""
    return Package(model, record["method"], record["options"], record["provenance"], record["digest"], path, warning)


def _digest(record: Mapping[str, Any]) -> str:
    bearing = {k: record[k] for k in ("format", "method", "options", "problem", "weights_sha256", "tile", "halo")}
    return hashlib.sha256(json.dumps(bearing, sort_keys=True).encode()).hexdigest()


def _self_test(model: Model) -> dict[str, Any]:
    labels = _test_labels(model)
    counts = np.bincount(labels.ravel(), minlength=len(model.problem.phases)).tolist()
    return {"seed": TEST_SEED, "sha256": hashlib.sha256(labels.tobytes()).hexdigest(), "counts": counts}


def _test_labels(model: Model) -> np.ndarray:
    """Reconstruct a small volume of random blobs with random noise."""
    rng = np.random.default_rng(TEST_SEED)
    shape: Triple = (6, 6, 6)
    region = Region.whole(shape)
    field = rng.integers(0, max(1, len(model.problem.low_phases)), size=(3, 3, 3), dtype=np.uint8)
    field = field.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    noise = tuple(
        rng.standard_normal((n.channels, *region.scaled(n.factor).shape), dtype=np.float32) for n in model.noise
    )
    return model.reconstruct(TileInput(region, region, shape, field, noise)).labels


def _check_self_test(path: Path, model: Model, expected: Mapping[str, Any]) -> str:
    found = _self_test(model)
    if found["sha256"] == expected["sha256"]:
        return ""
    total = max(1, sum(expected["counts"]))
    moved = sum(abs(a - b) for a, b in zip(found["counts"], expected["counts"], strict=True)) / 2 / total
    if moved > TEST_TOLERANCE:
        raise UserError(
            f"The model package {path} fails its self-test: {100 * moved:.1f} % of the voxels differ from those it made when it "
            "was saved; the installed plugin is probably not the one it was trained with."
        )
    return "the model's self-test differs in a few voxels, as it may on another processor or another release of torch"
