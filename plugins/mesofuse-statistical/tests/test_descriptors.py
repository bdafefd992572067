import numpy as np
import pytest
from mesofuse_statistical import descriptor_descent
from mesofuse_statistical.descriptors import Descriptors
from mesofuse_statistical.options import DescriptorsOptions
from scipy.ndimage import gaussian_filter

from mesofuse.errors import UserError
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs, TileInput, TileRun
from mesofuse.interfaces.problem import Problem
from mesofuse.testing import assert_conforms
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.patterns import TURNS, Stencil, js_divergence, shares, turned_counts
from mesofuse.volumes.phases import PhaseMatch, default_phases

SMALL = DescriptorsOptions(levels=2, steps=20, radius=8, spacings=(1, 2), patch_spacings=(1,))


def stack(array, phases=2):
    return LabelArray(array, Grid(array.shape), default_phases(phases))


def blobs(seed, shape):
    values = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5, mode="wrap")
    return (values > np.quantile(values, 0.6)).astype(np.uint8)


IMAGE = stack(np.stack([blobs(seed, (96, 96)) for seed in range(4)]))
TRUTH = blobs(9, (32, 32, 32))
FIELD = (TRUTH.reshape(8, 4, 8, 4, 8, 4).mean((1, 3, 5)) > 0.5).astype(np.uint8)
PROBLEM = Problem((4.0,) * 3, default_phases(2), default_phases(2), PhaseMatch(((0,), (1,))))


def fitted(options=SMALL, image=IMAGE, problem=PROBLEM, low=FIELD):
    scan = None if low is None else LabelArray(low, Grid(low.shape), problem.low_phases)
    run = FitRun(None, 0, "cpu", Budget(), False, lambda event: None)
    return Descriptors(options).fit(FusionInputs(scan, (image,) * 3, problem), run)


def tile(model, seed=0):
    region = Region.whole(FIELD.shape)
    rng = np.random.default_rng(seed)
    noise = tuple(rng.standard_normal((n.channels, *region.scaled(n.factor).shape), np.float32) for n in model.noise)
    return TileInput(region, region, FIELD.shape, FIELD, noise)


def distance(labels):
    stencil = Stencil.of(2)
    made = sum(turned_counts(np.moveaxis(labels, axis, 0), stencil, 1, (0,)) for axis in range(3))
    return js_divergence(shares(made), shares(turned_counts(IMAGE.array, stencil, 1, TURNS["rotate"])))


def test_conforms_to_the_kit():
    assert_conforms("method", "descriptors")


def test_planes_come_to_look_like_the_image_and_the_scan_is_shown():
    model = fitted()
    labels = model.reconstruct(tile(model)).labels
    plain = np.kron(FIELD, np.ones((4, 4, 4), np.uint8))
    assert distance(labels) < 0.3 * distance(plain)
    shown = labels.reshape(8, 4, 8, 4, 8, 4).mean((1, 3, 5))
    assert np.array_equal(np.where(shown == 0.5, FIELD, shown > 0.5), FIELD)
    assert labels.mean() == pytest.approx(IMAGE.array.mean(), abs=0.03)


@pytest.mark.parametrize("after", [3, 6, 9])
def test_an_interrupted_descent_goes_on_to_the_same_bits(tmp_path, monkeypatch, after):
    for name in ("QUIET_SECONDS", "SAVE_SECONDS"):
        monkeypatch.setattr(descriptor_descent, name, 0)
    model, told = fitted(), []
    whole = model.reconstruct(tile(model)).labels

    def stop(event):
        told.append(event)
        if len(told) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.reconstruct_long(tile(model), TileRun(stop, tmp_path))
    assert list(tmp_path.iterdir())
    more = []
    again = model.reconstruct_long(tile(model), TileRun(more.append, tmp_path)).labels
    assert np.array_equal(again, whole)
    assert more[-1].fraction == 1
    assert more[0].fraction > told[0].fraction
    assert list(tmp_path.iterdir()) == []


def test_another_seed_gives_another_volume():
    model = fitted()
    assert not np.array_equal(model.reconstruct(tile(model, 1)).labels, model.reconstruct(tile(model)).labels)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low": None}, "needs a scan"),
        ({"image": stack(np.zeros((1, 64, 64), np.uint8))}, "phase"),
        ({"image": stack(blobs(0, (6, 6))[None])}, "pixels"),
        ({"image": LabelArray(IMAGE.array, IMAGE.grid, IMAGE.phases, True)}, "ignored"),
    ],
)
def test_what_it_cannot_do_is_one_sentence(change, words):
    with pytest.raises(UserError, match=words):
        fitted(**change)


def test_arrays_of_another_model_are_refused():
    model, method = fitted(), Descriptors(SMALL)
    again = method.restore(PROBLEM, model.state())
    assert np.array_equal(again.reconstruct(tile(again)).labels, model.reconstruct(tile(model)).labels)
    for name in model.state():
        with pytest.raises(UserError, match="not those of the method"):
            method.restore(PROBLEM, {k: v for k, v in model.state().items() if k != name})
