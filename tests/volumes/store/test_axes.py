import itertools
import pickle

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.volumes.formats.zarr import read
from mesofuse.volumes.grid import Grid, Region
from mesofuse.volumes.labelling import read_labels
from mesofuse.volumes.store.axes import ArrangedArray, Arrangement, arrangement_of
from mesofuse.volumes.store.labels import LabelVolume

LABELS = np.random.default_rng(1).integers(0, 3, (6, 5, 7), dtype=np.uint8)
SIZE = {"z": 0.5, "y": 0.4, "x": 0.3}


def stored(path, order, *, version=3, chunks=4, dtype=np.uint8, names=None, counts=(), labels=LABELS):
    """Write an OME-Zarr image as other software does, its axes in any order."""
    shape = dict(zip("zyx", labels.shape, strict=True)) | dict(counts)
    space = [a for a in "zyx" if a in order]
    array = labels.reshape([shape[a] for a in space]).transpose([space.index(a) for a in order if a in space])
    array = array.reshape([shape[a] if a in space else 1 for a in order]).astype(dtype)
    array = np.broadcast_to(array, [shape.get(a, 1) for a in order])
    kinds = {"t": "time", "c": "channel"}
    axes = [{"name": a, "type": kinds.get(a, "space"), **({"unit": "micrometer"} if a in SIZE else {})} for a in order]
    steps = [{"type": "scale", "scale": [SIZE.get(a, 1.0) for a in order]}]
    multiscale = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}
    about = {"version": "0.5", "multiscales": [multiscale]}
    root = zarr.open_group(
        str(path), mode="w", zarr_format=version, attributes={"ome": about} if version == 3 else about
    )
    more = {"dimension_names": names} if names else {}
    made = root.create_array("0", shape=array.shape, chunks=(chunks,) * len(order), dtype=dtype, **more)
    made[...] = array
    return str(path)


ORDERS = ["".join(p) for p in itertools.permutations("tczyx")]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([*ORDERS, "xyz", "zxy", "czyx", "tyxz", "zyx"]), st.sampled_from([2, 3]), st.data())
def test_every_order_of_axes_is_read_by_name(tmp_path_factory, order, version, data):
    path = stored(tmp_path_factory.mktemp("a") / "a.zarr", order, version=version)
    volume = LabelVolume.open(path)
    assert volume.grid == Grid(LABELS.shape, (0.5, 0.4, 0.3), "micrometer")
    np.testing.assert_array_equal(volume.read(volume.grid.region), LABELS)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in LABELS.shape)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, LABELS.shape, strict=True))
    region = Region(start, stop)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(volume)).read(region), LABELS[region.slices])
    raw = read(path)
    np.testing.assert_array_equal(raw.array, LABELS)
    assert (raw.voxel_size, raw.unit) == ((0.5, 0.4, 0.3), "micrometer")


def test_only_what_is_asked_for_is_read(tmp_path):
    path = stored(tmp_path / "a.zarr", "tcxyz", version=2, chunks=2)
    volume = LabelVolume.open(path)
    assert (volume.chunks, volume.shards, volume.levels) == ((2, 2, 2), None, (volume.grid,))
    for file in (tmp_path / "a.zarr/0").iterdir():  # all chunks but that of the first voxels are damaged
        if file.name not in (".zarray", ".zattrs", "0.0.0.0.0"):
            file.write_bytes(b"junk")
    np.testing.assert_array_equal(volume.read(Region((0, 0, 0), (2, 2, 2))), LABELS[:2, :2, :2])
    with pytest.raises(UserError, match=r"0\.0\.0\.0\.2"):
        volume.read(Region((4, 0, 0), (5, 1, 1)))


def test_shards_of_axes_in_another_order(tmp_path):
    path = stored(tmp_path / "a.zarr", "tcxyz")
    group = zarr.open_group(path, mode="r+")
    shape = group["0"].shape
    made = group.create_array(
        "0", shape=shape, chunks=(1, 1, 2, 2, 2), shards=(1, 1, 4, 2, 2), dtype="u1", overwrite=True
    )
    made[...] = LABELS.transpose(2, 1, 0)[None, None]
    volume = LabelVolume.open(path)
    assert (volume.chunks, volume.shards) == ((2, 2, 2), (2, 2, 4))
    np.testing.assert_array_equal(volume.read(volume.grid.region), LABELS)


def test_an_image_of_one_plane(tmp_path):
    plane = LABELS[:1]
    path = stored(tmp_path / "a.zarr", "cxy", labels=plane)
    volume, _ = read_labels(path)
    assert (volume.grid.shape, volume.chunks) == ((1, 5, 7), (1, 4, 4))
    np.testing.assert_array_equal(volume.read(volume.grid.region), plane)
    np.testing.assert_array_equal(volume.read(Region((0, 1, 2), (1, 3, 7))), plane[:, 1:3, 2:])
    np.testing.assert_array_equal(read(path).array, plane)


def test_several_channels_or_times_are_refused_with_the_way_out(tmp_path):
    path = stored(tmp_path / "a.zarr", "tczyx", counts={"t": 2, "c": 3})
    for take in (LabelVolume.open, read, read_labels):
        with pytest.raises(UserError, match=r"a\.zarr has more axes than a volume \(t = 2, c = 3 .* save one channel"):
            take(path)


def test_an_array_that_contradicts_its_metadata_is_refused(tmp_path):
    path = stored(tmp_path / "a.zarr", "zyx", names=("x", "y", "z"))
    for take in (LabelVolume.open, read):
        with pytest.raises(UserError, match="name the axes z, y, x, but its array names x, y, z"):
            take(path)
    path = stored(tmp_path / "b.zarr", "xyz", names=("X", "y", None))
    np.testing.assert_array_equal(read(path).array, LABELS)
    group = zarr.open_group(path, mode="r+")
    group.create_array("0", shape=(2, 2), dtype="u1", overwrite=True)
    with pytest.raises(UserError, match=r"has 2 axes \(shape \(2, 2\)\), but its metadata name 3 \(x, y, z\)"):
        LabelVolume.open(path)


@pytest.mark.parametrize("version", [2, 3])
def test_a_plain_array_is_read_by_the_names_of_its_axes(tmp_path, version):
    path = str(tmp_path / "a.zarr")
    names = ("x", "y", "z")
    more = {"dimension_names": names} if version == 3 else {"attributes": {"_ARRAY_DIMENSIONS": list(names)}}
    made = zarr.create_array(path, shape=LABELS.shape[::-1], dtype="u1", zarr_format=version, **more)
    made[...] = LABELS.transpose(2, 1, 0)
    np.testing.assert_array_equal(read(path).array, LABELS)


@pytest.mark.parametrize("names", [None, ("dim_0", "dim_1", "dim_2"), (None, None, None)])
def test_nameless_axes_of_a_plain_array_are_z_y_x(tmp_path, names):
    made = zarr.create_array(str(tmp_path / "a.zarr"), shape=LABELS.shape, dtype="u1", dimension_names=names)
    made[...] = LABELS
    assert arrangement_of(made, "a") is None
    np.testing.assert_array_equal(read(str(tmp_path / "a.zarr")).array, LABELS)


def test_a_plain_array_with_names_that_are_not_understood_is_refused(tmp_path):
    zarr.create_array(str(tmp_path / "a.zarr"), shape=(2, 3, 4), dtype="u1", dimension_names=("plane", "y", "x"))
    with pytest.raises(UserError, match=r"a\.zarr has more axes than a volume \(plane = 2"):
        read(str(tmp_path / "a.zarr"))


def test_a_volume_in_another_order_is_not_written(tmp_path):
    path = stored(tmp_path / "a.zarr", "xyz")
    with pytest.raises(UserError, match="not stored as z, y, x, so it can't be written"):
        LabelVolume.open(path, "r+")


def test_the_view_has_what_readers_use(tmp_path):
    stored(tmp_path / "a.zarr", "cxyz")
    array = zarr.open_group(str(tmp_path / "a.zarr"), mode="r")["0"]
    view = ArrangedArray(array, Arrangement(("c", "x", "y", "z"), (3, 2, 1)), "a")
    assert (view.shape, view.ndim, view.dtype, view.path) == (LABELS.shape, 3, np.uint8, "0")
    assert view.metadata.encode_chunk_key((1, 0, 2)) == "c/0/2/0/1"
