import numpy as np
import pytest
import zarr

from mesofuse.errors import UserError
from mesofuse.volumes.formats.zarr import copy, pack, read
from mesofuse.volumes.grid import Grid
from mesofuse.volumes.labelling import to_labels
from mesofuse.volumes.labels import LabelArray
from mesofuse.volumes.phases import default_phases
from mesofuse.volumes.store.labels import LabelVolume

STACK = np.random.default_rng(0).integers(0, 3, (9, 5, 7), dtype=np.uint8)
VOLUME = LabelArray(
    STACK, Grid(STACK.shape, (0.4, 0.5, 0.6), "micrometer", (1, 2, 3)), default_phases(3, ("a", "b", "c"))
)


def test_plain_arrays_and_values_that_need_mapping_are_read(tmp_path):
    zarr.save_array(tmp_path / "a.zarr", STACK.astype(np.int32) * 64)
    labels, mapping = to_labels(read(str(tmp_path / "a.zarr")))
    np.testing.assert_array_equal(labels.array, STACK)
    assert str(mapping) == "0→0, 64→1, 128→2"


def test_a_copy_keeps_everything_in_another_layout(tmp_path):
    first = copy(VOLUME, str(tmp_path / "a.zarr"), 4, provenance={"seed": 1})
    second = copy(first, str(tmp_path / "b.zarr"), 3, 6)
    assert (second.chunks, second.shards, second.provenance) == ((3, 3, 3), (6, 6, 6), {"seed": 1})
    assert (second.grid, second.phases) == (VOLUME.grid, VOLUME.phases)
    np.testing.assert_array_equal(second.read(second.grid.region), STACK)


def test_a_packed_volume_is_read_from_its_zip(tmp_path):
    copy(VOLUME, str(tmp_path / "a.zarr"), 4).build_levels(2)
    pack(str(tmp_path / "a.zarr"), str(tmp_path / "a.zarr.zip"))
    volume = LabelVolume.open(tmp_path / "a.zarr.zip")
    np.testing.assert_array_equal(volume.read(volume.grid.region), STACK)
    assert (volume.grid, volume.complete, len(volume.levels)) == (VOLUME.grid, True, 2)
    assert volume.stored_bytes() > 0


def test_damaged_stores_are_one_sentence(tmp_path):
    copy(VOLUME, str(tmp_path / "a.zarr"), 4)
    (tmp_path / "a.zarr/0/c/0/0/0").write_bytes(b"junk")
    with pytest.raises(UserError, match=r"a\.zarr is damaged"):
        read(str(tmp_path / "a.zarr"))
    (tmp_path / "a.zarr/zarr.json").write_text('{"zarr_format"')
    with pytest.raises(UserError, match=r"a\.zarr is not a zarr volume, or its metadata are cut off"):
        read(str(tmp_path / "a.zarr"))
