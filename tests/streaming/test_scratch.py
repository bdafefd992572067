from pathlib import Path

import numpy as np
import pytest

from mesofuse.errors import UserError
from mesofuse.streaming.scratch import Scratch, scratch_path
from mesofuse.streaming.tiles import Tiling
from mesofuse.testing.problems import blobs
from mesofuse.volumes.grid import Region
from mesofuse.volumes.store.labels import LabelVolume

TILING = Tiling((7, 5, 6), (3, 2, 4), (1, 1, 1), (2.0, 1.6, 3.0))
LABELS = blobs(TILING.output.shape, 3)


@pytest.fixture
def volume(tmp_path):
    return LabelVolume.create(tmp_path / "a.zarr", LABELS.grid, LABELS.phases, chunks=8)


def filled(volume, job, resume=False):
    scratch = Scratch(volume, TILING, job, resume=resume)
    for tile in TILING.touching(TILING.output):
        if not scratch.has(tile):
            scratch.put(tile, LABELS.read(tile.output))
    return scratch


def test_what_is_put_in_by_tiles_comes_out_by_any_region(volume):
    scratch = filled(volume, {"seed": 1})
    rng = np.random.default_rng(0)
    for _ in range(20):
        start = [int(rng.integers(n)) for n in LABELS.grid.shape]
        stop = [int(rng.integers(a + 1, n + 1)) for a, n in zip(start, LABELS.grid.shape, strict=True)]
        region = Region(tuple(start), tuple(stop))
        np.testing.assert_array_equal(scratch.gather(region), LABELS.read(region))
    scratch.remove()
    assert [p.name for p in Path(volume.path).parent.iterdir()] == ["a.zarr"]


def test_tiles_are_taken_over_by_the_same_job_only(volume):
    filled(volume, {"seed": 1})
    first = next(TILING.touching(TILING.output))
    assert Scratch(volume, TILING, {"seed": 1}, resume=True).has(first)
    assert not Scratch(volume, TILING, {"seed": 2}, resume=True).has(first)
    filled(volume, {"seed": 2}, resume=True)
    assert not Scratch(volume, TILING, {"seed": 2}, resume=False).has(first)
    filled(volume, {"seed": 2})
    other = Tiling(TILING.shape, TILING.edge, (2, 2, 2), TILING.scale)
    assert not Scratch(volume, other, {"seed": 2}, resume=True).has(first)


def test_a_volume_of_the_users_is_not_taken_for_tiles(volume):
    mine = LabelVolume.create(scratch_path(volume.path), LABELS.grid, LABELS.phases)
    with pytest.raises(UserError, match="is in the way"):
        Scratch(volume, TILING, {"seed": 1}, resume=False)
    assert LabelVolume.open(mine.path).grid.shape == LABELS.grid.shape


def test_tiles_of_a_remote_output_lie_in_the_folder_for_temporary_files():
    a, b = scratch_path("s3://bucket/a.zarr"), scratch_path("s3://bucket/b.zarr")
    assert a != b
    assert "://" not in a
    assert scratch_path("x/a.zarr/") == "x/a.zarr.tiles.zarr"
