import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.annealing_shares import with_shares
from mesofuse_statistical.annealing_targets import measure, stencil_of

from mesofuse.interfaces.method import FusionInputs
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases


def measured(labels, phases, radius=6, spacings=(1,), levels=1):
    image = LabelArray(labels, Grid(labels.shape), default_phases(phases))
    given = FusionInputs(blobs((4, 4, 4), 2), (image,) * 3, make_problem(2, phases, 4))
    return measure(given, radius, spacings, levels)


def blurred(seed, phases):
    """Labels that are like their neighbours more often than not."""
    labels = np.random.default_rng(seed).integers(0, phases, (2, 40, 40)).astype(np.uint8)
    copied = np.random.default_rng(seed + 1).random(labels.shape) < 0.5
    return np.where(copied, np.roll(labels, 1, 2), labels)


def marginals(pairs):
    upper = np.moveaxis(pairs, -1, -3)
    joint = (upper + np.swapaxes(upper, -1, -2)) / 2
    return joint.sum(-1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 50), st.integers(2, 4), st.data())
def test_all_targets_are_of_the_shares_that_are_asked_for(seed, phases, data):
    targets = measured(blurred(seed, phases), phases, spacings=(1, 2), levels=2)
    parts = np.array(data.draw(st.lists(st.floats(0.2, 1), min_size=phases, max_size=phases)))
    shares = parts / parts.sum()
    found = with_shares(targets, shares)
    assert marginals(found.pairs) == pytest.approx(np.broadcast_to(shares, marginals(found.pairs).shape), abs=1e-6)
    assert found.paths[..., 0] == pytest.approx(np.broadcast_to(shares, found.paths[..., 0].shape))
    stencil = stencil_of(phases)
    digits = np.arange(stencil.bins)[:, None] // phases ** np.arange(len(stencil.offsets)) % phases
    for table in found.patterns[0, 0]:
        assert table.sum() == pytest.approx(1, abs=1e-5)
        content = [(table @ (digits == phase)).sum() / len(stencil.offsets) for phase in range(phases)]
        assert content == pytest.approx(shares, abs=1e-5)


def test_odds_ratios_and_chord_lengths_stay():
    targets = measured(blurred(0, 2), 2)
    found = with_shares(targets, np.array([0.8, 0.2]))
    before, after = targets.pairs[0, 0], found.pairs[0, 0]
    assert after[0, 0] * after[1, 1] / after[0, 1] ** 2 == pytest.approx(
        before[0, 0] * before[1, 1] / before[0, 1] ** 2
    )
    assert found.paths[..., 3] / found.paths[..., 1] == pytest.approx(targets.paths[..., 3] / targets.paths[..., 1])


def test_a_phase_that_is_absent_is_in_no_target():
    targets = measured(blurred(0, 3), 3)
    found = with_shares(targets, np.array([0.6, 0.4, 0.0]))
    assert marginals(found.pairs)[0, 0] == pytest.approx(np.tile([0.6, 0.4, 0], (6, 1)), abs=1e-6)
    assert (found.paths[..., 2, :] == 0).all()
    stencil = stencil_of(3)
    digits = np.arange(stencil.bins)[:, None] // 3 ** np.arange(len(stencil.offsets)) % 3
    assert found.patterns[0, 0, 0][(digits == 2).any(1)].sum() == 0


def test_what_is_not_known_stays_so():
    targets = measured(blurred(0, 2)[:, :24, :24], 2, radius=16, spacings=(1, 8), levels=2)
    found = with_shares(targets, np.array([0.3, 0.7]))
    assert np.array_equal(np.isnan(targets.pairs[..., 0, 1, :]), np.isnan(found.pairs[..., 0, 1, :]))
    for before, after in ((targets.paths, found.paths), (targets.patterns, found.patterns)):
        assert np.array_equal(np.isnan(before), np.isnan(after))
