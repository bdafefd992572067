import numpy as np

from mesofuse.volumes.formats.zarr import copy
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.summary import count_phases, summarise

STACK = np.random.default_rng(0).integers(0, 3, (9, 5, 7), dtype=np.uint8)
VOLUME = LabelArray(STACK, Grid(STACK.shape, (0.4, 0.5, 0.6), "micrometer"), default_phases(3))


def test_counts_add_up_over_any_cut():
    whole = np.bincount(STACK.ravel(), minlength=3)
    np.testing.assert_array_equal(count_phases(VOLUME), whole)
    np.testing.assert_array_equal(count_phases(VOLUME, list(VOLUME.grid.region.blocks((4, 2, 3)))), whole)


def test_a_volume_is_described(tmp_path):
    path = str(tmp_path / "v.zarr")
    volume = copy(VOLUME, path, 4, 8, {"seed": 7})
    volume.build_levels(2)
    about = summarise(path)
    assert about["shape"] == [9, 5, 7]
    assert about["extent"] == [3.6, 2.5, 4.2]
    assert (about["chunks"], about["shards"], about["levels"]) == ([4, 4, 4], [8, 8, 8], [[9, 5, 7], [5, 3, 4]])
    assert sum(p["fraction"] for p in about["phases"]) == 1
    assert [p["voxels"] for p in about["phases"]] == np.bincount(STACK.ravel()).tolist()
    assert about["bytes"] == volume.stored_bytes()
    assert (about["written"], about["provenance"]) == (1, {"seed": 7})


def test_fractions_of_an_unfinished_volume_are_of_what_is_written(tmp_path):
    volume = LabelVolume.create(tmp_path / "v.zarr", Grid((4, 4, 8)), default_phases(2), chunks=4)
    assert [p["voxels"] for p in summarise(volume.path)["phases"]] == [0, 0]
    volume.write(Region((0, 0, 0), (4, 4, 4)), np.ones((4, 4, 4), np.uint8))
    about = summarise(volume.path)
    assert (about["written"], [p["fraction"] for p in about["phases"]]) == (0.5, [0, 1])


def test_a_grey_level_image_is_described_with_the_reason(tmp_path):
    np.save(tmp_path / "a.npy", np.linspace(0, 1, 60).reshape(3, 4, 5))
    about = summarise(str(tmp_path / "a.npy"))
    assert (about["shape"], about["type"], about["range"]) == ([3, 4, 5], "float64", [0.0, 1.0])
    assert "segment it" in about["problem"]
    np.save(tmp_path / "b.npy", STACK * 50)
    assert summarise(str(tmp_path / "b.npy"))["mapped"] == "0→0, 50→1, 100→2"
