import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.preflight.autocovariance import (
    BLOCK,
    BLOCKS,
    PIXELS,
    TILE,
    fraction,
    halved,
    image_pieces,
    indicator,
    line_covariance,
    shell_covariance,
    volume_pieces,
)  # fmt: skip
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases


class Endless:
    """A volume too large for any memory, which counts what is read of it."""

    phases = default_phases(2)

    def __init__(self, shape):
        self.grid, self.read_voxels, self.largest = Grid(shape), 0, 0

    def read(self, region):
        self.read_voxels += region.size
        self.largest = max(self.largest, region.size)
        return np.zeros(region.shape, np.uint8)


def labels(array):
    return LabelArray(array, Grid(array.shape), default_phases(2))


def test_a_small_volume_is_taken_whole():
    array = np.random.default_rng(0).integers(0, 2, (140, 30, 20), dtype=np.uint8)
    pieces = volume_pieces(labels(array))
    assert [p.shape for p in pieces] == [(70, 30, 20)] * 2
    assert np.array_equal(np.concatenate(pieces), array)
    assert np.array_equal(image_pieces(labels(array[:2]))[1], array[1])


def test_a_large_volume_is_sampled():
    volume = Endless((4096, 4096, 4096))
    assert len(volume_pieces(volume)) == BLOCKS
    assert volume.read_voxels == BLOCKS * BLOCK**3
    image = Endless((3, 16384, 16384))
    assert sum(p.size for p in image_pieces(image)) <= PIXELS
    assert image.largest == TILE**2


def test_fraction_and_indicator():
    piece = np.array([[0, 1], [2, 2]], np.uint8)
    assert fraction([piece, piece[:1]], [1, 2]) == pytest.approx(4 / 6)
    assert indicator(piece, [0, 2]).tolist() == [[1, 0], [1, 1]]
    assert fraction([piece], []) == 0


def test_halves_hold_every_voxel_once():
    piece = np.arange(7 * 5 * 4).reshape(7, 5, 4)
    parts = halved([piece])
    assert len(parts) == 8
    assert sorted(np.concatenate([p.ravel() for p in parts]).tolist()) == piece.ravel().tolist()
    assert len(halved([np.zeros((1, 4))])) == 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.integers(0, 1), st.integers(1, 12))
def test_line_covariance_is_the_mean_over_pairs(seed, axis, lags):
    rng = np.random.default_rng(seed)
    fields = [rng.integers(0, 2, (9, 7)).astype(np.float32), rng.integers(0, 2, (4, 8)).astype(np.float32)]
    curve = line_covariance(fields, 0.3, axis, lags)
    for lag, value in enumerate(curve):
        products = []
        for f in fields:
            g = np.moveaxis(f, axis, 0) - 0.3
            products += (g[: max(len(g) - lag, 0)] * g[lag:]).ravel().tolist()
        assert value == pytest.approx(np.mean(products), abs=1e-6)


def test_stripes_have_a_triangle_for_covariance():
    stripes = np.tile(np.repeat([0, 1], 8), 8)[None].repeat(64, 0).astype(np.float32)
    assert line_covariance([stripes], 0.5, 0, 10) == pytest.approx(np.full(11, 0.25))
    assert line_covariance([stripes], 0.5, 1, 16)[[0, 4, 8, 16]] == pytest.approx([0.25, 0, -0.25, 0.25], abs=0.02)


@pytest.mark.parametrize("shape", [(10, 8), (8, 6, 7)])
def test_shells_hold_every_lag_vector(shape):
    field = np.random.default_rng(1).integers(0, 2, shape).astype(np.float32)
    shells = shell_covariance([field], 0.4)
    reach = min(shape) // 2
    sums, vectors = np.zeros(reach + 1), np.zeros(reach + 1)
    for lag in np.ndindex(*(2 * reach + 1 for _ in shape)):
        lag = np.array(lag) - reach
        shell = round(float(np.linalg.norm(lag)))
        if shell > reach:
            continue
        one = field[tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(lag, shape, strict=True))]
        other = field[tuple(slice(max(0, d), n - max(0, -d)) for d, n in zip(lag, shape, strict=True))]
        sums[shell] += np.mean((one - 0.4) * (other - 0.4))
        vectors[shell] += 1
    assert shells.sums == pytest.approx(sums, abs=1e-4)
    assert shells.vectors.tolist() == vectors.tolist()
    assert shells.voxels == field.size
