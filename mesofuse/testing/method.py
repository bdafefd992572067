"""Checks of methods and of the models that they yield."""

from __future__ import annotations

import functools
import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mesofuse.interfaces.method import Budget, FitRun, FusionInputs, TileInput
from mesofuse.interfaces.traits import ModelTraits
from mesofuse.models.package import load_package, save_package
from mesofuse.testing.checks import Check, Skipped, require
from mesofuse.testing.common import build, options_of
from mesofuse.testing.problems import blobs, conditional, make_problem
from mesofuse.volumes.grid import Region, Triple

if TYPE_CHECKING:
    from mesofuse.registry import Component

SCALE = 4  # a method's usual crops fit small inputs at it
LOW: Triple = (16, 16, 16)
IMAGE: Triple = (1, 96, 96)


def fit(component: Component, folder: Path) -> Any:
    """Fit for two steps to a small problem and return the model; a scan goes only to what takes one."""
    image = blobs(IMAGE, 3, seed=1)
    if conditional(component):
        scales = getattr(component.load(), "test_scales", (SCALE,))
        inputs = FusionInputs(blobs(LOW, 2), (image, image, image), make_problem(2, 3, scales[0]))
    else:
        inputs = FusionInputs(None, (image, image, image), make_problem(0, 3, 1))
    run = FitRun(folder, 0, "cpu", Budget(steps=2), False, lambda event: None)
    return build(component).fit(inputs, run)


@functools.lru_cache(maxsize=1)
def _fitted(component: Component, loaded: int) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return fit(component, Path(folder))


def fitted(component: Component) -> Any:
    """Return a model, fitted once for all the checks."""
    return _fitted(component, id(component.load()))


def tile_input(model: Any, core: Region, shape: Triple, seed: int = 0) -> TileInput:
    """Cut a tile's input out of a random volume and its noise."""
    low = len(model.problem.low_phases)
    window = core.grown(model.halo, shape if low else None)
    whole = Region.whole(shape) if low else Region.whole(shape).grown(model.halo)
    rng = np.random.default_rng(seed)
    noise = []
    for spec in model.noise:
        values = rng.standard_normal((spec.channels, *whole.scaled(spec.factor).shape), dtype=np.float32)
        noise.append(np.ascontiguousarray(values[:, *window.scaled(spec.factor).within(whole.scaled(spec.factor))]))
    field = blobs(shape, low, seed).array[window.slices].copy() if low else None
    return TileInput(core, window, shape, field, tuple(noise))


def small(model: Any) -> Triple:
    """Return the shape of a volume small enough to reconstruct at once, larger than a halo."""
    if not model.problem.low_phases:  # each voxel makes many
        return (3, 3, 3)
    z, y, x = model.halo
    return (z + 4, y + 3, x + 5)


def declares(component: Component) -> None:
    """Look at what the model states about itself."""
    model = fitted(component)
    require(isinstance(build(component).trains, bool), "trains is no bool.")
    require(isinstance(model.can_tile, bool), "the model's can_tile is no bool.")
    require(len(model.problem.phases) == 3, "the model's problem is not the one it was fitted for.")
    fits = tuple(model.scale) == model.problem.scale or not model.problem.low_phases
    require(fits, f"the model's scale is {model.scale}.")
    for name in ("halo", "tile"):
        value = getattr(model, name)
        sound = isinstance(value, tuple) and len(value) == 3 and all(type(v) is int and v >= 0 for v in value)
        require(sound, f"the model's {name} {value!r} is not three whole numbers.")
    require(min(model.tile) > 0, f"the model's tile is {model.tile}.")
    memory = model.tile_bytes((8, 8, 8))
    require(type(memory) is int and memory > 0, f"tile_bytes gave {memory!r}; it must be a positive int.")


DRAWN_SIGMAS = 5.0


def reconstructs(component: Component) -> None:
    """Reconstruct a small volume, with and without probabilities."""
    model = fitted(component)
    shape = small(model)
    tile = tile_input(model, Region.whole(shape), shape)
    before = pickle.dumps(tile)
    labels = model.reconstruct(tile).labels
    expected = Region.whole(shape).scaled(model.scale).shape
    require(labels.shape == expected, f"the labels' shape is {labels.shape}, not {expected}.")
    require(labels.dtype == np.uint8, f"the labels are {labels.dtype}, not uint8.")
    require(int(labels.max()) < 3, f"there is a label {int(labels.max())}, but 3 phases.")
    full = model.reconstruct(tile, probabilities=True)
    require(full.probabilities is not None, "it gives no probabilities when asked.")
    require(full.probabilities.shape == (3, *expected), f"the probabilities' shape is {full.probabilities.shape}.")
    require(full.probabilities.dtype == np.float32, f"the probabilities are {full.probabilities.dtype}.")
    require(np.allclose(full.probabilities.sum(0), 1, atol=1e-5), "the probabilities do not sum to 1.")
    require(np.array_equal(full.labels, labels), "asking for probabilities changes the labels.")
    best = np.take_along_axis(full.probabilities, labels[None].astype(np.intp), 0)[0]
    if not ModelTraits.of(model).draws:
        require(np.all(best >= full.probabilities.max(0) - 1e-6), "a label is not the most probable phase.")
        return
    require(bool(np.all(best > 0)), "a label was drawn whose probability is 0.")
    for phase, expected_share in enumerate(full.probabilities):
        # Voxels are drawn independently, so that the variance of their number is the sum of theirs.
        error = float(np.sqrt((expected_share * (1 - expected_share)).sum(dtype=np.float64)))
        missed = abs(float((labels == phase).sum()) - float(expected_share.sum(dtype=np.float64)))
        require(missed <= DRAWN_SIGMAS * error + 1e-3, f"phase {phase} is not drawn as often as its probability says.")
    require(pickle.dumps(tile) == before, "it changes its input in place.")


def repeats(component: Component) -> None:
    """Reconstruct one tile again, from two threads at once."""
    model = fitted(component)
    shape = small(model)
    tile = tile_input(model, Region.whole(shape), shape)
    first = model.reconstruct(tile).labels
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(lambda _: model.reconstruct(tile).labels, range(4)))
    require(all(np.array_equal(first, labels) for labels in again), "the same tile gives different labels.")


def tile_is_whole(component: Component) -> None:
    """Reconstruct parts from their windows and compare with the whole."""
    model = fitted(component)
    if not model.can_tile:
        raise Skipped("the model works on whole volumes only.")
    shape = small(model)
    whole = model.reconstruct(tile_input(model, Region.whole(shape), shape), probabilities=True)
    top = np.sort(whole.probabilities, axis=0)
    clear = top[-1] - top[-2] > 1e-5
    last = Region((shape[0] - 1, shape[1] - 2, shape[2] - 2), shape)
    for core in (Region((0, 0, 0), (2, 1, 2)), Region((1, 1, 2), (3, 3, 3)), last):
        part = model.reconstruct(tile_input(model, core, shape), probabilities=True)
        where = core.scaled(model.scale).slices
        error = float(np.abs(part.probabilities - whole.probabilities[:, *where]).max())
        require(error <= 1e-5, f"tile {core} differs from the whole volume by {error:.2g}.")
        differ = int(((part.labels != whole.labels[where]) & clear[where]).sum())
        require(differ == 0, f"tile {core}: {differ} voxels get another phase than in the whole volume.")


def restores(component: Component) -> None:
    """Rebuild the model from its state, from a package on disk and from a pickle, and compare what they make."""
    model = fitted(component)
    shape = small(model)
    tile = tile_input(model, Region.whole(shape), shape)
    expected = model.reconstruct(tile).labels
    state = model.state()
    arrays = all(isinstance(k, str) and isinstance(v, np.ndarray) for k, v in state.items())
    require(arrays, "state is no dict of names to numpy arrays.")
    require(all(v.dtype != object for v in state.values()), "state holds Python objects; keep plain arrays only.")
    shaped = {name: (value.shape, value.copy()) for name, value in state.items()}
    twin = build(component).restore(model.problem, state).to("cpu")
    require(np.array_equal(twin.reconstruct(tile).labels, expected), "the restored model gives other labels.")
    loaded = packed(component, model)
    require(np.array_equal(loaded.reconstruct(tile).labels, expected), "the model gives other labels from a package.")
    again = loaded.state()
    same = again.keys() == shaped.keys() and all(
        again[k].shape == shape and np.array_equal(again[k], value, equal_nan=value.dtype.kind in "fc")
        for k, (shape, value) in shaped.items()
    )
    require(same, "the model from a package has another state.")
    copy = pickle.loads(pickle.dumps(model))
    require(np.array_equal(copy.reconstruct(tile).labels, expected), "a pickled copy gives other labels.")


def packed(component: Component, model: Any) -> Any:
    """Return the model as `mesofuse generate` gets it: saved as a package on disk and loaded from there."""
    options = options_of(component).model_dump(mode="json")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save_package(path, model, component.spec.name, options, {})
        return load_package(path, component=component).model


def same_seed(component: Component) -> None:
    """Fit twice."""
    with tempfile.TemporaryDirectory() as folder:
        again = fit(component, Path(folder))
    a, b = fitted(component).state(), again.state()
    require(a.keys() == b.keys(), "two fits under one seed keep different arrays.")
    differ = [name for name in a if not np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f")]
    require(not differ, f"two fits under one seed differ in {differ[:1]}.")


CHECKS = (
    Check("declares", "Scale, halo, tile and memory are stated soundly.", declares),
    Check("reconstructs", "Labels and probabilities have the right shape, type and phases.", reconstructs),
    Check("repeats", "The same tile gives the same bits, from any thread.", repeats),
    Check("tile-is-whole", "A tile made from its window equals that part of the whole volume.", tile_is_whole),
    Check("restores", "State, a package on disk and a pickle give the model back.", restores),
    Check("same-seed-same-model", "Two fits under one seed give one model.", same_seed),
)
