import errno
import json
import pickle
import threading

import numpy as np
import pytest
import yaozarrs
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.phases import Phase, default_phases
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.levels import mode_of_blocks
from mesofuse.volumes.store.write_units import layout

GRID = Grid((10, 9, 7), (0.4, 0.5, 0.6), "micrometer", (1.0, 2.0, 3.0))
PHASES = default_phases(3, ("pore", "active", "binder"))
LABELS = np.random.default_rng(0).integers(0, 3, GRID.shape, dtype=np.uint8)


def filled(path, grid=GRID, labels=LABELS, **layout):
    volume = LabelVolume.create(path, grid, PHASES, **({"chunks": 4} | layout))
    for region in grid.region.blocks(volume.write_unit):
        volume.write(region, labels[region.slices])
    return volume


def only_file(path, key="0/c/0/0/0"):
    return path.joinpath(*key.split("/"))


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(*[st.integers(1, 12)] * 3),
    st.tuples(*[st.integers(1, 8)] * 3),
    st.none() | st.tuples(*[st.integers(1, 3)] * 3),
    st.integers(0, 2**31),
)
def test_what_is_written_is_read_whatever_the_layout(tmp_path_factory, shape, chunks, bundles, seed):
    path = tmp_path_factory.mktemp("v") / "v.zarr"
    labels = np.random.default_rng(seed).integers(0, 3, shape, dtype=np.uint8)
    shards = bundles and tuple(c * b for c, b in zip(chunks, bundles, strict=True))
    volume = LabelVolume.create(path, Grid(shape), PHASES, chunks=chunks, shards=shards)
    units = list(volume.grid.region.blocks(volume.write_unit))
    assert list(volume.missing()) == units
    for unit in units:
        assert not volume.done(unit)
        volume.write(unit, labels[unit.slices])
        assert volume.done(unit)
    assert volume.complete
    np.testing.assert_array_equal(LabelVolume.open(path).read(volume.grid.region), labels)


def test_open_gives_back_grid_phases_and_provenance(tmp_path):
    phases = (Phase(0, "Pore", "#010203"), Phase(1, "Ni", "#ffffff"), Phase(2, "YSZ", "#00ff00"))
    made = LabelVolume.create(tmp_path / "v.zarr", GRID, phases, provenance={"seed": 3})
    volume = LabelVolume.open(tmp_path / "v.zarr")
    assert (volume.grid, volume.phases, volume.provenance) == (GRID, phases, {"seed": 3})
    made.set_provenance({"seed": 4, "versions": {"torch": "2"}})
    assert LabelVolume.open(tmp_path / "v.zarr").provenance == {"seed": 4, "versions": {"torch": "2"}}
    assert volume.path == str(tmp_path / "v.zarr")


@pytest.mark.parametrize("shards", [None, 8])
def test_an_all_zero_chunk_is_stored_so_that_its_key_says_done(tmp_path, shards):
    LabelVolume.create(tmp_path / "v.zarr", GRID, PHASES, chunks=4, shards=shards)
    volume = LabelVolume.open(tmp_path / "v.zarr", "r+")
    unit = next(GRID.region.blocks(volume.write_unit))
    volume.write(unit, np.zeros(unit.shape, np.uint8))
    assert volume.done(unit)
    assert unit not in list(volume.missing())


@pytest.mark.parametrize("shards", [None, 8])
def test_the_files_are_valid_ome_zarr(tmp_path, shards):
    volume = filled(tmp_path / "v.zarr", shards=shards)
    yaozarrs.validate_zarr_store(str(tmp_path / "v.zarr"))
    volume.build_levels(3)
    yaozarrs.validate_zarr_store(str(tmp_path / "v.zarr"))
    group = yaozarrs.open_group(str(tmp_path / "v.zarr"))
    assert isinstance(group.ome_metadata(version="0.5"), yaozarrs.v05.LabelImage)


@pytest.mark.parametrize(
    ("region", "labels", "message"),
    [
        (Region((1, 0, 0), (4, 4, 4)), np.zeros((3, 4, 4), np.uint8), "whole write units"),
        (Region((0, 0, 0), (3, 4, 4)), np.zeros((3, 4, 4), np.uint8), "whole write units"),
        (Region((8, 8, 4), (12, 9, 7)), np.zeros((4, 1, 3), np.uint8), "whole write units"),
        (Region((0, 0, 0), (4, 4, 4)), np.zeros((4, 4, 3), np.uint8), "don't fill the region"),
        (Region((0, 0, 0), (4, 4, 4)), np.zeros((4, 4, 4), np.int64), "must be uint8"),
        (Region((0, 0, 0), (4, 4, 4)), np.full((4, 4, 4), 3, np.uint8), "label 3 is not one of the 3 phases"),
    ],
)
def test_the_writer_refuses_what_is_not_aligned_or_not_labels(tmp_path, region, labels, message):
    volume = LabelVolume.create(tmp_path / "v.zarr", GRID, PHASES, chunks=4)
    with pytest.raises(ValueError, match=message):
        volume.write(region, labels)
    assert len(list(volume.missing())) == 3 * 3 * 2


def test_the_unit_of_a_sharded_volume_is_the_shard(tmp_path):
    volume = LabelVolume.create(tmp_path / "v.zarr", GRID, PHASES, chunks=4, shards=8)
    assert (volume.chunks, volume.shards, volume.write_unit) == ((4, 4, 4), (8, 8, 8), (8, 8, 8))
    with pytest.raises(ValueError, match="whole write units"):
        volume.write(Region((0, 0, 0), (4, 4, 4)), np.zeros((4, 4, 4), np.uint8))


def test_a_volume_open_for_reading_is_not_written(tmp_path):
    filled(tmp_path / "v.zarr")
    with pytest.raises(ValueError, match="reading only"):
        LabelVolume.open(tmp_path / "v.zarr").write(Region((0, 0, 0), (4, 4, 4)), np.zeros((4, 4, 4), np.uint8))


def test_threads_may_write_different_units_at_once(tmp_path):
    volume = LabelVolume.create(tmp_path / "v.zarr", GRID, PHASES, chunks=4)
    jobs = [threading.Thread(target=volume.write, args=(r, LABELS[r.slices])) for r in GRID.region.blocks((4, 4, 4))]
    [job.start() for job in jobs]
    [job.join() for job in jobs]
    np.testing.assert_array_equal(volume.read(GRID.region), LABELS)


@pytest.mark.parametrize("shards", [None, 8])
@pytest.mark.parametrize("keep", [0, 1, 0.5, -3])
def test_a_torn_chunk_is_named_and_can_be_mended(tmp_path, shards, keep):
    volume = filled(tmp_path / "v.zarr", shards=shards)
    last = list(GRID.region.blocks(volume.write_unit))[-1]
    file = max((tmp_path / "v.zarr/0/c").rglob("*"), key=lambda f: f.parts if f.is_file() else ())
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * keep) if keep == 0.5 else keep])
    with pytest.raises(UserError, match=rf"chunk {last} \(file .*can't be decoded.*mesofuse check"):
        volume.read(GRID.region)
    first = next(GRID.region.blocks(volume.write_unit))
    np.testing.assert_array_equal(volume.read(first), LABELS[first.slices])
    volume.discard(last)
    assert list(volume.missing()) == [last]
    with pytest.raises(UserError, match="unfinished"):
        volume.read(last)
    volume.write(last, LABELS[last.slices])
    np.testing.assert_array_equal(volume.read(GRID.region), LABELS)


def test_a_torn_shard_at_the_end_is_simply_overwritten(tmp_path):
    volume = filled(tmp_path / "v.zarr", shards=8)
    file = only_file(tmp_path / "v.zarr", "0/c/1/1/0")
    file.write_bytes(file.read_bytes()[:20])
    unit = Region((8, 8, 0), (10, 9, 7))
    volume.write(unit, LABELS[unit.slices])
    np.testing.assert_array_equal(volume.read(GRID.region), LABELS)


def test_an_unfinished_volume_never_passes_for_phase_0(tmp_path):
    volume = LabelVolume.create(tmp_path / "v.zarr", GRID, PHASES, chunks=4)
    unit = Region((0, 0, 0), (4, 4, 4))
    volume.write(unit, LABELS[unit.slices])
    again = LabelVolume.open(tmp_path / "v.zarr")
    np.testing.assert_array_equal(again.read(Region((1, 1, 1), (3, 3, 3))), LABELS[1:3, 1:3, 1:3])
    assert not again.complete
    with pytest.raises(UserError, match=r"unfinished.*0:5,0:4,0:4"):
        again.read(Region((0, 0, 0), (5, 4, 4)))
    with pytest.raises(UserError, match="unfinished"):
        volume.build_levels()


def test_reading_outside_is_an_error_not_a_smaller_array(tmp_path):
    with pytest.raises(ValueError, match="reaches outside"):
        filled(tmp_path / "v.zarr").read(Region((0, 0, 0), (11, 9, 7)))


def test_an_existing_output_needs_overwrite(tmp_path):
    filled(tmp_path / "v.zarr")
    with pytest.raises(UserError, match=r"v\.zarr exists already.*--overwrite"):
        LabelVolume.create(tmp_path / "v.zarr", GRID, PHASES)
    volume = LabelVolume.create(tmp_path / "v.zarr", Grid((2, 2, 2)), PHASES, overwrite=True)
    assert len(list(volume.missing())) == 1


def test_overwrite_spares_what_is_not_a_volume(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("x")
    with pytest.raises(UserError, match="leaves it alone"):
        LabelVolume.create(tmp_path / "photos", GRID, PHASES, overwrite=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="leaves it alone"):
        LabelVolume.create(tmp_path / "file", GRID, PHASES, overwrite=True)
    assert (tmp_path / "photos" / "a.jpg").read_text() == (tmp_path / "file").read_text() == "x"
    (tmp_path / "empty").mkdir()
    assert LabelVolume.create(tmp_path / "empty", GRID, PHASES).grid == GRID


@pytest.mark.parametrize("layout", [{"chunks": 0}, {"chunks": 4, "shards": 6}, {"chunks": 4, "shards": 2}])
def test_impossible_layouts_are_refused_and_leave_nothing(tmp_path, layout):
    with pytest.raises(UserError, match="size"):
        LabelVolume.create(tmp_path / "v.zarr", GRID, PHASES, **layout)
    assert not (tmp_path / "v.zarr").exists()


def test_pickling_keeps_the_path_and_what_the_user_said(tmp_path):
    volume = filled(tmp_path / "v.zarr")
    volume.grid = Grid(GRID.shape, (9.0, 9.0, 9.0), "nanometer")
    data = pickle.dumps(volume)
    assert len(data) < 2000
    again = pickle.loads(data)
    assert (again.grid, again.phases, again.mode) == (volume.grid, volume.phases, "r+")
    np.testing.assert_array_equal(again.read(GRID.region), LABELS)


def test_what_a_killed_writer_leaves_harms_nothing(tmp_path):
    filled(tmp_path / "v.zarr")
    for name in ("zarr.abc.partial", "0/zarr.abc.partial", "0/c/0/0/0.abc.partial"):
        (tmp_path / "v.zarr" / name).write_bytes(b"half")
    volume = LabelVolume.open(tmp_path / "v.zarr")
    assert volume.complete
    np.testing.assert_array_equal(volume.read(GRID.region), LABELS)
    LabelVolume.create(tmp_path / "v.zarr", GRID, PHASES, overwrite=True)
    assert not (tmp_path / "v.zarr/zarr.abc.partial").exists()


def test_a_layout_is_never_larger_than_the_volume():
    assert layout((40, 100, 1), 64, 128) == ((40, 64, 1), (40, 128, 1))
    assert layout((100, 300, 64), 64, 256) == ((64, 64, 64), (128, 256, 64))
    assert layout((100, 300, 64), (10, 20, 30), None) == ((10, 20, 30), None)


# --- what can't be opened -------------------------------------------------------------------------------------------


def test_what_is_not_a_volume_is_one_sentence_with_the_path(tmp_path):
    (tmp_path / "text.zarr").write_text("hello")
    (tmp_path / "empty.zarr").mkdir()
    zarr.save_array(tmp_path / "array.zarr", np.zeros((2, 2, 2), np.uint8))
    zarr.create_group(tmp_path / "group.zarr")
    for name, message in [
        ("none.zarr", "does not exist"), ("text.zarr", "is a file"), ("empty.zarr", "holds no zarr.json"),
        ("array.zarr", "single zarr array"), ("group.zarr", "without OME-Zarr metadata"),
    ]:  # fmt: skip
        with pytest.raises(UserError, match=rf"{name}.*{message}") as error:
            LabelVolume.open(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("file", ["zarr.json", "0/zarr.json"])
@pytest.mark.parametrize("keep", [0, 40, 300])
def test_metadata_that_are_cut_off_are_said(tmp_path, file, keep):
    filled(tmp_path / "v.zarr")
    path = tmp_path / "v.zarr" / file
    path.write_text(path.read_text()[:keep])
    with pytest.raises(UserError, match=r"v\.zarr"):
        LabelVolume.open(tmp_path / "v.zarr")


def test_a_missing_array_is_said(tmp_path):
    filled(tmp_path / "v.zarr")
    (tmp_path / "v.zarr/0/zarr.json").unlink()
    with pytest.raises(UserError, match="name the array '0', which is not there"):
        LabelVolume.open(tmp_path / "v.zarr")


# --- volumes that others made -----------------------------------------------------------------------------------------


def foreign(path, array, zarr_format=3, **meta):
    axes = [{"name": n, "type": "space"} for n in "zyx"[-array.ndim :]]
    scale = [{"type": "scale", "scale": [1.0] * array.ndim}]
    ome = {
        "multiscales": [{"axes": axes, "datasets": [{"path": "scale0", "coordinateTransformations": scale}]}],
        **meta,
    }
    attributes = {"ome": {"version": "0.5", **ome}} if zarr_format == 3 else ome
    group = zarr.create_group(path, attributes=attributes, zarr_format=zarr_format)
    group.create_array("scale0", data=array, chunks=(4,) * array.ndim)
    return path


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", ["int32", "uint16", "uint8", "int64", "bool"])
def test_foreign_labels_open_as_they_are(tmp_path, zarr_format, dtype):
    labels = (LABELS % 2).astype(dtype)
    meta = {
        "image-label": {
            "properties": [{"label-value": 1, "name": "cell"}],
            "colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}],
        }
    }
    volume = LabelVolume.open(foreign(tmp_path / "f.zarr", labels, zarr_format, **meta))
    assert volume.read(GRID.region).dtype == np.uint8
    np.testing.assert_array_equal(volume.read(GRID.region), LABELS % 2)
    assert volume.phases[1] == Phase(1, "cell", "#ff0000")
    assert (volume.grid, volume.provenance, volume.complete) == (Grid(GRID.shape), {}, True)
    assert pickle.loads(pickle.dumps(volume)).phases == volume.phases


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (LABELS.astype("float32"), "float32 values, not labels"),
        (LABELS * 100, "holds the values 0, 100, 200.*mesofuse import"),
        (LABELS.astype("int16") - 1, "holds the values -1, 0, 1"),
        (np.arange(630, dtype="uint16").reshape(GRID.shape), "more than 255"),
        (LABELS[None], "4 axes"),
    ],
)
def test_foreign_images_that_are_not_labels_are_refused(tmp_path, array, message):
    with pytest.raises(UserError, match=message):
        LabelVolume.open(foreign(tmp_path / "f.zarr", array))


# --- levels and stores ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [None, 8])
def test_levels_are_the_mode_of_the_level_before(tmp_path, shards):
    grid = Grid((37, 20, 9), (0.1, 0.2, 0.3), "micrometer")
    labels = np.random.default_rng(1).integers(0, 3, grid.shape, dtype=np.uint8)
    volume = filled(tmp_path / "v.zarr", grid, labels, shards=shards)
    seen = []
    volume.build_levels(3, lambda done, total: seen.append((done, total)))
    again = LabelVolume.open(tmp_path / "v.zarr")
    assert [g.shape for g in again.levels] == [(37, 20, 9), (19, 10, 5), (10, 5, 3)]
    expected = labels
    for index in range(1, 3):
        expected = mode_of_blocks(expected)
        level = again.level(index)
        np.testing.assert_array_equal(level.read(level.grid.region), expected)
    assert again.level(1).grid.voxel_size == (0.2, 0.4, 0.6)
    assert seen[-1][0] == seen[-1][1] == len(seen)
    with pytest.raises(UserError, match="no level 3; it has levels 0 to 2"):
        again.level(3)
    np.testing.assert_array_equal(again.read(grid.region), labels)


def test_a_kill_while_levels_are_built_leaves_a_valid_volume(tmp_path):
    volume = filled(tmp_path / "v.zarr")
    volume.build_levels(2)

    def kill(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        volume.build_levels(3, kill)
    yaozarrs.validate_zarr_store(str(tmp_path / "v.zarr"))
    assert len(LabelVolume.open(tmp_path / "v.zarr").levels) == 1
    LabelVolume.open(tmp_path / "v.zarr", "r+").build_levels(3)
    assert len(LabelVolume.open(tmp_path / "v.zarr").levels) == 3


def test_a_url_works_like_a_folder():
    path = "memory://store-test/v.zarr"
    volume = filled(path, shards=8)
    volume.build_levels(2)
    again = LabelVolume.open(path)
    np.testing.assert_array_equal(again.read(GRID.region), LABELS)
    assert (again.grid, again.path, again.complete) == (GRID, path, True)
    volume.discard(Region((0, 0, 0), (1, 1, 1)))
    assert len(list(volume.missing())) == 1
    with pytest.raises(UserError, match="--overwrite"):
        LabelVolume.create(path, GRID, PHASES)
    assert len(list(LabelVolume.create(path, GRID, PHASES, overwrite=True, chunks=16).missing())) == 1
    assert pickle.loads(pickle.dumps(volume)).grid == GRID


def test_stored_bytes_are_the_bytes_on_disk(tmp_path):
    volume = filled(tmp_path / "v.zarr")
    assert volume.stored_bytes() == sum(f.stat().st_size for f in (tmp_path / "v.zarr").rglob("*") if f.is_file())
    assert json.loads((tmp_path / "v.zarr/zarr.json").read_text())["attributes"]["mesofuse"] == {}


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), MemoryError()])
def test_a_machine_that_runs_out_is_no_damage(tmp_path, monkeypatch, error):
    volume = LabelVolume.create(tmp_path / "b.zarr", Grid((4, 4, 4)), default_phases(2), chunks=4)
    volume.write(volume.grid.region, np.zeros((4, 4, 4), np.uint8))

    class Failing:
        def __init__(self, array):
            self.array = array

        def __getattr__(self, name):
            return getattr(self.array, name)

        def __getitem__(self, where):
            raise error

    monkeypatch.setattr(volume, "array", Failing(volume.array))
    with pytest.raises(type(error)):
        volume.read(volume.grid.region)
