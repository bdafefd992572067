import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesofuse.errors import UserError
from mesofuse.volumes.format_spec import FormatSpec
from mesofuse.volumes.formats import BUILTIN, read_raw, write_labels
from mesofuse.volumes.grid import UNITS, Grid
from mesofuse.volumes.labelling import read_labels, to_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import Phase, default_phases
from mesofuse.volumes.raw import RawImage
from mesofuse.volumes.store import LabelVolume

length = st.floats(1e-3, 1e3).map(lambda v: float(f"{v:.6g}"))
HOLDS_GRID = {"a.tif", "a.zarr", "a.zarr.zip"}
OUTPUTS = ["a.tif", "a.npy", "a/", "a.vti", "a.zarr", "a.zarr.zip"]


def sample(shape=(3, 4, 5), phases=3, seed=0, **grid):
    labels = np.random.default_rng(seed).integers(0, phases, shape, dtype=np.uint8)
    labels.flat[:phases] = np.arange(phases)
    named = tuple(Phase(i, f"Phäse {i}", f"#0000{i:02x}") for i in range(phases))
    return LabelArray(labels, Grid(shape, **grid), named)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["a.tif", "a.npy", "a/", "a.zarr", "a.zarr.zip"]),
    st.tuples(*[st.integers(1, 9)] * 3).filter(lambda s: np.prod(s) > 4),
    st.integers(2, 5),
    st.tuples(length, length, length),
    st.sampled_from(sorted(UNITS)),
    st.tuples(*[st.floats(-100, 100)] * 3),
    st.integers(0, 2**31),
)
def test_reading_what_was_written_is_the_identity(tmp_path_factory, name, shape, phases, voxel, unit, origin, seed):
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
    path = f"{tmp_path}/{name}"
    write_labels(sample(), path)
    with pytest.raises(UserError, match=r"/a.* exists already.*--overwrite"):
        write_labels(sample(), path)
    write_labels(sample((2, 2, 2)), path, overwrite=True)
    if name != "a.vti":
        assert read_labels(path)[0].grid.shape == (2, 2, 2)
    assert len(os.listdir(tmp_path)) == 1


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_failure_while_writing_leaves_nothing(tmp_path, name):
    class Broken(LabelArray):
        def read(self, region):
            raise UserError("the disk caught fire")

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
    (tmp_path / "a.xyz").write_text("x")
    with pytest.raises(UserError, match=r"ends with '\.xyz'.*\.tif.*--format"):
        read_raw(tmp_path / "a.xyz")
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
    for name in OUTPUTS[:4]:
        write_labels(volume, f"{tmp_path}/{name}")
    assert thickest == 8
    for name in OUTPUTS[:3]:
        again = read_labels(f"{tmp_path}/{name}")[0]
        np.testing.assert_array_equal(again.read(again.grid.region), labels)
