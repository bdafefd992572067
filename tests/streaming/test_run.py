import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.interfaces.events import TileDone
from mesofuse.interfaces.method import TileInput
from mesofuse.streaming import run
from mesofuse.streaming.noise import draw_noise
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Region
from mesofuse.volumes.store.labels import LabelVolume

LOW = blobs((13, 9, 11), 2, seed=4)


@pytest.fixture(scope="module")
def model(tiny_model):
    made, _ = tiny_model()
    made.tile = (4, 4, 4)
    return made


def whole(model, low, seed=5):
    region = low.grid.region
    noise = tuple(draw_noise(s, seed, region.scaled(s.factor)) for s in model.noise)
    return model.reconstruct(TileInput(region, region, region.shape, low.array, noise), probabilities=True)


def make(model, path, low=LOW, **options):
    options = {"seed": 5, "chunks": (16, 16, 16), "workers": 1, "levels": False, **options}
    volume = generate(model, low, low.grid, str(path), GenerateOptions(**options))
    return volume.read(volume.grid.region)


@pytest.fixture(scope="module")
def reference(model, tmp_path_factory):
    return make(model, tmp_path_factory.mktemp("reference") / "a.zarr")


def test_equals_the_network_on_the_whole_volume(model, reference):
    """Every voxel whose two best probabilities differ by more than 1e-5 has the whole-volume label."""
    expected = whole(model, LOW)
    best = np.sort(expected.probabilities, axis=0)
    sure = best[-1] - best[-2] > 1e-5
    assert sure.mean() > 0.999
    np.testing.assert_array_equal(reference[sure], expected.labels[sure])
    assert len(np.unique(reference)) == 3


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (8, 8, 8)},
        {"chunks": (64, 64, 64)},
        {"chunks": (10, 10, 10)},
        {"chunks": (8, 8, 8), "shards": (16, 32, 16)},
        {"chunks": (10, 10, 10), "shards": (20, 20, 20)},
        {"workers": 3},
        {"chunks": (10, 10, 10), "workers": 3},
    ],
    ids=str,
)
def test_storage_and_workers_change_no_voxel(model, reference, tmp_path, options):
    np.testing.assert_array_equal(make(model, tmp_path / "a.zarr", **options), reference)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_region_is_a_part_of_the_whole(model, reference, tmp_path_factory, data):
    start = tuple(data.draw(st.integers(0, n - 1)) for n in reference.shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, reference.shape, strict=True))
    region = Region(start, stop)
    made = make(model, tmp_path_factory.mktemp("region") / "a.zarr", region=region)
    np.testing.assert_array_equal(made, reference[region.slices])


def test_region_knows_where_it_lies(model, tmp_path):
    region = Region((16, 0, 8), (32, 16, 24))
    volume = generate(model, LOW, LOW.grid, str(tmp_path / "a.zarr"), GenerateOptions(5, region, levels=False))
    fine = LOW.grid.refined(model.scale)
    assert volume.grid.origin == pytest.approx(
        [o + a * v for o, a, v in zip(fine.origin, region.start, fine.voxel_size, strict=True)]
    )
    assert volume.grid.voxel_size == pytest.approx([0.125] * 3)


@pytest.mark.parametrize("chunks", [(16, 16, 16), (10, 10, 10)])
def test_an_interrupted_run_resumes_to_the_same_voxels(model, reference, tmp_path, monkeypatch, chunks):
    """The run breaks off twice; the tiles that were done are not computed again."""
    path, computed = tmp_path / "a.zarr", []
    original = run.compute_output

    def breaking(model_, tile, *rest):
        if len(computed) in (7, 15):
            computed.append(None)
            raise RuntimeError("killed")
        computed.append(tile.index)
        return original(model_, tile, *rest)

    monkeypatch.setattr(run, "compute_output", breaking)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="killed"):
            make(model, path, chunks=chunks, resume=True)
        assert not LabelVolume.open(path).complete
    made = make(model, path, chunks=chunks, resume=True)
    np.testing.assert_array_equal(made, reference)
    tiles = [c for c in computed if c is not None]
    assert len(tiles) == len(set(tiles)) == 4 * 3 * 3
    assert LabelVolume.open(path).provenance["complete"] is True


def test_resume_refuses_another_job(model, tmp_path):
    make(model, tmp_path / "a.zarr")
    with pytest.raises(UserError, match="seed differ"):
        make(model, tmp_path / "a.zarr", seed=6, resume=True)
    with pytest.raises(UserError, match="chunks"):
        make(model, tmp_path / "a.zarr", chunks=(8, 8, 8), resume=True)


def test_an_existing_output_is_kept_unless_told(model, reference, tmp_path):
    make(model, tmp_path / "a.zarr")
    with pytest.raises(UserError, match="--overwrite"):
        make(model, tmp_path / "a.zarr", seed=6)
    np.testing.assert_array_equal(make(model, tmp_path / "a.zarr", resume=True), reference)
    assert (make(model, tmp_path / "a.zarr", seed=6, overwrite=True) != reference).any()


def test_non_integer_scale_tiles_agree_with_the_whole(tiny_model, tmp_path):
    made, _ = tiny_model((1.6, 2.0, 5.33))
    made.tile = (4, 5, 3)
    low = blobs((11, 9, 8), 2, seed=1)
    tiled = make(made, tmp_path / "a.zarr", low=low)
    expected = whole(made, low)
    best = np.sort(expected.probabilities, axis=0)
    sure = best[-1] - best[-2] > 1e-5
    np.testing.assert_array_equal(tiled[sure], expected.labels[sure])


def test_progress_counts_every_tile(model, tmp_path):
    events = []
    options = GenerateOptions(5, chunks=(16, 16, 16), levels=False)
    generate(model, LOW, LOW.grid, str(tmp_path / "a.zarr"), options, emit=events.append)
    done = [e for e in events if isinstance(e, TileDone)]
    assert [e.done for e in done] == list(range(1, 37))
    assert sum(e.voxels for e in done) == LOW.array.size * 64


def test_levels_are_added(model, reference, tmp_path):
    low = blobs((40, 9, 11), 2, seed=4)
    volume = generate(model, low, low.grid, str(tmp_path / "a.zarr"), GenerateOptions(5))
    assert len(volume.levels) == 2
    assert volume.provenance["complete"] is True
