import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesofuse_statistical.interpolation import Interpolation, InterpolationModel
from mesofuse_statistical.options import InterpolationOptions
from scipy.ndimage import map_coordinates

from mesofuse.errors import UserError
from mesofuse.interfaces.method import Budget, FitRun, FusionInputs, TileInput
from mesofuse.interfaces.problem import Problem
from mesofuse.testing import assert_conforms
from mesofuse.volumes.grid import Grid, Region, Scale, Triple
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import PhaseMatch, default_phases

SHOWS = ((0, 2), (1,))


def model(scale: Scale, becomes: tuple[int, ...] = (0, 1)) -> InterpolationModel:
    low = default_phases(len(becomes))
    problem = Problem(scale, low, default_phases(3), PhaseMatch(SHOWS[: len(becomes)]))
    return InterpolationModel(problem, np.array(becomes, np.uint8))


def whole(made: InterpolationModel, field: np.ndarray, core: Region | None = None) -> np.ndarray:
    shape: Triple = field.shape  # type: ignore[assignment]
    core = core or Region.whole(shape)
    window = core.grown(made.halo, shape)
    out = made.reconstruct(TileInput(core, window, shape, field[window.slices], ()), probabilities=True)
    assert out.probabilities is not None
    return np.concatenate([out.labels[None].astype(np.float32), out.probabilities])


def line(values: list[int]) -> np.ndarray:
    return np.array(values, np.uint8).reshape(1, 1, -1)


def test_conforms_to_the_kit() -> None:
    assert_conforms("method", "interpolation")


def test_shares_by_hand_at_scale_4() -> None:
    # Centres of the output voxels lie at -3/8, -1/8, 1/8, 3/8, 5/8 ... of the low-resolution voxels' distance.
    labels, _, share, _ = whole(model((1.0, 1.0, 4.0)), line([0, 1]))[:, 0, 0]
    assert share.tolist() == [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_scale_1_gives_the_scan_itself() -> None:
    field = np.random.default_rng(0).integers(0, 2, (5, 4, 6)).astype(np.uint8)
    assert np.array_equal(whole(model((1.0, 1.0, 1.0)), field)[0], field)


@pytest.mark.parametrize("scale", [(4.0, 4.0, 4.0), (2.5, 1.7, 3.0), (1.0, 8.0, 1.25)])
def test_equals_scipy(scale: Scale) -> None:
    field = np.random.default_rng(1).integers(0, 2, (5, 4, 6)).astype(np.uint8)
    shape = Region.whole(field.shape).scaled(scale).shape
    at = np.meshgrid(*[(np.arange(n) + 0.5) / s - 0.5 for n, s in zip(shape, scale, strict=True)], indexing="ij")
    expected = map_coordinates(field.astype(float), at, order=1, mode="nearest")
    made = whole(model(scale), field)
    np.testing.assert_allclose(made[2], expected, atol=1e-6)
    clear = abs(expected - 0.5) > 1e-6
    assert np.array_equal(made[0][clear], (expected > 0.5)[clear])


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_tile_equals_the_whole_bit_for_bit(data: st.DataObject) -> None:
    scale = data.draw(st.tuples(*[st.floats(1, 9).map(lambda s: round(s, 2))] * 3))
    shape = data.draw(st.tuples(*[st.integers(1, 6)] * 3))
    start = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    core = Region(start, tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, shape, strict=True)))
    field = np.random.default_rng(2).integers(0, 2, shape).astype(np.uint8)
    made = model(scale)
    assert np.array_equal(whole(made, field, core), whole(made, field)[:, *core.scaled(scale).slices])


def test_halo_of_one_is_needed() -> None:
    made, shape = model((4.0, 4.0, 4.0)), (4, 4, 4)
    field = np.zeros(shape, np.uint8)
    near, far = field.copy(), field.copy()
    near[1, 1, 1], far[:, :, 3] = 1, 1
    core = Region((2, 1, 1), (3, 2, 2))
    before = whole(made, field, core)
    assert not np.array_equal(whole(made, near, core), before)
    core = Region((1, 1, 1), (2, 2, 2))
    assert np.array_equal(whole(made, far, core), whole(made, field, core))


@pytest.mark.parametrize(("first", "expected"), [(0, 0), (2, 2)])
def test_a_phase_becomes_the_commonest_that_it_shows(first: int, expected: int, tmp_path: Path) -> None:
    stack = np.array([[[first, first, 1, 1, 1, 1, 2 - first, 1]]], np.uint8)
    image = LabelArray(stack, Grid((1, 1, 8)), default_phases(3))
    problem = Problem((2.0,) * 3, default_phases(2), default_phases(3), PhaseMatch(SHOWS))
    low = LabelArray(np.zeros((2, 2, 2), np.uint8), Grid((2, 2, 2)), problem.low_phases)
    run = FitRun(tmp_path, 0, "cpu", Budget(), False, lambda event: None)
    method = Interpolation(InterpolationOptions())
    fitted = method.fit(FusionInputs(low, (image, image, image), problem), run)
    assert fitted.state()["becomes"].tolist() == [expected, 1]
    again = method.restore(problem, fitted.state())
    field = np.random.default_rng(0).integers(0, 2, (3, 3, 3)).astype(np.uint8)
    assert np.array_equal(whole(again, field), whole(fitted, field))
    assert set(np.unique(whole(again, field)[0])) == {expected, 1}


def test_no_scan_is_refused(tmp_path: Path) -> None:
    image = LabelArray(np.zeros((1, 4, 4), np.uint8), Grid((1, 4, 4)), default_phases(2))
    problem = Problem((1.0,) * 3, (), default_phases(2), PhaseMatch(()))
    run = FitRun(tmp_path, 0, "cpu", Budget(), False, lambda event: None)
    with pytest.raises(UserError, match="needs a scan"):
        Interpolation(InterpolationOptions()).fit(FusionInputs(None, (image, image, image), problem), run)


@pytest.mark.parametrize(
    "state", [{}, {"becomes": np.array([0], np.uint8)}, {"becomes": np.array([0, 7], np.uint8)}, {"becomes": np.eye(2)}]
)
def test_a_wrong_state_is_refused(state: dict[str, np.ndarray]) -> None:
    problem = Problem((2.0,) * 3, default_phases(2), default_phases(3), PhaseMatch(SHOWS))
    with pytest.raises(UserError, match="not those of the method"):
        Interpolation(InterpolationOptions()).restore(problem, state)


def test_tile_bytes_is_near_the_peak() -> None:
    made, shape = model((4.0, 4.0, 4.0)), (16, 16, 16)
    tile = TileInput(Region.whole(shape), Region.whole(shape), shape, np.ones(shape, np.uint8), ())
    tracemalloc.start()
    made.reconstruct(tile)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.6 * peak < made.tile_bytes(shape) - 2**20 < 1.5 * peak


def test_tiles_shrink_with_the_scale() -> None:
    assert model((1.0, 4.0, 16.0)).tile == (32, 32, 8)
    assert model((500.0, 500.0, 500.0)).tile == (1, 1, 1)
