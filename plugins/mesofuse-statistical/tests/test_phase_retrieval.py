import numpy as np
import pytest
from mesofuse_statistical.correlation_maps import correlation_map, lengths
from mesofuse_statistical.options import PhaseRetrievalOptions
from mesofuse_statistical.pair_error import PairError
from mesofuse_statistical.pair_targets import scan_shares, scan_targets
from mesofuse_statistical.phase_retrieval import PhaseRetrieval
from scipy.ndimage import gaussian_filter

from mesofuse.errors import UserError
from mesofuse.interfaces.degradation import agrees, degraded
from mesofuse.interfaces.events import Note, TileProgress
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs, SupportsLongTiles, TileInput, TileRun
from mesofuse.interfaces.problem import Problem
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import blobs
from mesofuse.training.parts import build_degradation
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

RADIUS = 6


def material(seed, shape, phases):
    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.standard_normal(shape), s, mode="wrap") for s in (1.8, 1.2, 1.5)]
    labels = np.where(fields[0] > np.quantile(fields[0], 0.6), 0, np.where(fields[1] > 0.02, 2, 1))
    labels = np.where(fields[2] > np.quantile(fields[2], 0.75), 3, labels)
    return np.minimum(labels, phases - 1).astype(np.uint8)


def stack(array, phases):
    return LabelArray(array, Grid(array.shape), default_phases(phases))


def fitted(phases, shows, cells=(12, 12, 12), scale=4.0, **options):
    """A model, the scan of a known volume, the image, and what was said."""
    problem = Problem((scale,) * 3, default_phases(len(shows)), default_phases(phases), PhaseMatch(shows))
    image = stack(material(7, (96, 96, 96), phases)[::8], phases)
    options = PhaseRetrievalOptions(radius=RADIUS, **options)
    truth = material(3, Region.whole(cells).scaled(problem.scale).shape, phases)
    degradation = build_degradation(options.degradation, problem)
    scan = degraded(degradation, truth, phases, Region.whole(cells)).argmax(0).astype(np.uint8)
    said = []
    run = FitRun(None, 0, "cpu", Budget(), False, said.append)
    model = PhaseRetrieval(options).fit(FusionInputs(stack(scan, len(shows)), (image,) * 3, problem), run)
    return model, scan, image, said


def tile_of(scan, seed=0):
    region = Region.whole(scan.shape)
    noise = np.random.default_rng(seed).standard_normal((1, *scan.shape), dtype=np.float32)
    return TileInput(region, region, scan.shape, scan, (noise,))


def errors(model, labels, scan):
    """The error of every map, and of the fractions, against what scan and image ask."""
    phases = len(model.shares)
    target, shares = scan_targets(scan_shares(scan, model.problem, model.shares), model.missed.astype(float))
    error = PairError(target, phases, labels.shape, model.radius, 2 * model.radius)
    fractions = np.bincount(labels.ravel(), minlength=phases) / labels.size
    return np.abs(error.error(error.spectra(labels))).max(), np.abs(fractions - shares).max()


def test_conforms_to_the_kit():
    assert_conforms("method", "phase-retrieval")


@pytest.mark.parametrize(("phases", "shows"), [(2, ((0, 1),)), (3, ((0, 1, 2),)), (4, ((0, 1, 2, 3),))])
def test_what_the_scan_cannot_tell_has_the_images_maps_to_a_thousandth(phases, shows):
    model, scan, image, said = fitted(phases, shows)
    labels = model.reconstruct(tile_of(scan)).labels
    worst, fraction = errors(model, labels, scan)
    assert not said
    assert worst <= 1e-3
    assert fraction <= 1e-4
    # The planes of the volume show what the image shows, cross-correlations too (their even part).
    plane = correlation_map(image.array, phases, (RADIUS, RADIUS))
    near = lengths(RADIUS, 2) <= RADIUS
    for axis in range(3):
        reach = [RADIUS] * 3
        reach[axis] = 0
        own = correlation_map(labels[None], phases, reach).squeeze(axis + 2)
        apart = np.abs(own + own.swapaxes(0, 1) - plane - plane.swapaxes(0, 1))[:, :, near].max(2) / 2
        assert apart.diagonal().max() < 2.5e-3
        assert apart.max() < 6e-3  # of which the edges of twelve images make the most


def test_scan_fractions_and_maps_are_met_together():
    model, scan, _, said = fitted(3, ((0,), (1, 2)))
    labels = model.reconstruct(tile_of(scan)).labels
    worst, fraction = errors(model, labels, scan)
    assert not said
    assert worst <= 1e-3
    assert fraction <= 0.005
    degradation = build_degradation(model.options.degradation, model.problem)
    assert agrees(degraded(degradation, labels, 3, Region.whole(scan.shape)), scan).mean() >= 0.99


def test_progress_is_reported_and_the_labels_are_those_of_a_plain_run():
    model, scan, _, _ = fitted(2, ((0,), (1,)), cells=(6, 6, 6), exchanges=20)
    assert isinstance(model, SupportsLongTiles)
    events = []
    long = model.reconstruct_long(tile_of(scan), TileRun(events.append)).labels
    assert np.array_equal(long, model.reconstruct(tile_of(scan)).labels)
    assert not np.array_equal(long, model.reconstruct(tile_of(scan, seed=1)).labels)
    progress = [event for event in events if isinstance(event, TileProgress)]
    assert progress[-1].fraction == 1
    assert list(progress[-1].metrics) == ["largest error of S2"]
    notes = [event.text for event in events if isinstance(event, Note)]
    missed = progress[-1].metrics["largest error of S2"] > model.options.tolerance
    assert missed == bool(notes)


def test_probabilities_say_what_is_near():
    model, scan, _, _ = fitted(3, ((0, 1, 2),), cells=(5, 5, 5), exchanges=10)
    made = model.reconstruct(tile_of(scan), probabilities=True)
    assert np.array_equal(made.probabilities.argmax(0), made.labels)
    assert made.probabilities.max(0).min() >= 0.5
    alone = np.all([made.labels == np.roll(made.labels, d, a) for a in range(3) for d in (1, -1)], axis=0)
    assert made.probabilities.max(0)[alone].mean() > made.probabilities.max(0)[~alone].mean() + 0.05


def test_memory_is_as_said():
    import tracemalloc

    model, scan, _, _ = fitted(3, ((0,), (1, 2)), cells=(16, 16, 16), projections=2, exchanges=2)
    tile = tile_of(scan)
    tracemalloc.start()
    model.reconstruct(tile)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.7 * peak < model.tile_bytes(scan.shape) < 1.5 * peak


def test_plain_means_stand_in_for_an_instrument():
    model, scan, _, _ = fitted(2, ((0,), (1,)), cells=(6, 6, 6), exchanges=20)
    plain = PhaseRetrieval(PhaseRetrievalOptions(degradation=None)).restore(model.problem, model.state())
    labels = plain.reconstruct(tile_of(scan)).labels
    means = np.stack([labels == 0, labels == 1]).reshape(2, 6, 4, 6, 4, 6, 4).mean((2, 4, 6))
    assert agrees(means, scan).all()


def test_planes_that_no_volume_has_are_noted():
    rows = (np.indices((96, 96))[0] // 4 % 2).astype(np.uint8)
    problem = Problem((4.0,) * 3, default_phases(1), default_phases(2), PhaseMatch(((0, 1),)))
    said = []
    run = FitRun(None, 0, "cpu", Budget(), False, said.append)
    inputs = FusionInputs(stack(np.zeros((6, 6, 6), np.uint8), 1), (stack(rows[None], 2),) * 3, problem)
    PhaseRetrieval(PhaseRetrievalOptions(radius=6)).fit(inputs, run)
    assert all("No volume has" in event.text for event in said)
    assert len(said) == 2


def test_small_images_shorten_the_radius():
    problem = Problem((4.0,) * 3, default_phases(1), default_phases(2), PhaseMatch(((0, 1),)))
    said = []
    run = FitRun(None, 0, "cpu", Budget(), False, said.append)
    inputs = FusionInputs(stack(np.zeros((4, 4, 4), np.uint8), 1), (blobs((1, 11, 40), 2),) * 3, problem)
    model = PhaseRetrieval(PhaseRetrievalOptions()).fit(inputs, run)
    assert model.radius == 5
    assert "up to 5 voxels" in said[0].text


MASKED = LabelArray(np.zeros((1, 8, 8), np.uint8), Grid((1, 8, 8)), default_phases(2), True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low_res": None}, "needs a scan"),
        ({"images": (stack(np.zeros((1, 32, 32), np.uint8), 2),) * 3}, "each with some pixels"),
        ({"images": (MASKED,) * 3}, "crop"),
        ({"images": (blobs((1, 2, 32), 2),) * 3}, "at least 3 × 3 pixels"),
    ],
)
def test_what_it_cannot_do_is_one_sentence(change, words):
    problem = Problem((4.0, 4.0, 4.0), default_phases(2), default_phases(2), PhaseMatch(((0,), (1,))))
    given = {"low_res": blobs((8, 8, 8), 2), "images": (blobs((1, 32, 32), 2, seed=1),) * 3} | change
    run = FitRun(None, 0, "cpu", Budget(), False, lambda event: None)
    with pytest.raises(UserError, match=words):
        PhaseRetrieval(PhaseRetrievalOptions()).fit(FusionInputs(given["low_res"], given["images"], problem), run)


def test_arrays_of_another_model_are_refused():
    model, _, _, _ = fitted(2, ((0, 1),), cells=(4, 4, 4))
    state, method = model.state(), PhaseRetrieval(PhaseRetrievalOptions())
    three = Problem((4.0,) * 3, default_phases(1), default_phases(3), PhaseMatch(((0, 1, 2),)))
    broken = [{k: v for k, v in state.items() if k != "missed"}, state | {"radius": np.array([5])}]
    broken += [state | {"shares": state["shares"] * np.nan}]
    for problem, arrays in [(three, state), *((model.problem, b) for b in broken)]:
        with pytest.raises(UserError, match="not those of the method"):
            method.restore(problem, arrays)
