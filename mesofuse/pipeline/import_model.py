"""A model package from the weights of a published program, read without running anything that the file holds."""

from __future__ import annotations

import datetime
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mesofuse.config.job import JobConfig
from mesofuse.config.method import merged
from mesofuse.errors import UserError
from mesofuse.interfaces.method import SupportsPublished
from mesofuse.interfaces.problem import Content, Problem
from mesofuse.models.package import Package, load_package, save_package
from mesofuse.models.provenance import versions
from mesofuse.registry import get_registry
from mesofuse.volumes.files import check_free
from mesofuse.volumes.grid import Scale
from mesofuse.volumes.phases import PhaseMatch, default_phases

PARALLEL = "module."
"""What torch's DataParallel puts before every name."""


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state dict: a safetensors file, or one that torch.save wrote.

    The latter is a zip with a pickle in it, of which torch's ``weights_only`` reader takes tensors and plain containers
    alone and refuses all else.

    Raises:
        UserError: If the file is missing, damaged, or holds anything but tensors by name.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}; give a state dict, such as SliceGAN's NAME_Gen.pt.")
    path.open("rb").close()  # a file without permission is said to be that
    tensors = _safetensors(path) if path.suffix == ".safetensors" else _state_dict(path)
    if tensors and all(name.startswith(PARALLEL) for name in tensors):
        tensors = {name.removeprefix(PARALLEL): value for name, value in tensors.items()}
    wild = next((name for name, value in tensors.items() if not np.isfinite(value).all()), None)
    if wild is not None:
        raise UserError(f"The tensor {wild!r} in {path} holds values that are not finite: the training had diverged.")
    return tensors


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: _array(value) for name, value in load_file(path).items()}
    except SafetensorError as error:
        raise UserError(f"{path} is not a safetensors file, or a damaged one ({error}).") from error


def _state_dict(path: Path) -> dict[str, np.ndarray]:
    import pickle

    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} can't be read as plain tensors: it holds Python objects, such as a whole pickled module, which "
            "could run any program, or is no file of torch.save; load it with the program that wrote it and save its "
            "state_dict()."
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not a file that torch.save wrote, or it is truncated.") from error
    named = isinstance(found, Mapping) and len(found) > 0 and all(isinstance(name, str) for name in found)
    if not named or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise UserError(f"{path} holds no state dict (tensors by name); save the generator's state_dict() alone.")
    return {name: _array(value) for name, value in found.items()}


def _array(tensor: Any) -> np.ndarray:
    values: np.ndarray = (tensor.float() if tensor.is_floating_point() else tensor).detach().contiguous().numpy()
    return values


def problem_for(
    phases: Sequence[str],
    low_phases: Sequence[str],
    scale: Scale | None,
    shows: Mapping[str, Sequence[str]] | None,
    content: Content = "phases",
) -> Problem:
    """Return the setting that published weights were trained for, which their file does not say.

    Raises:
        UserError: If there is a scale factor without phases of the scan or the reverse, or rules that fit neither;
            phases and another content, or neither.
    """
    if (content != "phases") == bool(phases):
        raise UserError(
            "Say what the weights make: --phases with the names of the phases, or --content grey or --content colour."
        )
    if content != "phases":
        if low_phases or scale is not None or shows:
            raise UserError(f"A model of {content} values takes no scan: leave out its options.")
        return Problem((1.0, 1.0, 1.0), (), (), PhaseMatch(()), content)
    high = default_phases(len(phases), phases)
    if not low_phases:
        if scale is not None or shows:
            raise UserError("--scale and --shows describe a scan: name its phases with --low-phases.")
        return Problem((1.0, 1.0, 1.0), (), high, PhaseMatch(()))
    if scale is None:
        raise UserError("--low-phases describes a scan: say its scale factor with --scale.")
    low = default_phases(len(low_phases), low_phases)
    match = PhaseMatch.by_index(len(low), len(high))
    return Problem(scale, low, high, PhaseMatch.parse(shows, low, high) if shows else match)


def import_model(
    method: str, weights: Path, out: Path, problem: Problem, settings: Mapping[str, Any] | None = None
) -> Package:
    """Make a model package ``out`` from published weights of a method that can take them.

    Args:
        method: Name of the method.
        weights: File of the weights; see `read_weights`.
        out: Where the package goes.
        problem: What the weights were trained for.
        settings: Options of the method beyond those that the weights tell.

    Raises:
        UserError: If the method takes no published weights, or these are not its own.
    """
    check_free(out, overwrite=False)
    component = get_registry().find("method", method)
    kind: Any = component.load()
    if not isinstance(kind, SupportsPublished):
        methods = get_registry().components("method")
        able = [c.spec.name for c in methods if isinstance(c.load(), SupportsPublished)]
        raise UserError(f"The method {method!r} takes no published weights; these do: {', '.join(able) or 'none'}.")
    found = kind.from_published(read_weights(weights), problem)
    given = JobConfig.model_construct(
        high_res="", content=problem.content, method=merged({"name": method, **found.options}, settings or {})
    )
    component, options = given.resolve_method()
    try:
        model = component.build(options).restore(problem, found.state)
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(f"{weights} does not fit the method {method!r}: {error}.") from error
    provenance: dict[str, Any] = {
        "interrupted": False,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "imported_from": weights.name,
        "imported_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "distribution": f"{component.distribution} {component.version}",
        "inputs": {},
        "versions": versions(),
    }
    save_package(out, model, method, options.model_dump(mode="json"), provenance)
    return load_package(out)
