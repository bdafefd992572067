"""Volumes whose end continues into their start, and volumes without a scan, whose noise has no end."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.interfaces.method import TileInput, TileOutput
from mesofuse.interfaces.noise import NoiseSpec
from mesofuse.streaming import run
from mesofuse.streaming.compute import compute_tile, tile_input
from mesofuse.streaming.noise import draw_noise
from mesofuse.streaming.periodic import check_size, periods, read_wrapped
from mesofuse.streaming.plan import make_plan
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.streaming.tiles import Tiling
from mesofuse.testing.problems import blobs, make_problem
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.store.labels import LabelVolume


class Stub:
    """Labels are the sign of a sum over the halo of field and coarse noise, repeated, plus fine noise."""

    can_tile = True
    device = "cpu"

    def __init__(self, low=2, halo=(2, 1, 1), tile=(3, 2, 4), scale=2.0):
        self.problem, self.scale, self.halo, self.tile = make_problem(low, 2, scale), (scale,) * 3, halo, tile
        self.noise = (NoiseSpec("input", 1), NoiseSpec("fine", 1, self.scale))

    def to(self, device):
        return self

    def tile_bytes(self, window):
        return int(np.prod(window)) * 100

    def reconstruct(self, tile, *, probabilities=False):
        values = np.round(tile.noise[0][0] * 1000).astype(np.int64)  # whole numbers: the order of a sum is no matter
        if tile.field is not None:
            values += 2000 * tile.field.astype(np.int64) - 1000
        for axis, h in enumerate(self.halo):
            padded = np.pad(values, [(h, h) if a == axis else (0, 0) for a in range(3)])
            values = sum(np.roll(padded, s, axis) for s in range(-h, h + 1)).take(
                range(h, padded.shape[axis] - h), axis
            )
        values = values[tile.core.within(tile.window)]
        for axis, s in enumerate(self.scale):
            values = values.repeat(int(s), axis)
        fine = tile.noise[1][0][tile.core.scaled(self.scale).within(tile.window.scaled(self.scale))]
        return TileOutput((values + np.round(fine * 1000) > 0).astype(np.uint8))


LOW = blobs((7, 5, 9), 2, seed=3)


def make(model, path, low=LOW, shape=None, **options):
    options = {"seed": 5, "chunks": (8, 8, 8), "workers": 1, "levels": False, **options}
    grid = low.grid if low else Grid(shape)
    volume = generate(model, low, grid, str(path), GenerateOptions(**options))
    return volume.read(volume.grid.region)


def whole(model, low, shape, periodic="", seed=5):
    """Make the volume at once, from arrays put together in the plainest way."""
    region = Region.whole(shape)
    wide = Tiling.of(model, shape, periodic)
    window = Tiling(shape, shape, wide.halo, wide.scale, periodic, wide.endless).tile((0, 0, 0)).window

    def wrapped(source, window, period):
        axes = [np.arange(a, b) % p if p else np.arange(a, b) - a0 for a, b, p, a0 in zip(
            window.start, window.stop, period, origin, strict=True)]  # fmt: skip
        return source[np.ix_(*axes)]

    noise = []
    for spec in model.noise:
        fine, period = window.scaled(spec.factor), periods(shape, spec.factor, periodic)
        start = tuple(0 if p else a for a, p in zip(fine.start, period, strict=True))
        stop = tuple(p or b for b, p in zip(fine.stop, period, strict=True))
        origin = start
        noise.append(wrapped(draw_noise(spec, seed, Region(start, stop))[0], fine, period)[None])
    field, origin = None, (0, 0, 0)
    if low is not None:
        field = wrapped(low.array, window, periods(shape, (1.0,) * 3, periodic))
    return model.reconstruct(TileInput(region, window, shape, field, tuple(noise))).labels


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_wrapped_reading_equals_a_volume_repeated(data):
    """Also where the window is larger than the volume, and several times around."""
    shape = tuple(data.draw(st.integers(1, 6)) for _ in range(3))
    array = np.random.default_rng(0).integers(0, 255, (2, *shape))
    period = tuple(data.draw(st.sampled_from([None, n])) for n in shape)
    start = tuple(
        data.draw(st.integers(-9, 9) if p else st.integers(0, n - 1)) for n, p in zip(shape, period, strict=True)
    )
    stop = tuple(
        data.draw(st.integers(a + 1, a + 20) if p else st.integers(a + 1, n))
        for a, n, p in zip(start, shape, period, strict=True)
    )  # fmt: skip

    def read(region):
        assert all(0 <= a < b <= n for a, b, n in zip(region.start, region.stop, shape, strict=True))
        return array[(slice(None), *region.slices)]

    made = read_wrapped(read, Region(start, stop), period)
    expected = array[np.ix_(range(2), *(np.arange(a, b) % n for a, b, n in zip(start, stop, shape, strict=True)))]
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("periodic", ["", "z", "yx", "zyx"])
@pytest.mark.parametrize("low", [LOW, None], ids=["scan", "no-scan"])
@pytest.mark.parametrize("halo", [(2, 1, 1), (9, 1, 12)], ids=str)
def test_tiles_equal_the_whole(tmp_path, periodic, low, halo):
    model = Stub(2 if low else 0, halo)
    expected = whole(model, low, LOW.grid.shape, periodic)
    assert 0.1 < expected.mean() < 0.9
    for i, chunks in enumerate([(8, 8, 8), (5, 6, 7)]):
        made = make(model, tmp_path / f"{i}.zarr", low, LOW.grid.shape, periodic=periodic, chunks=chunks)
        np.testing.assert_array_equal(made, expected)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_periodic_result_is_another_at_its_ends_alone(tmp_path):
    free = make(Stub(), tmp_path / "a.zarr")
    ring = make(Stub(), tmp_path / "b.zarr", periodic="z")
    halo = 2 * Stub().halo[0]
    assert (free[:halo] != ring[:halo]).any()
    assert (free[-halo:] != ring[-halo:]).any()
    np.testing.assert_array_equal(free[halo:-halo], ring[halo:-halo])


@settings(max_examples=12, deadline=None)
@given(st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 8)), st.sampled_from(["z", "yx", "zyx"]))
def test_a_rolled_scan_and_rolled_noise_give_the_rolled_result(tmp_path_factory, by, periodic):
    """No place of a periodic axis is special: tiles elsewhere give the same voxels."""
    by = tuple(b if a in periodic else 0 for b, a in zip(by, "zyx", strict=True))
    folder = tmp_path_factory.mktemp("roll")
    straight = make(Stub(), folder / "a.zarr", periodic=periodic)
    rolled = LabelArray(np.roll(LOW.array, by, (0, 1, 2)), LOW.grid, LOW.phases)

    def rolled_noise(spec, seed, region):
        fine = Region.whole(LOW.grid.shape).scaled(spec.factor)
        drawn = draw_noise(spec, seed, fine)
        return np.roll(drawn, [round(b * f) for b, f in zip(by, spec.factor, strict=True)], (1, 2, 3))[
            (slice(None), *region.slices)
        ]

    with patch("mesofuse.streaming.compute.draw_noise", rolled_noise):
        made = make(Stub(), folder / "b.zarr", rolled, periodic=periodic)
    np.testing.assert_array_equal(made, np.roll(straight, [2 * b for b in by], (0, 1, 2)))


@pytest.mark.parametrize("low", [LOW, None], ids=["scan", "no-scan"])
def test_the_left_face_continues_the_right(low):
    """A tile at the end sees what the same place sees in the middle of the volume repeated three times."""
    model, shape = Stub(2 if low else 0), LOW.grid.shape
    tiling = Tiling.of(model, shape, "zyx")
    for tile in tiling.touching(tiling.output):
        gathered = tile_input(model, tile, shape, low, 5, "zyx")
        middle = tile.window.shifted([2 * n for n in shape])
        for spec, noise in zip(model.noise, gathered.noise, strict=True):
            drawn = np.tile(draw_noise(spec, 5, Region.whole(shape).scaled(spec.factor)), (1, 5, 5, 5))
            np.testing.assert_array_equal(noise, drawn[(slice(None), *middle.scaled(spec.factor).slices)])
        if low:
            np.testing.assert_array_equal(gathered.field, np.tile(low.array, (5, 5, 5))[middle.slices])


def test_noise_alone_has_no_end():
    """A larger volume of the same seed holds the smaller one, its border tiles included."""
    model = Stub(0)
    small, large = Tiling.of(model, (6, 4, 8)), Tiling.of(model, (12, 12, 12))
    for tile in small.touching(small.output):
        assert tile.window == tile.core.grown(model.halo)
        same = compute_tile(model, tile, small.shape, None, 5)
        np.testing.assert_array_equal(same, compute_tile(model, large.tile(tile.index), large.shape, None, 5))


def test_noise_before_the_origin_is_that_of_the_whole():
    spec, region = NoiseSpec("input", 2), Region((-20, -3, -40), (5, 18, 2))
    drawn = draw_noise(spec, 3, region)
    part = Region((-17, -1, -33), (-15, 3, 1))
    np.testing.assert_array_equal(draw_noise(spec, 3, part), drawn[(slice(None), *part.within(region))])
    np.testing.assert_array_equal(
        draw_noise(spec, 3, Region((0, 0, 0), (5, 18, 2))), drawn[:, 20:, 3:, 40:]
    )  # fmt: skip
    before, after = drawn[0, :20], draw_noise(spec, 3, region.shifted((20, 0, 0)))[0, :20]
    assert abs(np.corrcoef(before.ravel(), after.ravel())[0, 1]) < 0.05


def test_regions_workers_and_resume_change_no_voxel(tmp_path, monkeypatch):
    reference = make(Stub(), tmp_path / "a.zarr", periodic="zx")
    region = Region((3, 0, 11), (14, 7, 18))
    part = make(Stub(), tmp_path / "b.zarr", periodic="zx", region=region, workers=3)
    np.testing.assert_array_equal(part, reference[region.slices])
    original, done = run.compute_output, []

    def breaking(*args):
        if len(done) == 8:
            done.append(None)
            raise RuntimeError("killed")
        done.append(None)
        return original(*args)

    monkeypatch.setattr(run, "compute_output", breaking)
    with pytest.raises(RuntimeError):
        make(Stub(), tmp_path / "c.zarr", periodic="zx", resume=True)
    np.testing.assert_array_equal(make(Stub(), tmp_path / "c.zarr", periodic="zx", resume=True), reference)
    for other in ("z", ""):
        with pytest.raises(UserError, match="periodic differ"):
            make(Stub(), tmp_path / "c.zarr", periodic=other, resume=True)


def test_volumes_of_before_there_were_periodic_axes_are_gone_on_with(tmp_path):
    before = make(Stub(), tmp_path / "a.zarr")
    volume = LabelVolume.open(tmp_path / "a.zarr", mode="r+")
    volume.set_provenance({k: v for k, v in volume.provenance.items() if k != "periodic"})
    np.testing.assert_array_equal(make(Stub(), tmp_path / "a.zarr", resume=True), before)


def test_the_network_of_a_trained_model_may_be_periodic(tiny_model, tmp_path):
    """Rolled by whole tiles, so that every voxel is computed in a window of the same shape: bit for bit the same."""
    model, _ = tiny_model()
    model.tile = (4, 4, 4)
    low = blobs((8, 8, 8), 2, seed=4)
    straight = make(model, tmp_path / "a.zarr", low, periodic="zyx")
    rolled = LabelArray(np.roll(low.array, 4, 2), low.grid, low.phases)

    def rolled_noise(spec, seed, region):
        drawn = draw_noise(spec, seed, low.grid.region.scaled(spec.factor))
        return np.roll(drawn, round(4 * spec.factor[2]), 3)[(slice(None), *region.slices)]

    with patch("mesofuse.streaming.compute.draw_noise", rolled_noise):
        made = make(model, tmp_path / "b.zarr", rolled, periodic="zyx")
    np.testing.assert_array_equal(made, np.roll(straight, 16, 2))
    assert (make(model, tmp_path / "c.zarr", low) != straight).any()


def test_what_cannot_be_periodic_is_refused_before_anything_is_written(tiny_model, tmp_path):
    uneven, _ = tiny_model((1.6, 2.0, 5.33))
    low = blobs((11, 10, 9), 2)
    with pytest.raises(
        UserError, match=r"11 voxels times the scale factor 1\.6 are 17\.6, .*cut the volume to 10 voxels along z"
    ):
        make(uneven, tmp_path / "a.zarr", low, periodic="z")
    with pytest.raises(UserError, match="leave x out of --periodic"):
        make_plan(uneven, low, low.grid.shape, periodic="x")
    model = Stub()
    model.noise = (*model.noise, NoiseSpec("half", 1, (1.5, 1.0, 1.0)))
    with pytest.raises(UserError, match="the noise 'half'"):
        Tiling.of(model, (7, 5, 9), "z")
    Tiling.of(model, (8, 5, 9), "z")
    model.can_tile = False
    with pytest.raises(UserError, match="whole volumes only"):
        make(model, tmp_path / "a.zarr", periodic="y")
    assert not list(tmp_path.iterdir())


def test_sizes_of_periodic_axes():
    check_size((64, 50, 96), (32.0, 32.0, 32.0), "zx")
    with pytest.raises(UserError, match="give --size 32 or 64 for y"):
        check_size((64, 50, 96), (32.0, 32.0, 32.0), "y")
    with pytest.raises(UserError, match="give --size 32 for y"):
        check_size((64, 5, 96), (32.0, 32.0, 32.0), "y")
    with pytest.raises(UserError, match="give --size 15 or 20 for z"):
        check_size((16, 5, 96), (2.5, 2.5, 2.5), "z")
