import os
import zipfile

import pytest

from mesofuse.errors import UserError
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store import backends, digests
from mesofuse.volumes.store.labels import LabelVolume
from mesofuse.volumes.store.zarr_stores import UnusableFile, read_key, sweep_store


def filled(path, shards=None):
    volume = LabelVolume.create(path, Grid((8, 8, 8)), default_phases(2), chunks=4, shards=shards)
    volume.write(volume.grid.region, (volume.array[:] + 1).astype("uint8"))
    volume.sort_digests()
    return volume


@pytest.mark.parametrize("shards", [None, 8])
@pytest.mark.parametrize("where", ["folder", "zip"])
def test_an_empty_file_is_no_unit(tmp_path, shards, where):
    volume = filled(tmp_path / "v.zarr", shards)
    (tmp_path / "v.zarr/0/c/0/0/0").write_bytes(b"")
    path = tmp_path / "v.zarr"
    if where == "zip":
        path = tmp_path / "v.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for key in backends.keys(volume._group.store, ""):
                archive.write(tmp_path / "v.zarr" / key, key)
    with pytest.raises(UserError, match=r"file 0/c/0/0/0.*is empty \(0 bytes\).*mesofuse check"):
        LabelVolume.open(path).read(volume.grid.region)


def test_a_torn_shard_whose_index_is_gone_is_not_taken_for_unwritten(tmp_path):
    volume = filled(tmp_path / "v.zarr", 8)
    file = tmp_path / "v.zarr/0/c/0/0/0"
    for size in range(len(file.read_bytes())):
        os.truncate(file, size) if size else file.write_bytes(b"")
        with pytest.raises(UserError, match="is damaged"):
            volume.read(volume.grid.region)
        file.unlink()
        volume.write(volume.grid.region, (0 * volume.array[:] + 1).astype("uint8"))


def test_a_zip_entry_that_inflates_beyond_all_that_it_can_hold_is_not_read(tmp_path):
    volume = filled(tmp_path / "v.zarr")
    for name in ("0/c/0/0/0", "zarr.json", "0/zarr.json"):
        path = tmp_path / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for key in backends.keys(volume._group.store, ""):
                data = (tmp_path / "v.zarr" / key).read_bytes()
                archive.writestr(key, data + (b" " * (1 << 25) if key == name else b""))
        with pytest.raises(UserError, match="more than the"):
            LabelVolume.open(path).read(volume.grid.region)


def test_what_a_killed_writer_left_in_a_store_goes(tmp_path):
    filled(tmp_path / "v.zarr")
    before = sorted(p.name for p in (tmp_path / "v.zarr").rglob("*"))
    left = ["0/c/0/0/.1.0123abcd.partial", f"0/c/0/0/1.{'0f' * 16}.partial", f"zarr.{'0f' * 16}.partial"]
    kept = ["0/notes.partial", "0/c/mine.0123.partial"]
    for name in left + kept:
        (tmp_path / "v.zarr" / name).write_text("half")
    sweep_store(tmp_path / "v.zarr")
    after = sorted(p.name for p in (tmp_path / "v.zarr").rglob("*"))
    assert after == sorted([*before, *(k.rsplit("/", 1)[1] for k in kept)])


def test_keys_are_read_and_units_noted(tmp_path):
    volume = filled(tmp_path / "v.zarr")
    store = volume._group.store
    assert read_key(store, "0/c/9/9/9") is None
    assert read_key(store, "0/c") is None
    data = read_key(store, "0/c/1/0/1")
    assert volume.known_digests()["0/c/1/0/1"] == digests.digest(data)
    (tmp_path / "v.zarr/0/c/1/0/1").write_bytes(b"")
    with pytest.raises(UnusableFile, match="empty"):
        read_key(store, "0/c/1/0/1")
