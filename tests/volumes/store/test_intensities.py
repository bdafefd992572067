import json
import pickle

import numpy as np
import pytest
from yaozarrs import validate_ome_object

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.intensities import IntensityVolume
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.levels import mean_of_blocks
from mesofuse.volumes.store.opening import content_at, open_volume

GRID = Grid((20, 17, 18), (0.5, 0.4, 0.3), "micrometer", (1.0, 2.0, 3.0))
CHANNELS = {"grey": (), "colour": (3,)}


def filled(path, content, **options):
    volume = IntensityVolume.create_intensities(path, GRID, content, chunks=8, **options)
    values = np.random.default_rng(0).integers(0, 256, (*CHANNELS[content], *GRID.shape)).astype(np.uint8)
    for unit in GRID.region.blocks(volume.write_unit):
        volume.write(unit, np.ascontiguousarray(values[(..., *unit.slices)]))
    return volume, values


@pytest.mark.parametrize("content", CHANNELS)
@pytest.mark.parametrize("shards", [None, 16])
def test_what_is_written_is_read_by_region_and_from_another_process(tmp_path, content, shards):
    _, values = filled(tmp_path / "a.zarr", content, shards=shards)
    volume = pickle.loads(pickle.dumps(open_volume(tmp_path / "a.zarr")))
    assert isinstance(volume, IntensityVolume)
    assert (volume.content, volume.phases, volume.grid, volume.chunks) == (content, (), GRID, (8, 8, 8))
    region = Region((3, 0, 5), (19, 17, 9))
    assert np.array_equal(volume.read(region), values[(..., *region.slices)])
    assert volume.complete


@pytest.mark.parametrize("content", CHANNELS)
def test_a_block_that_was_never_written_is_missing(tmp_path, content):
    volume = IntensityVolume.create_intensities(tmp_path / "a.zarr", GRID, content, chunks=16)
    unit = Region((0, 0, 0), (16, 16, 16))
    volume.write(unit, np.zeros((*CHANNELS[content], 16, 16, 16), np.uint8))
    assert unit not in list(volume.missing())
    assert len(list(volume.missing())) == 7
    with pytest.raises(UserError, match="unfinished"):
        volume.read(GRID.region)


@pytest.mark.parametrize("content", CHANNELS)
def test_the_metadata_are_ome_zarr_and_levels_are_means(tmp_path, content):
    volume, values = filled(tmp_path / "a.zarr", content)
    volume.build_levels(2)
    ome = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())["attributes"]["ome"]
    validate_ome_object(ome)
    assert [a["type"] for a in ome["multiscales"][0]["axes"]] == ["channel"] * (content == "colour") + ["space"] * 3
    assert [c["label"] for c in ome["omero"]["channels"]] == (
        ["red", "green", "blue"] if content == "colour" else ["grey"]
    )
    again = open_volume(tmp_path / "a.zarr")
    level = again.level(1)
    assert level.grid.shape == (10, 9, 9)
    assert np.array_equal(level.read(level.grid.region), mean_of_blocks(values))


def test_the_mean_of_blocks_is_rounded_and_smaller_at_odd_ends():
    values = np.array([[[0, 1, 10], [2, 3, 21]]], np.uint8)
    assert mean_of_blocks(values, (1, 2, 2)).tolist() == [[[2, 16]]]
    full = np.full((3, 4, 4, 4), 255, np.uint8)
    assert np.array_equal(mean_of_blocks(full), full[:, :2, :2, :2])


def test_labels_and_intensities_are_told_apart(tmp_path):
    filled(tmp_path / "grey.zarr", "grey")
    LabelVolume.create(tmp_path / "labels.zarr", GRID, default_phases(2))
    assert content_at(tmp_path / "grey.zarr") == "grey"
    assert content_at(tmp_path / "labels.zarr") == "phases"
    assert content_at(tmp_path / "absent.zarr") == "phases"
    assert type(open_volume(tmp_path / "labels.zarr")) is LabelVolume
    with pytest.raises(UserError, match="no volume of grey values or colours"):
        IntensityVolume.open(tmp_path / "labels.zarr")
    with pytest.raises(UserError, match="does not exist"):
        open_volume(tmp_path / "absent.zarr")


@pytest.mark.parametrize("content", CHANNELS)
def test_whatever_measures_phases_refuses_intensities(tmp_path, content):
    filled(tmp_path / "a.zarr", content)
    for take in (LabelVolume.open, read_labels):
        with pytest.raises(UserError, match=f"holds {content} values, not phases"):
            take(tmp_path / "a.zarr")


def test_blocks_of_another_shape_are_refused(tmp_path):
    volume = IntensityVolume.create_intensities(tmp_path / "a.zarr", GRID, "colour", chunks=16)
    with pytest.raises(ValueError, match="don't fill the region"):
        volume.write(Region((0, 0, 0), (16, 16, 16)), np.zeros((16, 16, 16), np.uint8))
