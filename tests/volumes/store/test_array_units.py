import numpy as np
import pytest
import zarr

from mesofuse.volumes.store import backends
from mesofuse.volumes.store.array_units import ArrayUnits
from mesofuse.volumes.store.levels import create_array

SHAPE, CHUNKS = (3, 9, 8), (2, 4, 4)


@pytest.fixture(params=[None, (2, 8, 4)])
def units(tmp_path, request):
    group = zarr.create_group(store=backends.open_store(str(tmp_path / "a.zarr"), writable=True))
    array = create_array(group, "deep/counts", SHAPE, CHUNKS, request.param, dtype="uint32", axes=("a", "b", "c"))
    array[:] = np.arange(np.prod(SHAPE)).reshape(SHAPE) % 5
    return ArrayUnits(group.store, array, values=5)


def test_units_tile_the_array(units):
    seen = np.zeros(SHAPE, int)
    for key, where in units.all():
        assert backends.exists(units.store, key)
        seen[where] += 1
    assert (seen == 1).all()
    assert units.count == sum(1 for _ in units.all())
    assert list(units.missing()) == []
    assert list(units.damaged({})) == []


def test_what_is_deleted_is_missing(units):
    first, last = [where for _, where in units.all()][:: units.count - 1]
    units.discard(last)
    assert [where for _, where in units.missing()] == [last]
    assert units.written(first)
    assert not units.written(tuple(slice(0, n) for n in SHAPE))
    assert [d.reason for d in units.damaged({})] == ["is missing"]
    assert list(units.damaged({}, missing=False)) == []


def test_damage_is_found_and_named(units, tmp_path):
    keys = [key for key, _ in units.all()]
    files = [tmp_path / "a.zarr" / key for key in keys]
    known = {key: backends_digest(file) for key, file in zip(keys, files, strict=True)}
    swapped = files[1].read_bytes()
    files[1].write_bytes(files[-1].read_bytes())
    files[-1].write_bytes(swapped)
    files[0].write_bytes(files[0].read_bytes()[:-3])
    found = {d.key: d.reason for d in units.damaged(known)}
    assert set(found) == {keys[0], keys[1], keys[-1]}
    assert all("SHA-256 differs" in reason for reason in found.values())
    assert "can't be decoded" in units.fault(keys[0], next(units.all())[1], {})


def test_values_beyond_the_phases_are_damage(units):
    units.array[0:2, 0:4, 0:4] = 7
    reasons = [d.reason for d in units.damaged({})]
    assert reasons == ["holds the value 7, but the volume has 5 phases"]


def backends_digest(file):
    from mesofuse.volumes.store.digests import digest

    return digest(file.read_bytes())
