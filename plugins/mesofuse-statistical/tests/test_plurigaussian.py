import numpy as np
import pytest
from mesofuse_statistical.gaussian_fit import two_point
from mesofuse_statistical.options import PlurigaussianOptions
from mesofuse_statistical.plurigaussian import Plurigaussian
from scipy.ndimage import gaussian_filter

from mesofuse.errors import UserError
from mesofuse.interfaces.events import Note
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs, TileInput
from mesofuse.interfaces.problem import Problem
from mesofuse.testing import assert_conforms
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases


def stack(array, phases):
    return LabelArray(array, Grid(array.shape), default_phases(phases))


def material(seed, shape, phases):
    """Labels of which the first phase is a smooth excursion, and the others split what is left more finely."""
    rng = np.random.default_rng(seed)
    coarse, fine = (gaussian_filter(rng.normal(size=shape), s, mode="wrap") for s in (1.5, 1.0))
    labels = np.where(coarse > np.quantile(coarse, 0.6), 0, np.where(fine > np.quantile(fine, 0.7), 2, 1))
    return (labels if phases == 3 else np.minimum(labels, 1)).astype(np.uint8)


def fitted(phases, shows, shape, seed=0, image_edge=192):
    planes = np.concatenate([material(seed + i, (8, image_edge, image_edge), phases)[:1] for i in range(12)])
    image = stack(planes, phases)
    low = default_phases(len(shows))
    problem = Problem((4.0, 4.0, 4.0), low, default_phases(phases), PhaseMatch(shows))
    scan = LabelArray(np.zeros(shape, np.uint8), Grid(shape), low)
    said = []
    run = FitRun(None, 0, "cpu", Budget(), False, said.append)
    return Plurigaussian(PlurigaussianOptions()).fit(FusionInputs(scan, (image,) * 3, problem), run), image, said


def made(model, field, seed=0):
    region = Region.whole(field.shape)
    rng = np.random.default_rng(seed)
    noise = tuple(rng.standard_normal((1, *region.scaled(n.factor).shape), dtype=np.float32) for n in model.noise)
    return model.reconstruct(TileInput(region, region, field.shape, field, noise), probabilities=True)


def test_conforms_to_the_kit():
    assert_conforms("method", "plurigaussian")


@pytest.mark.parametrize(("phases", "shows"), [(2, ((0, 1),)), (3, ((0, 1, 2),))])
def test_what_the_scan_cannot_tell_has_the_images_statistics(phases, shows):
    """To three standard errors of three volumes of 128³, some 0.3 points each: Var = σ² Σ ρ / N."""
    model, image, said = fitted(phases, shows, (32, 32, 32))
    labels = np.concatenate([made(model, np.zeros((32, 32, 32), np.uint8), seed).labels for seed in range(3)])
    assert not said
    for phase in range(phases):
        wanted = two_point(image, [phase], 10)
        found = two_point(stack(labels, phases), [phase], 10)
        assert found[0][0] == pytest.approx(wanted[0][0], abs=0.008)
        for own, target in zip(found, wanted, strict=True):
            assert own == pytest.approx(target, abs=0.01)


def test_what_the_scan_tells_is_followed():
    model, _, _ = fitted(3, ((0,), (1, 2)), (12, 12, 12))
    field = np.zeros((12, 12, 12), np.uint8)
    field[:, 6:] = 1
    labels = made(model, field).labels
    assert (labels[:, :20] == 0).all()
    assert (labels[:, 28:] != 0).all()
    rest = labels[:, 28:]
    assert np.mean(rest == 2) == pytest.approx(model.shares[2] / model.shares[1:].sum(), abs=0.05)


def test_a_phase_that_no_scan_phase_shows_is_free_and_keeps_its_share():
    model, _, _ = fitted(3, ((0,), (1,)), (24, 24, 24))
    labels = made(model, np.zeros((24, 24, 24), np.uint8)).labels
    assert np.mean(labels == 2) == pytest.approx(model.shares[2], abs=0.03)


def test_the_label_is_the_most_probable_phase_and_directions_have_their_own_statistics():
    model, _, _ = fitted(3, ((0, 1, 2),), (8, 8, 8))
    output = made(model, np.zeros((8, 8, 8), np.uint8))
    assert np.array_equal(output.probabilities.argmax(0), output.labels)
    rows = (np.add.outer(np.arange(96) // 4, np.zeros(96, int)) % 2).astype(np.uint8)
    image = stack(rows[None], 2)
    problem = Problem((4.0, 4.0, 4.0), default_phases(1), default_phases(2), PhaseMatch(((0, 1),)))
    scan = LabelArray(np.zeros((8, 8, 8), np.uint8), Grid((8, 8, 8)), problem.low_phases)
    said = []
    run = FitRun(None, 0, "cpu", Budget(), False, said.append)
    model = Plurigaussian(PlurigaussianOptions(radius=6)).fit(FusionInputs(scan, (image,) * 3, problem), run)
    assert model.kernels.shape == (1, 13, 13, 13)


MASKED = LabelArray(np.zeros((1, 8, 8), np.uint8), Grid((1, 8, 8)), default_phases(2), True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low_res": None}, "needs a scan"),
        ({"images": (stack(np.zeros((1, 32, 32), np.uint8), 2),) * 3}, "each with some pixels"),
        (
            {"images": (LabelArray(np.zeros((1, 8, 8), np.uint8), Grid((1, 8, 8)), default_phases(2), True),) * 3},
            "crop",
        ),
    ],
)
def test_what_it_cannot_do_is_one_sentence(change, words):
    problem = Problem((4.0, 4.0, 4.0), default_phases(2), default_phases(2), PhaseMatch(((0,), (1,))))
    given = {"low_res": blobs((8, 8, 8), 2), "images": (blobs((1, 32, 32), 2, seed=1),) * 3} | change
    run = FitRun(None, 0, "cpu", Budget(), False, lambda event: None)
    with pytest.raises(UserError, match=words):
        Plurigaussian(PlurigaussianOptions()).fit(FusionInputs(given["low_res"], given["images"], problem), run)


def test_a_covariance_that_no_field_has_is_noted():
    checks = (np.indices((96, 96)).sum(0) % 2).astype(np.uint8)[None]
    problem = Problem((4.0, 4.0, 4.0), default_phases(1), default_phases(2), PhaseMatch(((0, 1),)))
    scan = LabelArray(np.zeros((8, 8, 8), np.uint8), Grid((8, 8, 8)), problem.low_phases)
    said = []
    run = FitRun(None, 0, "cpu", Budget(), False, said.append)
    Plurigaussian(PlurigaussianOptions(radius=6)).fit(FusionInputs(scan, (stack(checks, 2),) * 3, problem), run)
    assert [type(event) for event in said] == [Note]
    assert "of no Gaussian field" in said[0].text


def test_arrays_of_another_model_are_refused():
    model, _, _ = fitted(3, ((0, 1, 2),), (8, 8, 8), image_edge=64)
    method = Plurigaussian(PlurigaussianOptions())
    again = method.restore(model.problem, model.state())
    field = np.zeros((6, 6, 6), np.uint8)
    assert np.array_equal(made(again, field).labels, made(model, field).labels)
    for name in model.state():
        with pytest.raises(UserError, match="not those of the method"):
            method.restore(model.problem, {k: v for k, v in model.state().items() if k != name})
