import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store import backends
from mesofuse.volumes.store.labels import LabelVolume


def test_is_zarr_goes_by_name_or_by_files(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    assert not backends.is_zarr(folder)
    (folder / "zarr.json").write_text("{}")
    assert backends.is_zarr(folder)
    assert backends.is_zarr("s3://bucket/a")
    assert backends.is_zarr("a.zarr")
    assert not backends.is_zarr("a.tif")


@pytest.mark.parametrize("stray", ["notes.txt", "thesis/chapter.tex"])
def test_a_strangers_files_are_never_deleted(tmp_path, stray):
    LabelVolume.create(tmp_path / "v.zarr", Grid((2, 2, 2)), default_phases(2))
    file = tmp_path / "v.zarr" / stray
    file.parent.mkdir(exist_ok=True)
    file.write_text("years of work")
    with pytest.raises(UserError, match="leaves it alone"):
        backends.clear_for_overwrite(str(tmp_path / "v.zarr"))
    assert file.read_text() == "years of work"


def test_a_folder_that_is_not_zarr_is_never_deleted(tmp_path):
    (tmp_path / "0").mkdir()
    with pytest.raises(UserError, match="not a zarr volume"):
        backends.clear_for_overwrite(str(tmp_path))
    assert (tmp_path / "0").exists()


def test_an_unknown_protocol_is_one_sentence():
    with pytest.raises(UserError, match=r"nope://x\.zarr can't be opened"):
        backends.open_store("nope://x.zarr", writable=False)


def test_a_zip_is_not_written_in_place_nor_read_when_broken(tmp_path):
    path = tmp_path / "v.zarr.zip"
    with pytest.raises(UserError, match="piece by piece"):
        LabelVolume.create(path, Grid((2, 2, 2)), default_phases(2))
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UserError, match="not a zip file, or it is cut off"):
        LabelVolume.open(path)
