"""The projection: the scan is reproduced wherever it can be, with few changes, and tiles decide as the whole does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.evaluation.measure import measure
from mesofuse.evaluation.scan_reference import ScanReference
from mesofuse.interfaces.method import TileInput, TileOutput
from mesofuse.interfaces.problem import Problem
from mesofuse.registry import get_registry
from mesofuse.streaming.projection import ProjectedModel
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

SHAPE = (5, 4, 6)


class Random:
    """A model that knows nothing of the scan: probabilities by position, a halo of one voxel."""

    halo, tile, noise, can_tile = (1, 1, 1), (2, 3, 2), (), True

    def __init__(self, problem, shape=SHAPE, seed=0):
        self.problem, self.scale = problem, problem.scale
        fine = Region.whole(shape).scaled(problem.scale).shape
        field = np.random.default_rng(seed).random((len(problem.phases), *fine), dtype=np.float32) ** 3
        self.field = field / field.sum(0)

    def to(self, device):
        return self

    def reconstruct(self, tile, *, probabilities=False):
        assert tile.window == tile.core.grown(self.halo, tile.shape)
        made = self.field[:, *tile.core.scaled(self.scale).slices]
        return TileOutput(made.argmax(0).astype(np.uint8), made if probabilities else None)

    def tile_bytes(self, window):
        return 1000

    def state(self):
        return {}


def make_problem(scale, shows=((0, 2), (1,)), phases=3):
    return Problem(scale, default_phases(len(shows)), default_phases(phases), PhaseMatch(shows))


def instrument(problem, name="blur-downsample", **options):
    return get_registry().find("degradation", name).build(options or None, problem)


def scan_of(problem, shape=SHAPE, seed=1):
    return np.random.default_rng(seed).integers(0, len(problem.low_phases), shape, dtype=np.uint8)


def tile_of(model, scan, core):
    window = core.grown(model.halo, scan.shape)
    return TileInput(core, window, scan.shape, scan[window.slices], ())


def whole(model, scan):
    return model.reconstruct(tile_of(model, scan, Region.whole(scan.shape)))


def consistency(labels, scan, problem, degradation):
    volume = LabelArray(labels, Grid(labels.shape), problem.phases)
    low = LabelArray(scan, Grid(scan.shape), problem.low_phases)
    measured = measure(volume, ["low-res-consistency"], scan=ScanReference.of(problem, low, degradation))
    return {r.label: r.value for r in measured.results}["all"]


CASES = [
    ("blur-downsample", (3.0, 3.0, 3.0)),
    ("blur-downsample", (2.0, 4.0, 3.0)),
    ("blur-downsample", (1.0, 4.0, 4.0)),
    ("nearest", (2.5, 2.5, 2.5)),
    ("nearest", (3.0, 2.5, 4.0)),
    ("area-average", (2.0, 4.0, 3.0)),
]
MATCHES = [(((0, 2), (1,)), 3), (((0,), (1,)), 2), (((2,), (0,), (1,)), 3), (((0,), (3, 1), (2,)), 5)]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(CASES), st.sampled_from(MATCHES), st.integers(0, 1000))
def test_agreement_is_complete_where_each_voxel_sees_its_own_alone(case, match, seed):
    problem = make_problem(case[1], *match)
    degradation = instrument(problem, case[0])
    assert not any(degradation.halo)
    model, scan = Random(problem, seed=seed), scan_of(problem, seed=seed)
    made = whole(ProjectedModel(model, degradation), scan)
    assert consistency(made.labels, scan, problem, degradation) == 1.0
    before = whole(model, scan).labels
    assert made.extra["projection/moved"].sum() == (made.labels != before).sum() > 0
    assert not made.extra["projection/violated"].any()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([*CASES, ("blur-downsample", (2.5, 3.0, 1.6)), ("area-average", (2.5, 2.0, 2.0))]), st.data())
def test_a_tile_is_that_part_of_the_whole(case, data):
    problem = make_problem(case[1])
    model, scan = ProjectedModel(Random(problem), instrument(problem, case[0])), scan_of(problem)
    expected = whole(model, scan)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in SHAPE)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, SHAPE, strict=True))
    core = Region(start, stop)
    made = model.reconstruct(tile_of(model, scan, core))
    np.testing.assert_array_equal(made.labels, expected.labels[core.scaled(problem.scale).slices])
    for name, values in made.extra.items():
        np.testing.assert_array_equal(values, expected.extra[name][core.slices])


@pytest.mark.parametrize(("name", "scale"), [("blur-downsample", (2.5, 2.5, 2.5)), ("area-average", (1.6, 2.5, 3.0))])
def test_what_a_halo_leaves_is_counted_and_little(name, scale):
    problem = make_problem(scale)
    degradation = instrument(problem, name)
    assert any(degradation.halo)
    model, scan = Random(problem), scan_of(problem)
    made = whole(ProjectedModel(model, degradation), scan)
    left = 1 - made.extra["projection/violated"].mean()
    assert consistency(made.labels, scan, problem, degradation) == pytest.approx(left)
    before = consistency(whole(model, scan).labels, scan, problem, degradation)
    assert before < 0.7
    assert left > 0.95
    more = whole(ProjectedModel(model, degradation, rounds=8), scan)
    assert more.extra["projection/violated"].sum() <= made.extra["projection/violated"].sum()


def test_the_fewest_and_least_certain_voxels_move():
    """One wrong voxel of 3³ box-averaged ones: 14 of 27 must show the scan's phase, so the 14 cheapest change."""
    problem = make_problem((3.0, 3.0, 3.0), ((0,), (1,)), 2)
    model = Random(problem, (1, 1, 1))
    share = np.random.default_rng(3).uniform(0.6, 1, (3, 3, 3)).astype(np.float32)
    model.field = np.stack([share, 1 - share])
    scan = np.ones((1, 1, 1), np.uint8)
    made = whole(ProjectedModel(model, instrument(problem, "area-average")), scan)
    cheapest = np.argsort(share.ravel())[:14]
    expected = np.zeros(27, np.uint8)
    expected[cheapest] = 1
    np.testing.assert_array_equal(made.labels.ravel(), expected)
    assert made.extra["projection/moved"].item() == 14


def test_only_what_the_instrument_sees_moves():
    problem = make_problem((3.0, 3.0, 3.0), ((0,), (1,)), 2)
    model = Random(problem, (1, 1, 1))
    model.field = np.stack([np.full((3, 3, 3), 0.9, np.float32), np.full((3, 3, 3), 0.1, np.float32)])
    made = whole(ProjectedModel(model, instrument(problem, "nearest")), np.ones((1, 1, 1), np.uint8))
    assert made.labels.sum() == made.labels[1, 1, 1] == 1


def test_what_agrees_is_left_alone():
    problem = make_problem((4.0, 4.0, 4.0), ((0,), (1,)), 2)
    model, scan = Random(problem), scan_of(problem)
    fine = scan.repeat(4, 0).repeat(4, 1).repeat(4, 2)
    model.field = np.stack([1 - 0.8 * fine, 0.2 + 0.6 * fine]).astype(np.float32)
    made = whole(ProjectedModel(model, instrument(problem)), scan)
    np.testing.assert_array_equal(made.labels, fine)
    assert not made.extra["projection/moved"].any()


def test_free_and_unshown_phases_are_left():
    problem = make_problem((2.0, 2.0, 2.0), ((0, 2), (1,)))
    degradation, scan = instrument(problem), scan_of(problem)
    made = whole(ProjectedModel(Random(problem), degradation, free=(0,)), scan)
    assert not made.extra["projection/moved"][scan == 0].any()
    assert made.extra["projection/moved"][scan == 1].any()
    assert not made.extra["projection/violated"].any()
    assert consistency(made.labels, scan, problem, degradation) < 1

    class Blind(torch.nn.Module):
        """Shows a phase that no scan phase shows as its phase 1."""

        halo = (0, 0, 0)

        def forward(self, probabilities, region):
            means = torch.nn.functional.avg_pool3d(probabilities, 2)
            return torch.stack([means[:, 0], means[:, 2]], 1)

    unshown = make_problem((2.0, 2.0, 2.0), ((0,), ()), 3)
    made = whole(ProjectedModel(Random(unshown), Blind()), scan)
    assert not made.extra["projection/moved"][scan == 1].any()


def test_a_degradation_without_a_gradient_will_do():
    class Hard(torch.nn.Module):
        halo = (0, 0, 0)

        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, probabilities, region):
            seen = self.inner(probabilities, region)
            return torch.nn.functional.one_hot(seen.argmax(1), seen.shape[1]).movedim(-1, 1).float()

    problem = make_problem((2.0, 4.0, 3.0))
    degradation, scan = Hard(instrument(problem)), scan_of(problem)
    made = whole(ProjectedModel(Random(problem), degradation), scan)
    assert consistency(made.labels, scan, problem, degradation) == 1.0


def test_without_a_scan_there_is_nothing_to_project_on():
    model = Random(make_problem((2.0, 2.0, 2.0), ((0,), (1,)), 2))
    model.problem = Problem((1.0, 1.0, 1.0), (), default_phases(2), PhaseMatch(()))
    with pytest.raises(UserError, match="takes no scan"):
        ProjectedModel(model, None)
