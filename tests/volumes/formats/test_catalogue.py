import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.volumes.formats.catalogue import BUILTIN, read_raw, write_labels
from mesofuse.volumes.formats.spec import FormatSpec
from mesofuse.volumes.grid import UNITS, Grid
from mesofuse.volumes.labelling import read_labels, to_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import Phase, default_phases
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.store.labels import LabelVolume

length = st.floats(1e-3, 1e3).map(lambda v: float(f"{v:.6g}"))
EXTRA = {".h5": "h5py", ".nrrd": "nrrd"}
BOTH_WAYS = ["a.tif", "a.npy", "a/", "a.zarr", "a.zarr.zip", "a.raw", "a.mha", "a.nrrd", "a.h5"]
HOLDS_GRID = {*BOTH_WAYS} - {"a.npy", "a/"}
OUTPUTS = [*BOTH_WAYS, "a.vti"]


def sample(shape=(3, 4, 5), phases=3, seed=0, **grid):
    labels = np.random.default_rng(seed).integers(0, phases, shape, dtype=np.uint8)
    labels.flat[:phases] = np.arange(phases)
    named = tuple(Phase(i, f"Phäse {i}", f"#0000{i:02x}") for i in range(phases))
    return LabelArray(labels, Grid(shape, **grid), named)


def installed(name):
    """Skip a format whose library is not installed."""
    if os.path.splitext(name)[1] in EXTRA:
        pytest.importorskip(EXTRA[os.path.splitext(name)[1]])


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(BOTH_WAYS),
    st.tuples(*[st.integers(1, 9)] * 3).filter(lambda s: np.prod(s) > 4),
    st.integers(2, 5),
    st.tuples(length, length, length),
    st.sampled_from(sorted(UNITS)),
    st.tuples(*[st.floats(-100, 100)] * 3),
    st.integers(0, 2**31),
)
def test_reading_what_was_written_is_the_identity(tmp_path_factory, name, shape, phases, voxel, unit, origin, seed):
    installed(name)
    path = f"{tmp_path_factory.mktemp('f')}/{name}"
    labels = sample(shape, phases, seed, voxel_size=voxel, unit=unit, origin=origin)
    write_labels(labels, path)
    again, mapping = read_labels(path)
    np.testing.assert_array_equal(again.read(again.grid.region), labels.array)
    assert not mapping.changed
    if name in HOLDS_GRID:
        assert again.grid == labels.grid
        assert again.phases == labels.phases


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_exists_needs_overwrite(tmp_path, name):
    installed(name)
    path = f"{tmp_path}/{name}"
    write_labels(sample(), path)
    with pytest.raises(UserError, match=r"/a.* exists already.*--overwrite"):
        write_labels(sample(), path)
    write_labels(sample((2, 2, 2)), path, overwrite=True)
    if name != "a.vti":
        assert read_labels(path)[0].grid.shape == (2, 2, 2)
    assert len(os.listdir(tmp_path)) == (2 if name == "a.raw" else 1)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_failure_while_writing_leaves_nothing(tmp_path, name):
    class Broken(LabelArray):
        def read(self, region):
            raise UserError("the disk caught fire")

    installed(name)
    labels = sample()
    with pytest.raises(UserError, match="fire"):
        write_labels(Broken(labels.array, labels.grid, labels.phases), f"{tmp_path}/{name}")
    assert os.listdir(tmp_path) == []


def test_overwrite_never_deletes_other_folders(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "thesis.txt").write_text("x")
    for name in ("a.zarr", "a.zarr/"):
        with pytest.raises(UserError, match="leaves it alone"):
            write_labels(sample(), f"{tmp_path}/{name}", overwrite=True)
    assert (tmp_path / "a.zarr" / "thesis.txt").exists()


@pytest.mark.parametrize("ending", [".tif", ".png", ".npy", ".zarr", ".jpg", ".bmp"])
def test_missing_empty_and_text_files_are_one_sentence(tmp_path, ending):
    missing, empty, text = (tmp_path / f"{n}{ending}" for n in ("missing", "empty", "text"))
    empty.write_bytes(b"")
    text.write_text("this is not an image, " * 50)
    for path, message in [(missing, "does not exist"), (empty, "empty file|is a file"), (text, "not a|is a file")]:
        with pytest.raises(UserError, match=message) as error:
            read_labels(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_an_unknown_ending_lists_what_is_known(tmp_path):
    (tmp_path / "a.ply").write_text("x")
    with pytest.raises(UserError, match=r"ends with '\.ply'.*\.tif.*--format.*--shape"):
        read_raw(tmp_path / "a.ply")
    with pytest.raises(UserError, match="has no ending"):
        write_labels(sample(), tmp_path / "a")


def test_a_format_may_be_named(tmp_path):
    write_labels(sample(), tmp_path / "a.dat", format="tiff")
    assert read_labels(tmp_path / "a.dat", format="tiff")[0].grid.shape == (3, 4, 5)
    with pytest.raises(UserError, match="Did you mean 'tiff'"):
        read_raw(tmp_path / "a.dat", format="tif")
    with pytest.raises(UserError, match="No format 'vti' can be read"):
        read_raw(tmp_path / "a.dat", format="vti")


def test_a_folder_under_a_file_format_is_refused(tmp_path):
    with pytest.raises(UserError, match="is a folder, not a tiff file"):
        read_raw(tmp_path, format="tiff")


def test_only_zarr_goes_to_urls():
    labels = sample()
    with pytest.raises(UserError, match=r"only \.zarr volumes"):
        write_labels(labels, "memory://formats-test/a.tif")
    write_labels(labels, "memory://formats-test/a.zarr")
    with pytest.raises(UserError, match="exists already"):
        write_labels(labels, "memory://formats-test/a.zarr")
    again, _ = read_labels("memory://formats-test/a.zarr")
    np.testing.assert_array_equal(again.read(again.grid.region), labels.array)


def read_reversed(path):
    return RawImage(np.fromfile(path, np.uint8).reshape(1, 2, 2)[..., ::-1], path)


def test_a_plugins_format_is_used_like_a_builtin(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "lab_format", sys.modules[__name__])
    spec = FormatSpec("lab", (".lab.tif",), "the lab's own", "lab_format:read_reversed")
    (tmp_path / "a.lab.tif").write_bytes(bytes([0, 1, 2, 3]))
    raw = read_raw(tmp_path / "a.lab.tif", (*BUILTIN, spec))  # the longer ending wins over .tif
    assert to_labels(raw)[0].array.tolist() == [[[1, 0], [3, 2]]]


def test_a_large_volume_is_exported_by_slabs(tmp_path):
    shape = (40, 8, 8)
    volume = LabelVolume.create(tmp_path / "v.zarr", Grid(shape), default_phases(3), chunks=8)
    labels = sample(shape).array
    for region in volume.grid.region.blocks((8, 8, 8)):
        volume.write(region, labels[region.slices])
    thickest = 0
    whole = LabelVolume.read

    class Watched(LabelVolume):
        def read(self, region):
            nonlocal thickest
            thickest = max(thickest, region.shape[0])
            return whole(self, region)

    volume.__class__ = Watched
    for name in ("a.tif", "a.npy", "a/", "a.vti", "a.raw", "a.mha", "a.nrrd"):
        write_labels(volume, f"{tmp_path}/{name}")
    assert thickest == 8
    for name in ("a.tif", "a.npy", "a/", "a.raw", "a.mha"):
        again = read_labels(f"{tmp_path}/{name}")[0]
        np.testing.assert_array_equal(again.read(again.grid.region), labels)


@pytest.mark.parametrize("ending", [".txt", ".csv", ".xyz", ".dat"])
def test_text_is_refused_with_code_that_makes_an_array_of_it(tmp_path, monkeypatch, ending):
    labels = sample().array
    table = [(x, y, z, labels[z - 1, y - 1, x - 1]) for x in range(1, 6) for y in range(1, 5) for z in range(1, 4)]
    np.savetxt(tmp_path / f"table{ending}", np.array(table), fmt="%d")
    with pytest.raises(UserError, match=r"is text, not an image") as error:
        read_raw(tmp_path / f"table{ending}")
    monkeypatch.chdir(tmp_path)
    exec(str(error.value).split("`")[1], {})  # what users are told to do works
    np.testing.assert_array_equal(read_raw("volume.npy").array, labels)
    (tmp_path / f"bytes{ending}").write_bytes(bytes(60))
    with pytest.raises(UserError, match=r"tells no format.*a headerless file: --shape"):
        read_raw(tmp_path / f"bytes{ending}")


def test_only_files_that_hold_arrays_take_a_name_inside(tmp_path):
    write_labels(sample(), tmp_path / "a.npy")
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npy").read_bytes())
    with pytest.raises(UserError, match=r"A file of the format npy holds one image: leave out ':x'"):
        read_raw(f"{tmp_path}/a.npz:x", format="npy")
    with pytest.raises(UserError, match=r"b\.h5 does not exist"):
        read_raw(f"{tmp_path}/b.h5:/x")
