import math
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.annealing import Annealing, AnnealingModel
from mesofuse_statistical.annealing_run import FILE
from mesofuse_statistical.options import AnnealingOptions
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import agrees, degraded
from mesofuse.interfaces.events import Note
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs, SupportsLongTiles, TileInput, TileRun
from mesofuse.interfaces.problem import Problem
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import blobs
from mesofuse.training.parts import build_degradation
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import IGNORED, PhaseMatch, default_phases

QUICK = {"radius": 12, "sweeps": 4.0, "spacings": (1, 2), "levels": 2}


def stack(array, phases, masked=False):
    return LabelArray(array, Grid(array.shape), default_phases(phases), masked)


def material(seed, shape, phases):
    """Labels of which the first phase is a smooth excursion, and others split what is left more finely."""
    rng = np.random.default_rng(seed)
    coarse, fine = (gaussian_filter(rng.normal(size=shape), s, mode="wrap") for s in (2.5, 1.2))
    labels = np.where(coarse > np.quantile(coarse, 0.6), 0, 1)
    for phase in range(2, phases):
        labels = np.where((labels == 1) & (fine > np.quantile(fine, 0.9 - 0.15 * (phase - 2))), phase, labels)
    return labels.astype(np.uint8)


def image_of(phases, seed=50):
    return stack(material(seed, (48, 96, 96), phases)[::8].copy(), phases)


def fitted(field, shows, phases, scale=4.0, images=None, say=lambda event: None, **options):
    low = default_phases(len(shows))
    scales = (scale,) * 3 if isinstance(scale, float) else scale
    problem = Problem(scales, low, default_phases(phases), PhaseMatch(shows))
    run = FitRun(None, 0, "cpu", Budget(), False, say)
    method = Annealing(AnnealingOptions(**(QUICK | options)))
    scan = LabelArray(field, Grid(field.shape), low)
    return method.fit(FusionInputs(scan, images or (image_of(phases),) * 3, problem), run)


def tile(model, field, seed=0):
    region = Region.whole(field.shape)
    noise = np.random.default_rng(seed).standard_normal((1, *field.shape), dtype=np.float32)
    return TileInput(region, region, field.shape, field, (noise,))


def scan_of(truth, shows, phases, scale):
    problem = Problem((scale,) * 3, default_phases(len(shows)), default_phases(phases), PhaseMatch(shows))
    degradation = build_degradation(AnnealingOptions().degradation, problem)
    region = Region.whole(tuple(int(n // scale) for n in truth.shape))
    return degraded(degradation, truth, phases, region).argmax(0).astype(np.uint8), degradation, region


def test_conforms_to_the_kit():
    assert_conforms("method", "annealing")


@pytest.mark.parametrize(
    ("phases", "shows", "scale"),
    [(2, ((0,), (1,)), 4.0), (3, ((0,), (1, 2)), 4.0), (3, ((0,), (1,)), 2.0), (4, ((0, 3), (1, 2)), 3.0)],
)
def test_the_scan_is_reproduced_and_the_shares_are_the_images(phases, shows, scale):
    """By the degradation that the options name, which blurs within scan voxels; phase 2 may be free."""
    truth = material(1, (48, 36, 48), phases)
    field, degradation, region = scan_of(truth, shows, phases, scale)
    model = fitted(field, shows, phases, scale)
    labels = model.reconstruct(tile(model, field)).labels
    assert agrees(degraded(degradation, labels, phases, region), field).all()
    assert np.bincount(labels.ravel()) / labels.size == pytest.approx(model.targets.shares, abs=0.005)


@settings(max_examples=8, deadline=None)
@given(st.tuples(*[st.sampled_from([1.0, 1.5, 2.3, 4.0])] * 3), st.tuples(*[st.integers(2, 6)] * 3))
def test_any_scale_keeps_each_scan_voxels_phase_by_count(scale, shape):
    field = blobs(shape, 2, seed=3).array
    model = fitted(field, ((0,), (1, 2)), 3, scale, sweeps=1.0)
    labels = model.reconstruct(tile(model, field)).labels
    assert labels.shape == Region.whole(shape).scaled(scale).shape
    if model.weights() is not None:
        return
    for at in np.ndindex(shape):
        own = labels[Region(at, tuple(a + 1 for a in at)).scaled(scale).slices]
        assert np.mean((own > 0) == (field[at] == 1)) >= 0.5


def test_a_degradation_that_sees_neighbours_is_noted():
    said = []
    fitted(np.zeros((4, 4, 4), np.uint8), ((0, 1),), 2, say=said.append)
    assert not said
    fitted(np.zeros((4, 4, 4), np.uint8), ((0, 1),), 2, say=said.append, scale=2.5)
    fitted(np.zeros((4, 4, 4), np.uint8), ((0, 1),), 2, say=said.append, degradation={"name": "unheard-of"})
    assert [type(event) for event in said] == [Note, Note]
    assert "by count; --project does the rest" in said[0].text


def test_each_axis_is_annealed_to_its_own_image():
    """Features that are flat along z: neighbours along each axis differ as often as in the images that show it."""
    rough = gaussian_filter(np.random.default_rng(0).normal(size=(96, 96, 96)), (1, 4, 2), mode="wrap")
    truth = (rough > np.quantile(rough, 0.6)).astype(np.uint8)
    images = tuple(stack(np.ascontiguousarray(np.moveaxis(truth, axis, 0)[::12]), 2) for axis in range(3))
    field = np.zeros((10, 10, 10), np.uint8)
    model = fitted(field, ((0, 1),), 2, images=images, sweeps=10.0)
    labels = model.reconstruct(tile(model, field)).labels
    found, wanted = ([np.mean(np.diff(v, axis=axis) != 0) for axis in range(3)] for v in (labels, truth))
    assert wanted[0] > 1.5 * wanted[2] > 2 * wanted[1]
    assert found == pytest.approx(wanted, rel=0.05)


def test_ignored_scan_voxels_ask_for_nothing():
    field = blobs((6, 6, 6), 2, seed=3).array.copy()
    field[2:4, 1:3] = IGNORED
    model = fitted(field, ((0,), (1, 2)), 3)
    labels = model.reconstruct(tile(model, field)).labels
    inside = np.repeat(np.repeat(np.repeat(field != IGNORED, 4, 0), 4, 1), 4, 2)
    assert (labels[~inside] == 0).all()
    found = np.bincount(labels[inside]) / inside.sum()
    assert found == pytest.approx(model.targets.shares, abs=0.005)


def test_a_planar_scan_gives_a_plane():
    truth = material(1, (4, 64, 64), 3)[:1]
    field = truth[:, 2::4, 2::4] // 1
    field = np.where(field == 0, 0, 1).astype(np.uint8)
    model = fitted(field, ((0,), (1, 2)), 3, (1.0, 4.0, 4.0), sweeps=20.0)
    labels = model.reconstruct(tile(model, field)).labels
    assert labels.shape == (1, 64, 64)
    assert np.bincount(labels.ravel()) / labels.size == pytest.approx(model.targets.shares, abs=0.005)


def test_probabilities_are_lower_at_interfaces():
    field = blobs((6, 6, 6), 2, seed=3).array
    model = fitted(field, ((0,), (1, 2)), 3)
    output = model.reconstruct(tile(model, field), probabilities=True)
    assert output.probabilities.dtype == np.float32
    assert output.probabilities.sum(0) == pytest.approx(np.ones(output.labels.shape), abs=1e-6)
    assert np.array_equal(output.probabilities.argmax(0), output.labels)
    own = output.probabilities.max(0)
    mixed = np.zeros(own.shape, bool)
    mixed[1:] |= np.diff(output.labels, axis=0) != 0
    assert own[mixed].max() < 1
    assert own.max() == 1


def test_a_long_tile_is_the_tile_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr("mesofuse_statistical.annealing_run.SAVE_SECONDS", 0.0)
    monkeypatch.setattr("mesofuse_statistical.annealing_run.EMIT_SECONDS", 0.0)
    field = blobs((6, 6, 6), 2, seed=3).array
    model = fitted(field, ((0,), (1, 2)), 3)
    assert isinstance(model, SupportsLongTiles)
    expected = model.reconstruct(tile(model, field)).labels

    def stop(event):
        if event.fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.reconstruct_long(tile(model, field), TileRun(stop, tmp_path))
    assert (tmp_path / FILE).exists()
    twin = pickle.loads(pickle.dumps(model))
    fractions = []
    output = twin.reconstruct_long(tile(model, field), TileRun(lambda e: fractions.append(e.fraction), tmp_path))
    assert np.array_equal(output.labels, expected)
    assert min(fractions) > 0.5
    assert not np.array_equal(model.reconstruct(tile(model, field, seed=1)).labels, expected)


def test_tile_bytes_is_near_the_peak():
    field = np.zeros((24, 24, 24), np.uint8)
    model = fitted(field, ((0, 1, 2),), 3, radius=24, spacings=(1, 2, 4), sweeps=0.01)
    given = tile(model, field)
    tracemalloc.start()
    model.reconstruct(given)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < model.tile_bytes(field.shape) < 2 * peak + 2**26


MASKED = stack(np.zeros((1, 32, 32), np.uint8), 2, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low_res": None}, "needs a scan"),
        ({"images": (stack(np.zeros((1, 32, 32), np.uint8), 2),) * 3}, "each with some pixels"),
        ({"images": (MASKED,) * 3}, "crop"),
        ({"images": (blobs((1, 33, 12), 2, seed=1),) * 3}, "33 × 12 pixels is too small"),
    ],
)
def test_what_it_cannot_do_is_one_sentence(change, words):
    problem = Problem((4.0, 4.0, 4.0), default_phases(2), default_phases(2), PhaseMatch(((0,), (1,))))
    given = {"low_res": blobs((8, 8, 8), 2), "images": (blobs((1, 32, 32), 2, seed=1),) * 3} | change
    run = FitRun(None, 0, "cpu", Budget(), False, lambda event: None)
    with pytest.raises(UserError, match=words):
        Annealing(AnnealingOptions(**QUICK)).fit(FusionInputs(given["low_res"], given["images"], problem), run)


def test_a_volume_that_is_too_large_is_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr("mesofuse_statistical.annealing.MOST_VOXELS", 4095)
    field = np.zeros((4, 4, 4), np.uint8)
    model = fitted(field, ((0, 1),), 2)
    with pytest.raises(UserError, match="at most 4,095 voxels at once, but this one has 4,096"):
        model.reconstruct(tile(model, field))


def test_arrays_of_something_else_are_refused():
    field = np.zeros((4, 4, 4), np.uint8)
    model = fitted(field, ((0, 1, 2),), 3)
    method = Annealing(AnnealingOptions(**QUICK))
    assert isinstance(method.restore(model.problem, model.state()), AnnealingModel)
    with pytest.raises(UserError, match="not those of the method 'annealing'"):
        method.restore(model.problem, {"order": np.array([0, 1, 2])})


def test_all_weights_zero_are_refused():
    with pytest.raises(ValidationError, match="at least one of them a weight"):
        AnnealingOptions(pairs=0, paths=0, patterns=0)


@pytest.mark.slow
def test_two_phases_come_to_a_hundred_thousandth_of_the_start():
    """Every part of the energy, at 64³ without a scan's help, within 60 swaps a voxel."""
    field = np.zeros((16, 16, 16), np.uint8)
    images = (stack(material(50, (64, 256, 256), 2)[::4].copy(), 2),) * 3
    model = fitted(field, ((0, 1),), 2, images=images, radius=32, spacings=(1, 2, 4), sweeps=60.0, levels=1)
    told = []
    model.reconstruct_long(tile(model, field), TileRun(told.append))
    options = AnnealingOptions()  # at the start each part is its weight, as that of any independent voxels
    left = {name: told[-1].metrics[name] / getattr(options, name) for name in ("pairs", "paths", "patterns")}
    assert all(math.isfinite(v) and v < 1e-5 for v in left.values()), left
