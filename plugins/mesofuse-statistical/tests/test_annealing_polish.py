import numpy as np
import pytest
from mesofuse_statistical.annealing_energy import OUTSIDE
from mesofuse_statistical.annealing_field import Weights, build, energy
from mesofuse_statistical.annealing_polish import core_field, polish
from mesofuse_statistical.annealing_scan import Scan
from mesofuse_statistical.annealing_shares import with_shares
from mesofuse_statistical.annealing_targets import measure

from mesofuse.interfaces.method import FusionInputs
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Region

SHAPE = (32, 28, 36)
CORE = Region((8, 4, 0), (24, 24, 28))
NOISE = np.random.default_rng(0).standard_normal((1, 8, 8, 8))


def targets(phases=2):
    image = blobs((6, 64, 64), phases, seed=5)
    return measure(FusionInputs(blobs((4, 4, 4), 2), (image,) * 3, make_problem(2, phases, 4)), 8, (1, 2), 1)


def speckled(phases=2):
    """Blobs of which every tenth voxel is any phase."""
    labels = blobs(SHAPE, phases, seed=1).array.copy()
    rng = np.random.default_rng(0)
    there = rng.random(SHAPE) < 0.1
    labels[there] = rng.integers(0, phases, there.sum())
    return labels


def left(labels, core=CORE):
    shares = np.bincount(labels[labels != OUTSIDE], minlength=2) / (labels != OUTSIDE).sum()
    return energy(core_field(labels, core, with_shares(targets(), shares), Weights()))


def test_the_core_comes_near_the_images_and_the_margin_stays():
    labels = speckled()
    kept = labels.copy()
    made = polish(labels, CORE, targets(), NOISE)
    assert np.array_equal(labels, kept)
    margin = np.ones(SHAPE, bool)
    margin[CORE.slices] = False
    assert np.array_equal(made[margin], labels[margin])
    assert np.array_equal(np.bincount(made.ravel()), np.bincount(labels.ravel()))
    before, after = left(labels), left(made)
    assert all(after[name] < 0.2 * before[name] for name in before)


def test_what_lies_around_the_core_alone_does_not_count():
    labels = speckled()
    inside = Region((9, 9, 9), (10, 10, 10))
    one = energy(core_field(labels, inside, targets(), Weights()))
    labels[25:, 25:] = 0  # too far away for any pair, path or pattern
    assert energy(core_field(labels, inside, targets(), Weights())) == one
    whole = Region.whole(SHAPE)
    field = build(labels, targets(), 0, Weights())
    assert energy(core_field(labels, whole, targets(), Weights())) == energy(field)


def test_what_is_as_wanted_is_hardly_changed():
    """A polished volume is polished: a second time it changes less than a fifth of the first."""
    labels = speckled()
    once = polish(labels, CORE, targets(), NOISE, acceptance=0.0, sweeps=40)
    twice = polish(once, CORE, targets(), NOISE, acceptance=0.0, sweeps=40)
    assert (twice != once).sum() < 0.2 * (once != labels).sum()


def test_it_is_a_function_of_its_arguments():
    made = [polish(speckled(), CORE, targets(), noise) for noise in (NOISE, NOISE, -NOISE)]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_what_the_scan_shows_stays_and_is_not_asked_for_where_it_is_not_shown():
    problem = make_problem(2, 3, 4)
    field = blobs((8, 7, 9), 2, seed=3).array
    labels = np.repeat(np.repeat(np.repeat(field, 4, 0), 4, 1), 4, 2)
    rng = np.random.default_rng(0)
    split = rng.random(SHAPE) < 0.5
    labels = np.where((labels == 1) & split, 2, labels).astype(np.uint8)
    labels[12:16, 12:16, 12:16] = 1 - field[3, 3, 3]  # wrong from the start
    scan = Scan(problem, Region.whole((8, 7, 9)), field)
    made = polish(labels, CORE, targets(3), NOISE, scan=scan, sweeps=10)
    blocks = made.reshape(8, 4, 7, 4, 9, 4).transpose(0, 2, 4, 1, 3, 5).reshape(8, 7, 9, -1)
    zeros = (blocks == 0).sum(-1)
    shown = np.where(field == 0, zeros >= 32, zeros <= 32)
    shown[3, 3, 3] = True
    assert shown.all()
    assert ((made == 0) != (labels == 0)).any()


@pytest.mark.parametrize("value", [0, OUTSIDE])
def test_there_is_nothing_to_do_in_one_phase_or_none(value):
    labels = np.full(SHAPE, value, np.uint8)
    assert np.array_equal(polish(labels, CORE, targets(), NOISE), labels)


def test_what_is_no_material_stays_so():
    labels = speckled()
    labels[10:14, 8:12, 5:15] = OUTSIDE
    made = polish(labels, CORE, targets(), NOISE)
    assert np.array_equal(made == OUTSIDE, labels == OUTSIDE)
    assert not np.array_equal(made, labels)
