"""What a model counts next to its labels lies whole in the output, however it was stored, cut or broken off."""

import numpy as np
import pytest
import zarr

from mesofuse.interfaces.method import TileInput
from mesofuse.registry import get_registry
from mesofuse.streaming import run
from mesofuse.streaming.noise import draw_noise
from mesofuse.streaming.projection import ProjectedModel
from mesofuse.streaming.run import GenerateOptions, generate
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Region
from mesofuse.volumes.store.labels import LabelVolume

LOW = blobs((13, 9, 11), 2, seed=4)
NAMES = ("projection/moved", "projection/violated")


@pytest.fixture(scope="module", params=[4.0, 2.5], ids=str)
def model(request, tiny_model):
    """Scale 4: a scan voxel sees its own voxels alone. Scale 2.5: it sees its neighbours' too."""
    made, _ = tiny_model(request.param)
    made.tile = (4, 4, 4)
    return ProjectedModel(made, get_registry().find("degradation", "blur-downsample").build(None, made.problem))


def make(model, path, **options):
    options = {"seed": 5, "chunks": (16, 16, 16), "workers": 1, "levels": False, **options}
    volume = generate(model, LOW, LOW.grid, str(path), GenerateOptions(**options))
    group = zarr.open_group(str(path), mode="r")
    return volume.read(volume.grid.region), {n: group[n][...] for n in NAMES}, volume.provenance["totals"], group


@pytest.fixture(scope="module")
def reference(model, tmp_path_factory):
    return make(model, tmp_path_factory.mktemp("reference") / "a.zarr")


def same(made, reference):
    np.testing.assert_array_equal(made[0], reference[0])
    for name in NAMES:
        np.testing.assert_array_equal(made[1][name], reference[1][name])
    assert made[2] == reference[2]


def test_counts_are_of_the_voxels_that_moved(model, reference, tmp_path):
    labels, counts, totals, group = reference
    region = LOW.grid.region
    noise = tuple(draw_noise(s, 5, region.scaled(s.factor)) for s in model.noise)
    whole = model.reconstruct(TileInput(region, region, region.shape, LOW.array, noise))
    assert (labels != whole.labels).mean() < 1e-3  # near ties of the network's probabilities alone
    for name in NAMES:
        assert counts[name].shape == LOW.grid.shape
        assert totals[name] == counts[name].sum()
        assert (counts[name] != whole.extra[name]).mean() < 0.02
        assert group[name].chunks == model.tile
        assert group[name].attrs["voxel_size"] == [0.5, 0.5, 0.5]
        assert group[name].attrs["description"]
    assert totals["projection/moved"] > 0
    assert np.isin(counts["projection/violated"], (0, 1)).all()


@pytest.mark.parametrize(
    "options",
    [{"chunks": (8, 8, 8)}, {"chunks": (10, 10, 10), "workers": 3}, {"chunks": (8, 8, 8), "shards": (16, 16, 16)}],
    ids=str,
)  # fmt: skip
def test_storage_and_workers_change_nothing(model, reference, tmp_path, options):
    same(make(model, tmp_path / "a.zarr", **options), reference)


def test_a_region_has_the_counts_of_its_tiles(model, reference, tmp_path):
    output = Region.whole(reference[0].shape)
    region = Region((12, 3, 17), tuple(n - 1 for n in output.stop))
    labels, counts, _, group = make(model, tmp_path / "a.zarr", region=region)
    np.testing.assert_array_equal(labels, reference[0][region.slices])
    for name in NAMES:
        start = group[name].attrs["low_res_start"]
        assert all(a % 4 == 0 for a in start)
        assert start[2] > 0
        part = Region(tuple(start), tuple(a + n for a, n in zip(start, counts[name].shape, strict=True)))
        assert part.stop == LOW.grid.shape
        np.testing.assert_array_equal(counts[name], reference[1][name][part.slices])


@pytest.mark.parametrize("chunk", [16, 10])
def test_a_resumed_run_has_the_same_counts(model, reference, tmp_path, monkeypatch, chunk):
    original, calls = run.compute_output, []

    def breaking(*args, **kwargs):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(run, "compute_output", breaking)
    with pytest.raises(KeyboardInterrupt):
        make(model, tmp_path / "a.zarr", chunks=(chunk,) * 3)
    assert not LabelVolume.open(tmp_path / "a.zarr").complete
    same(make(model, tmp_path / "a.zarr", chunks=(chunk,) * 3, resume=True), reference)


def test_a_finished_volume_may_be_replaced(model, tmp_path):
    make(model, tmp_path / "a.zarr")
    make(model, tmp_path / "a.zarr", overwrite=True)


def test_a_model_that_counts_nothing_leaves_nothing(tiny_model, tmp_path):
    made, _ = tiny_model()
    generate(made, LOW, LOW.grid, str(tmp_path / "a.zarr"), GenerateOptions(levels=False))
    assert "projection" not in zarr.open_group(str(tmp_path / "a.zarr"), mode="r")
